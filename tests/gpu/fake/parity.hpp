// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu.hpp>

#include "../../support/compare.hpp"
#include "../emulator/buffer.hpp"
#include "gpu.hpp"

namespace fake {

/// One GPU for a test, current while it lives: the fake one, or a card on demand.
struct Device {
  Gpu gpu{on_card()};
  tarn::gpu::Context context;
  tarn::gpu::CurrentContext current{context};
};

/// The same numbers as a batch on the CPU and on the GPU.
template <class T>
struct Twin {
  tarn::Tensor<T> values;
  tarn::Storage<T> memory;
  tarn::Batch<T> cpu;
  tarn::Tensor<T, tarn::Gpu> device;
  tarn::Batch<T, tarn::Gpu> gpu;

  Twin(tarn::Index count, const tarn::Shape& sample, tarn::Index stream, double scale = 2)
      : values{sample.prepend(count)},
        memory{tarn::Batch<T>{nullptr, count, sample}.size()},
        cpu{memory.data(), count, sample},
        device{values.shape()},
        gpu{device.data(), count, sample} {
    const auto numbers = emulator::random_values(static_cast<std::size_t>(values.size()), scale, stream);
    for (tarn::Index i = 0; i < values.size(); ++i) values[i] = static_cast<T>(numbers[static_cast<std::size_t>(i)]);
    set();
  }
  /// Both from `values`.
  void set() {
    tarn::ops::from_tensor<T>(values.view(), cpu);
    tarn::ops::from_tensor<T>(values.view(), gpu);
  }
  double difference() const {
    tarn::Tensor<T> expected{values.shape()};
    tarn::ops::to_tensor(cpu, expected.view());
    return support::relative_error(tarn::ops::to_host(device), expected);
  }
};

/// The same for a plain tensor, such as parameters.
template <class T>
struct TensorTwin {
  tarn::Tensor<T> cpu;
  tarn::Tensor<T, tarn::Gpu> gpu;

  TensorTwin(const tarn::Shape& shape, tarn::Index stream, double low = -2, double high = 2) : cpu{shape}, gpu{shape} {
    const auto numbers = emulator::random_values(static_cast<std::size_t>(cpu.size()), 1, stream);
    for (tarn::Index i = 0; i < cpu.size(); ++i)
      cpu[i] = static_cast<T>(low + (high - low) * (numbers[static_cast<std::size_t>(i)] + 1) / 2);
    tarn::ops::upload<T>(cpu.view(), gpu.view());
  }
  tarn::TensorView<T, tarn::Cpu> on_cpu() { return cpu.view(); }
  tarn::TensorView<T, tarn::Gpu> on_gpu() { return gpu.view(); }
  tarn::TensorView<const T, tarn::Cpu> in_cpu() const { return cpu.view(); }
  tarn::TensorView<const T, tarn::Gpu> in_gpu() const { return gpu.view(); }
  double difference() const { return support::relative_error(tarn::ops::to_host(gpu), cpu); }
};

}  // namespace fake
