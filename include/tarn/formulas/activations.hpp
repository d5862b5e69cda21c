// SPDX-License-Identifier: MIT
#pragma once

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

/// y = 1 / (1 + exp(-x)), each element. As a layer or as the activation of another.
struct Sigmoid {
  static constexpr const char* type = "Sigmoid";
  static constexpr const char* name = "sigmoid";
  bool operator==(const Sigmoid&) const = default;

  template <class T, class D>
  class Layer;
};

/// y = max(x, 0), each element; the derivative at 0 is 0. As a layer or as the activation of another.
struct ReLU {
  static constexpr const char* type = "ReLU";
  static constexpr const char* name = "relu";
  bool operator==(const ReLU&) const = default;

  template <class T, class D>
  class Layer;
};

/// y = x where x > 0, else slope x; the derivative at 0 is the slope. As a layer or as the activation of another.
/// Layers throw ArgumentError for a slope that is negative or not finite. The default is PyTorch's; Keras has 0.3 for the layer.
struct LeakyReLU {
  static constexpr const char* type = "LeakyReLU";
  static constexpr const char* name = "leaky_relu";

  double slope = 0.01;  ///< for negative x, at least 0

  bool operator==(const LeakyReLU&) const = default;

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

/// Any of these, as Dense and Conv2D take it: `.activation = ReLU{}`. The formulas stand in activations.inc.
class Activation {
 public:
  enum class Kind { linear, tanh, sigmoid, relu, leaky_relu, softmax };

  constexpr Activation() = default;
  constexpr Activation(Linear) {}                                                         // NOLINT: implicit
  constexpr Activation(Tanh) : kind_{Kind::tanh} {}                                       // NOLINT
  constexpr Activation(Sigmoid) : kind_{Kind::sigmoid} {}                                 // NOLINT
  constexpr Activation(ReLU) : kind_{Kind::relu} {}                                       // NOLINT
  constexpr Activation(const LeakyReLU& f) : kind_{Kind::leaky_relu}, slope_{f.slope} {}  // NOLINT
  constexpr Activation(Softmax) : kind_{Kind::softmax} {}                                 // NOLINT

  constexpr Kind kind() const { return kind_; }
  constexpr double slope() const { return slope_; }  ///< of LeakyReLU
  /// Whether it looks at one element at a time.
  constexpr bool is_elementwise() const { return kind_ != Kind::softmax; }

  bool operator==(const Activation&) const = default;

 private:
  Kind kind_ = Kind::linear;
  double slope_ = 0;
};

}  // namespace tarn
