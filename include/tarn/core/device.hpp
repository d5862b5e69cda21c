// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

namespace tarn {

/// Where tensors live and operations run. A device is a tag in the type, so that a mix of devices does not compile.
struct Cpu {
  static constexpr const char* name = "cpu";
};

/// Several models of one architecture side by side on the CPU: wherever a model has a number, there are as many as a vector has
/// lanes, one a model (ensemble.hpp). Tensors are [element][lane], batches [sample][element][lane].
struct CpuModels {
  static constexpr const char* name = "cpu, a lane a model";
};

/// Devices whose memory the processor reads: operations that treat all lanes alike are the same for both.
template <class D>
concept OnCpu = std::is_same_v<D, Cpu> || std::is_same_v<D, CpuModels>;

/// A CUDA device. Its memory and operations are those of tarn/gpu.hpp.
struct Gpu {
  static constexpr const char* name = "gpu";
};

/// Devices whose memory the processor cannot read.
template <class D>
concept OnGpu = std::is_same_v<D, Gpu>;

/// Where a device's results are handed out: in memory that the processor reads.
template <class D>
using HostOf = std::conditional_t<OnGpu<D>, Cpu, D>;

}  // namespace tarn
