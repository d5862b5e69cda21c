// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/losses/check.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// L = |y - t|. Gradient: the sign of y - t, 0 at the kink y = t.
/// Shapes: y and t [n, ...] alike; for y [n, 1] t may be [n]. L is averaged over a sample's elements, then over the batch.
/// Throws ShapeError for targets of another shape.
/// Keras's MeanAbsoluteError and PyTorch's L1Loss, whose sum is over elements too, not over means of samples.
struct MeanAbsoluteError {
  static constexpr const char* name = "mean absolute error";
  static constexpr bool classifies = false;  ///< targets are numbers, not labels of classes

  Reduction reduction = Reduction::mean;  ///< over the batch

  bool operator==(const MeanAbsoluteError&) const = default;

  /// Throws unless the options and the targets fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    detail::check_targets_like_outputs("MeanAbsoluteError", output, targets);
  }

  /// Sum of the weighted loss over the samples; the gradient, where wanted, is that of the objective.
  template <class T, class D>
  LossSum<D> operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    return ops::elementwise_loss(ElementwiseLoss::absolute_error, 0, outputs, targets, reduction, gradient);
  }
};

}  // namespace tarn
