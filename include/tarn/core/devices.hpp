// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <tarn/core/device.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/cpu/instruction_set.hpp>
#include <tarn/gpu/driver/queries.hpp>

namespace tarn {

/// Something that models can run on.
struct DeviceInfo {
  std::string kind;             ///< "cpu" or "gpu"
  std::string instruction_set;  ///< of the processor: the one in use, as in "v4"
  int threads = 0;              ///< of the processor: those in use
  int index = 0;                ///< of a GPU: the driver's number for it
  std::string name;             ///< of a GPU, as in "NVIDIA H100 80GB HBM3"
  std::size_t memory = 0;       ///< of a GPU, in bytes
  int capability = 0;           ///< of a GPU, as in 90 for 9.0
  int driver = 0;               ///< of a GPU: the newest CUDA version that the driver knows, as in 13000 for 13.0
  std::string problem;          ///< why it cannot be used; empty if it can

  /// As in "cpu: v4, 2 threads" or "gpu 0: NVIDIA H200, 139 GiB, capability 9.0, driver for CUDA 13.0".
  std::string to_string() const {
    if (!problem.empty()) return kind + ": " + problem;
    if (kind == Cpu::name)
      return detail::join({kind, ": ", instruction_set, ", ", threads, threads == 1 ? " thread" : " threads"});
    return detail::join({kind, " ", index, ": ", name, ", ", memory >> 30, " GiB, capability ", capability / 10, ".",
                         capability % 10, ", driver for CUDA ", driver / 1000, ".", driver % 1000 / 10});
  }
};

namespace detail {

inline DeviceInfo list_cpu() {
  DeviceInfo info;
  info.kind = Cpu::name;
  try {
    info.instruction_set = cpu::to_string(cpu::instruction_set());
    info.threads = parallel::threads();
  } catch (const Error& error) {  // of TARN_CPU or TARN_NUM_THREADS
    info.problem = error.what();
  }
  return info;
}

/// Adds what the driver knows of each GPU; a status other than success becomes the entry's problem.
inline void list_gpus(const gpu::DriverQueries& driver, std::vector<DeviceInfo>& devices) {
  constexpr int no_device = 100, major = 75, minor = 76;  // CUDA_ERROR_NO_DEVICE, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_..
  DeviceInfo info;
  info.kind = Gpu::name;
  const auto failed = [&](const char* call, int status) {
    if (status == 0) return false;
    const char* name = nullptr;
    driver.cuGetErrorName(status, &name);
    info.problem = join({call, ": ", name ? name : "status", " (", status, ")"});
    return true;
  };
  int count = 0;
  const int status = driver.cuInit(0);
  if (status == no_device) return;
  if (failed("cuInit", status) || failed("cuDriverGetVersion", driver.cuDriverGetVersion(&info.driver)) ||
      failed("cuDeviceGetCount", driver.cuDeviceGetCount(&count)))
    return devices.push_back(info);
  for (info.index = 0; info.index < count; ++info.index) {
    int device = 0, first = 0, second = 0;
    char name[256] = {};
    info.problem.clear();
    if (!failed("cuDeviceGet", driver.cuDeviceGet(&device, info.index)) &&
        !failed("cuDeviceGetName", driver.cuDeviceGetName(name, sizeof name - 1, device)) &&
        !failed("cuDeviceTotalMem", driver.cuDeviceTotalMem_v2(&info.memory, device)) &&
        !failed("cuDeviceGetAttribute", driver.cuDeviceGetAttribute(&first, major, device)))
      failed("cuDeviceGetAttribute", driver.cuDeviceGetAttribute(&second, minor, device));
    info.name = name;
    info.capability = 10 * first + second;
    devices.push_back(info);
  }
}

}  // namespace detail

/// The processor, then the GPUs that an NVIDIA driver finds. Never throws: what cannot be used says why in `problem`. The first
/// call of a program opens the driver, if there is one.
inline std::vector<DeviceInfo> devices() {
  std::vector<DeviceInfo> result{detail::list_cpu()};
  if (const gpu::DriverQueries* driver = gpu::driver_queries()) detail::list_gpus(*driver, result);
  return result;
}

}  // namespace tarn
