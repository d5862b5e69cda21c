// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <tarn/core/device.hpp>
#include <tarn/gpu/context.hpp>

namespace tarn {

/// The device that a program's option came to, where a type is chosen while it runs.
struct DeviceChoice {
  bool gpu = false;
  std::string reason;  ///< why it is the CPU though the GPU would have been taken; else empty

  const char* name() const { return gpu ? Gpu::name : Cpu::name; }
  /// Calls `use(Gpu{})` or `use(Cpu{})`, which give the same type.
  template <class Use>
  auto operator()(Use use) const {
    return gpu ? use(Gpu{}) : use(Cpu{});
  }
};

namespace detail {

/// Throws DeviceError unless models can run on this thread's GPU: there must be a GPU, and the libraries that they need.
inline void require_gpu() {
  gpu::Context::current();
#if TARN_GPU_HEADERS
  gpu::functions<gpu::NvrtcFunctions>();
  gpu::functions<gpu::BlasFunctions>();
  gpu::functions<gpu::DnnFunctions>();
#endif
}

}  // namespace detail

/// From "cpu", "gpu" or "auto": the GPU if models can run on it, else the CPU with the reason. Throws DeviceError for "gpu" where
/// they cannot, ArgumentError for another name.
inline DeviceChoice choose_device(const std::string& name) {
  if (name == Cpu::name) return {};
  if (name != Gpu::name && name != "auto")
    throw ArgumentError("choose_device: device is '", name, "', expected auto, cpu or gpu");
  try {
    detail::require_gpu();
    return {true, {}};
  } catch (const DeviceError& error) {
    if (name == Gpu::name) throw;
    return {false, error.what()};
  }
}

}  // namespace tarn
