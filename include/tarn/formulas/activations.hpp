// SPDX-License-Identifier: MIT
#pragma once

#include <variant>

namespace tarn {

/// y = x.
struct Linear {
  bool operator==(const Linear&) const = default;
};

/// y = tanh(x), each element. As a layer or as the activation of another.
struct Tanh {
  static constexpr const char* type = "Tanh";
  static constexpr const char* name = "tanh";
  bool operator==(const Tanh&) const = default;

  template <class T, class D>
  class Layer;
};

/// y = exp(x) / sum of exp(x) over the last axis, computed from x - max x so that no logit overflows.
/// As a layer or as the activation of another. For training prefer logits and a loss from logits.
struct Softmax {
  static constexpr const char* type = "Softmax";
  static constexpr const char* name = "softmax";
  bool operator==(const Softmax&) const = default;

  template <class T, class D>
  class Layer;
};

/// The activations that Dense and Conv2D take as an option. Their formulas stand in activations.inc.
using Activation = std::variant<Linear, Tanh, Softmax>;

}  // namespace tarn
