// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/losses/check.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// L = max(0, -y t) for labels t of -1 or 1: the perceptron criterion, whose steps are Rosenblatt's rule at batch size 1.
/// Gradient: -t where y t <= 0, else 0. At the kink y t = 0 it is -t, so that a model of zeros learns (as in scikit-learn's SGD).
/// The minimum is also reached by y = 0 everywhere; a Hinge keeps a margin.
/// Shapes: y and t [n, ...] alike; for y [n, 1] t may be [n]. L is averaged over a sample's elements, then over the batch.
/// Targets 0 and 1 are taken as -1 and 1. Throws ShapeError for targets of another shape, ArgumentError for other values, and
/// for 0 beside -1: then 0 may be meant as a third class, or as "unknown".
/// Neither Keras nor PyTorch has it.
struct Perceptron {
  static constexpr const char* name = "perceptron loss";
  static constexpr bool classifies = false;  ///< targets are numbers, not labels of classes

  Reduction reduction = Reduction::mean;  ///< over the batch

  bool operator==(const Perceptron&) const = default;

  /// Throws unless the options and the targets fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    detail::check_targets_like_outputs("Perceptron", output, targets);
    detail::check_signs("Perceptron", targets);
  }

  /// Sum of the weighted loss over the samples; the gradient, where wanted, is that of the objective.
  template <class T, class D>
  LossSum<D> operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    return ops::elementwise_loss(ElementwiseLoss::perceptron, 0, outputs, targets, reduction, gradient);
  }
};

}  // namespace tarn
