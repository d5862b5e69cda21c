// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/losses/check.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// L = max(0, 1 - y t)^2 for labels t of -1 or 1. Gradient: -2 t max(0, 1 - y t), without a kink.
/// Shapes: y and t [n, ...] alike; for y [n, 1] t may be [n]. L is averaged over a sample's elements, then over the batch.
/// Targets 0 and 1 are taken as -1 and 1. Throws ShapeError for targets of another shape, ArgumentError for other values, and
/// for 0 beside -1: then 0 may be meant as a third class, or as "unknown".
/// Keras's SquaredHinge, which converts 0 where all labels of a batch are 0 or 1. PyTorch has none.
struct SquaredHinge {
  static constexpr const char* name = "squared hinge loss";
  static constexpr bool classifies = false;  ///< targets are numbers, not labels of classes

  Reduction reduction = Reduction::mean;  ///< over the batch

  bool operator==(const SquaredHinge&) const = default;

  /// Throws unless the options and the targets fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    detail::check_targets_like_outputs("SquaredHinge", output, targets);
    detail::check_signs("SquaredHinge", targets);
  }

  /// Sum of the weighted loss over the samples; the gradient, where wanted, is that of the objective.
  template <class T, class D>
  LossSum<D> operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    return ops::elementwise_loss(ElementwiseLoss::squared_hinge, 0, outputs, targets, reduction, gradient);
  }
};

}  // namespace tarn
