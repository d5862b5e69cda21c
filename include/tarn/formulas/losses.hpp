// SPDX-License-Identifier: MIT
#pragma once

namespace tarn {

/// The losses that look at one output and its target at a time. Their formulas stand in losses.inc.
enum class ElementwiseLoss {
  perceptron,
  hinge,
  squared_hinge,
  squared_error,
  absolute_error,
  huber,                             ///< parameter: delta
  binary_cross_entropy,              ///< from probabilities; parameter: label smoothing
  binary_cross_entropy_from_logits,  ///< parameter: label smoothing
};

/// Probabilities are clipped to [this, 1 - this] before a logarithm, as Keras does.
inline constexpr double probability_clip = 1e-7;

}  // namespace tarn
