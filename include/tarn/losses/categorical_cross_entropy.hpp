// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/data/dataset.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// L = -sum_k t_k log p_k, averaged over the batch. Targets are integer labels [n] or vectors t [n, classes] (one-hot, or soft).
/// From logits, p = softmax(z), stable for logits of any size and with the gradient (p - t) / n. From probabilities, p is
/// clipped to [1e-7, 1 - 1e-7], as in Keras; outputs are taken to be probabilities and not made to sum to 1.
/// Throws ShapeError where outputs are no vectors or targets do not fit them.
struct CategoricalCrossEntropy {
  static constexpr bool classifies = true;  ///< accuracy makes sense

  bool from_logits = false;  ///< whether the model's last layer has no softmax

  bool operator==(const CategoricalCrossEntropy&) const = default;

  /// Throws unless targets [n] or [n, classes] fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    if (output.rank() != 1)
      throw ShapeError("CategoricalCrossEntropy: an output is ", output.to_string(), ", expected a vector [classes]");
    const Shape target = targets.sample();
    if (target.rank() == 0 ? !targets.is_integer() : target != output)
      throw ShapeError("CategoricalCrossEntropy: targets are ", targets.shape().to_string(),
                       (target.rank() == 0 ? " of floating point" : ""), ", expected integer labels [n] or vectors [n, ",
                       output[0], "]");
  }

  /// Sum of the loss over the samples; the gradient, where wanted, is that of the mean.
  template <class T, class D>
  double operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets, Batch<T, D>* gradient) const {
    return from_logits ? ops::cross_entropy_from_logits(outputs, targets, gradient)
                       : ops::cross_entropy_from_probabilities(outputs, targets, gradient);
  }
};

}  // namespace tarn
