// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/sequential.hpp>

namespace tarn::detail {

/// What the steps of a trainer work on.
template <class T, class D, class Loss, class Updater>
struct TrainingParts {
  Sequential<T, D>& model;
  const Loss& loss;
  Updater& updater;
  Tensor<T, D>&gradients, &state_before;
  Workspace<T, D>& workspace;
  std::uint64_t seed;
};

/// Steps that a device repeats without the processor; the CPU has none of this, the GPU's are those of tarn/gpu.hpp.
template <class T, class D>
class DeviceSteps;
template <class T, OnCpu D>
class DeviceSteps<T, D> {};

}  // namespace tarn::detail
