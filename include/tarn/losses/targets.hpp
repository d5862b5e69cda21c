// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include <tarn/core/batch.hpp>
#include <tarn/core/tensor.hpp>

namespace tarn {

/// What the samples of a batch should give: integer labels [n], or arrays such as one-hot vectors [n, k]. With a model a lane the
/// labels have lanes too, and there are no weights.
template <class T, class D = Cpu>
struct Targets {
  TensorView<const std::int32_t, D> labels;  ///< empty where the targets are vectors
  Batch<T, D> vectors;
  /// Empty, or [n]: what a sample's loss and its gradient are multiplied by. A sample of weight 0 counts for nothing, even
  /// where its loss is not finite.
  TensorView<const T, D> weights = {};

  bool has_labels() const { return labels.data() != nullptr; }
  bool has_weights() const { return weights.data() != nullptr; }
};

namespace gpu {
class DeviceSum;
}

/// The sum of a loss over samples: a number, with a model a lane one for each, on the GPU one that stays there until it is read.
template <class D>
using LossSum = std::conditional_t<std::is_same_v<D, CpuModels>, std::array<double, cpu::max_lanes<float>>,
                                   std::conditional_t<OnGpu<D>, gpu::DeviceSum, double>>;

/// How the losses of a batch's n samples become the objective whose gradient is taken. Weights do not change the divisor, as
/// in Keras (`sum_over_batch_size`, its default): PyTorch's class weights divide by the sum of the weights instead.
enum class Reduction {
  mean,  ///< their sum divided by n
  sum,   ///< their sum
};

}  // namespace tarn
