// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/losses/check.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// L = -t log p - (1 - t) log(1 - p) for targets t in [0, 1]: each output is a question of its own, answered by yes or no.
/// From probabilities, p = y, clipped to [1e-7, 1 - 1e-7]; gradient (p - t) / (p (1 - p)), 0 where p is clipped.
/// From logits, p = 1 / (1 + exp(-y)) and L = max(y, 0) - y t + log(1 + exp(-|y|)), which no logit makes overflow; gradient p - t.
/// Shapes: y and t [n, ...] alike; for y [n, 1] t may be [n]. L is averaged over a sample's elements, then over the batch.
/// Throws ShapeError for targets of another shape, ArgumentError for targets or a smoothing outside [0, 1].
/// Keras's BinaryCrossentropy, with the same defaults. PyTorch's BCEWithLogitsLoss, and but for p near 0 and 1 its BCELoss,
/// which limits the logarithms to -100 instead; neither smooths, and their sum is over elements too.
struct BinaryCrossEntropy {
  static constexpr const char* name = "binary cross-entropy";
  static constexpr bool classifies = false;  ///< targets are numbers, not labels of classes

  bool from_logits = false;               ///< whether the model's last layer has no sigmoid
  double label_smoothing = 0;             ///< in [0, 1]: t becomes t (1 - smoothing) + smoothing / 2
  Reduction reduction = Reduction::mean;  ///< over the batch

  bool operator==(const BinaryCrossEntropy&) const = default;

  /// Throws unless the options and the targets fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    detail::check_smoothing("BinaryCrossEntropy", label_smoothing);
    detail::check_targets_like_outputs("BinaryCrossEntropy", output, targets);
    detail::check_shares("BinaryCrossEntropy", targets);
  }

  /// Sum of the weighted loss over the samples; the gradient, where wanted, is that of the objective.
  template <class T, class D>
  LossSum<D> operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    const auto loss = from_logits ? ElementwiseLoss::binary_cross_entropy_from_logits : ElementwiseLoss::binary_cross_entropy;
    return ops::elementwise_loss(loss, label_smoothing, outputs, targets, reduction, gradient);
  }
};

}  // namespace tarn
