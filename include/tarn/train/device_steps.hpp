// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <tarn/layers/sequential.hpp>
#include <tarn/ops/losses.hpp>
#include <tarn/ops/optimizers.hpp>

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
  Profile* profile;
  Index update_numbers;  ///< that an update reads and writes
};

/// Whether steps go to the GPU as graphs, and their sums are read where they are wanted. That takes an optimizer whose numbers are
/// known before the step, and a loss whose sum stays on the GPU.
template <class T, class D, class Loss, class Updater>
concept StepsOnDevice = OnGpu<D> &&
    requires(const Updater& u, const Loss& loss, const Batch<T, D>& y, const Targets<T, D>& t, Batch<T, D>* dy) {
  { u.terms(double{}, Index{}) } -> std::same_as<UpdateTerms<double>>;
  { loss(y, t, dy) } -> std::same_as<LossSum<D>>;
};

/// Steps that a device repeats without the processor; the CPU has none of this, the GPU's are those of tarn/gpu.hpp.
template <class T, class D>
class DeviceSteps;
template <class T, OnCpu D>
class DeviceSteps<T, D> {};

}  // namespace tarn::detail
