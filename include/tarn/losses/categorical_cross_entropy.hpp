// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/losses/check.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// L = -sum_k t_k log p_k, averaged over the batch. Targets are integer labels [n] or vectors t [n, classes] (one-hot, or soft).
/// From logits, p = softmax(y), stable for logits of any size; gradient p sum_k t_k - t. From probabilities, p = y, clipped to
/// [1e-7, 1 - 1e-7]; gradient -t / p, 0 where p is clipped; outputs are taken to be probabilities and not made to sum to 1.
/// Throws ShapeError where outputs are no vectors or targets do not fit them, ArgumentError for a smoothing outside [0, 1].
/// Keras's CategoricalCrossentropy and, with labels, SparseCategoricalCrossentropy, which has no smoothing; both divide p by its
/// sum. PyTorch's CrossEntropyLoss from logits, but for class weights: its mean divides by their sum, this one by n.
struct CategoricalCrossEntropy {
  static constexpr const char* name = "categorical cross-entropy";
  static constexpr bool classifies = true;  ///< accuracy makes sense

  bool from_logits = false;               ///< whether the model's last layer has no softmax
  double label_smoothing = 0;             ///< in [0, 1]: t becomes t (1 - smoothing) + smoothing / classes
  Reduction reduction = Reduction::mean;  ///< over the batch

  bool operator==(const CategoricalCrossEntropy&) const = default;

  /// Throws unless the options, and targets [n] or [n, classes], fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    detail::check_smoothing("CategoricalCrossEntropy", label_smoothing);
    if (output.rank() != 1)
      throw ShapeError("CategoricalCrossEntropy: an output is ", output.to_string(), ", expected a vector [classes]");
    const Shape target = targets.sample();
    if (target.rank() == 0 ? !targets.is_integer() : target != output)
      throw ShapeError("CategoricalCrossEntropy: targets are ", targets.shape().to_string(),
                       (target.rank() == 0 ? " of floating point" : ""), ", expected integer labels [n] or vectors [n, ",
                       output[0], "]");
  }

  /// Sum of the weighted loss over the samples; the gradient, where wanted, is that of the objective.
  template <class T, class D>
  LossSum<D> operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    return ops::cross_entropy(from_logits, label_smoothing, outputs, targets, reduction, gradient);
  }
};

}  // namespace tarn
