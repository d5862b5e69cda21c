// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <tarn/losses/check.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// With e = y - t: L = e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2): squared near the target, so that outliers pull
/// with no more than delta. Gradient: e, limited to [-delta, delta]; without a kink.
/// Shapes: y and t [n, ...] alike; for y [n, 1] t may be [n]. L is averaged over a sample's elements, then over the batch.
/// Throws ShapeError for targets of another shape, ArgumentError for a delta that is not positive and finite.
/// Keras's Huber and PyTorch's HuberLoss, both with delta 1 by default; PyTorch's SmoothL1Loss is this divided by delta.
struct Huber {
  static constexpr const char* name = "Huber loss";
  static constexpr bool classifies = false;  ///< targets are numbers, not labels of classes

  double delta = 1;                       ///< where the square ends, in units of the targets; above 0
  Reduction reduction = Reduction::mean;  ///< over the batch

  bool operator==(const Huber&) const = default;

  /// Throws unless the options and the targets fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    if (!(delta > 0 && delta <= std::numeric_limits<double>::max()))
      throw ArgumentError("Huber: delta is ", delta, ", expected a positive number");
    detail::check_targets_like_outputs("Huber", output, targets);
  }

  /// Sum of the weighted loss over the samples; the gradient, where wanted, is that of the objective.
  template <class T, class D>
  LossSum<D> operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    if (!(static_cast<T>(delta) > 0))
      throw ArgumentError("Huber: delta is ", delta, ", expected a number that is positive as a float");
    return ops::elementwise_loss(ElementwiseLoss::huber, delta, outputs, targets, reduction, gradient);
  }
};

}  // namespace tarn
