// SPDX-License-Identifier: MIT
// Made by cmake/KernelSources.cmake from the files named below; do not edit.
#pragma once

namespace tarn::gpu {

/// A file that kernels include, and its text.
struct KernelSource {
  const char* name;
  const char* text;
};

// clang-format off
inline constexpr KernelSource kernel_sources[] = {
{"tarn/core/philox.hpp", R"kernel(// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

namespace tarn {

/// Philox 4x32-10, a counter-based generator: four random words that are a function of counter and key alone.
/// Source: the definition of philox4x32x10 in the oneAPI specification (oneMath, device engines).
struct Philox {
  using Counter = std::array<std::uint32_t, 4>;
  using Key = std::array<std::uint32_t, 2>;

  static constexpr std::uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
  static constexpr std::uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
  static constexpr int rounds = 10;

  static constexpr Counter block(Counter counter, Key key) {
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t product0 = std::uint64_t{multiplier0} * counter[0];
      const std::uint64_t product1 = std::uint64_t{multiplier1} * counter[2];
      counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
                 static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
      key = {key[0] + weyl0, key[1] + weyl1};
    }
    return counter;
  }
};

}  // namespace tarn
)kernel"},
{"tarn/cpu/geometry.hpp", R"kernel(// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/core/shape.hpp>

namespace tarn::cpu {

/// The sizes of a convolution, or of a dense layer as the convolution of one pixel by a 1x1 kernel.
/// x [in_h, in_w, in_c], kernel [kernel_h, kernel_w, in_c, out_c], y [out_h, out_w, out_c]; the kernel's corner for output
/// (row, column) stands at input (row stride_h - pad_top, column stride_w - pad_left), and what lies outside counts as zero.
struct ConvGeometry {
  Index in_h = 1, in_w = 1, in_c = 1;
  Index kernel_h = 1, kernel_w = 1;
  Index out_h = 1, out_w = 1, out_c = 1;
  Index pad_top = 0, pad_left = 0;
  Index stride_h = 1, stride_w = 1;

  Index run() const { return kernel_w * in_c; }     ///< weights of one kernel row for one output
  Index depth() const { return kernel_h * run(); }  ///< weights for one output
  Index pixels() const { return out_h * out_w; }
  /// Input columns that the outputs look at, padding included.
  Index span_w() const { return (out_w - 1) * stride_w + kernel_w; }

  /// Along one axis: the outputs [first, last) whose kernel tap lies inside the image.
  struct Outputs {
    Index first, last;
  };
  static Outputs outputs_inside(Index tap, Index in, Index out, Index stride, Index pad) {
    const Index above = pad - tap > 0 ? pad - tap : 0, below = in + pad - tap > 0 ? in + pad - tap : 0;
    const Index first = stride == 1 ? above : (above + stride - 1) / stride,
                last = stride == 1 ? below : (below + stride - 1) / stride;
    const Index begin = first < out ? first : out, end = last < out ? last : out;
    return {begin, end < begin ? begin : end};
  }

  /// A convolution whose output is one pixel, without padding, as a dense layer on the same memory; others as they are.
  ConvGeometry simplified() const {
    if (pixels() != 1 || pad_top != 0 || pad_left != 0 || kernel_h != in_h || kernel_w != in_w) return *this;
    ConvGeometry dense;
    dense.in_c = in_h * in_w * in_c;
    dense.out_c = out_c;
    return dense;
  }

  /// Along one axis: the input positions whose kernel taps are first, first + stride, ..., and the convolution without stride
  /// that takes dL/dy to dL/dx there: on those taps, flipped. It writes positions start, start + stride, ...
  struct Phase {
    Index taps, start, count, pad;
  };
  static Phase phase(Index first, Index in, Index kernel, Index stride, Index pad) {
    const Index taps = first < kernel ? (kernel - first - 1) / stride + 1 : 0;
    const Index skip = pad > first ? (pad - first + stride - 1) / stride : 0;  // positions that lie in the padding
    const Index start = skip * stride + first - pad;
    return {taps, start, start < in ? (in - 1 - start) / stride + 1 : 0, taps - 1 - skip};
  }
  /// The convolution of dL/dy by the taps of two phases, with inputs and outputs exchanged.
  ConvGeometry transposed(const Phase& rows, const Phase& columns) const {
    ConvGeometry g;
    g.in_h = out_h, g.in_w = out_w, g.in_c = out_c;
    g.kernel_h = rows.taps, g.kernel_w = columns.taps;
    g.out_h = rows.count, g.out_w = columns.count, g.out_c = in_c;
    g.pad_top = rows.pad, g.pad_left = columns.pad;
    return g;
  }
};

/// The sizes of a pooling. x [in_h, in_w, channels], y [out_h, out_w, channels]; the window of output (row, column) has its
/// corner at input (row stride_h - pad_top, column stride_w - pad_left), and what lies outside does not count.
struct PoolGeometry {
  Index in_h = 1, in_w = 1, channels = 1;
  Index window_h = 1, window_w = 1, stride_h = 1, stride_w = 1;
  Index out_h = 1, out_w = 1;
  Index pad_top = 0, pad_left = 0;

  /// Input positions [first, last) along one axis.
  struct Range {
    Index first, last;
    Index size() const { return last - first; }
  };
  /// Whether each pixel is in one window, and no window reaches into padding.
  bool tiles() const {
    return pad_top == 0 && pad_left == 0 && stride_h == window_h && stride_w == window_w && out_h * window_h == in_h &&
           out_w * window_w == in_w;
  }
  Range rows(Index out) const { return inside(out * stride_h - pad_top, window_h, in_h); }
  Range columns(Index out) const { return inside(out * stride_w - pad_left, window_w, in_w); }

 private:
  static Range inside(Index first, Index window, Index in) {
    return {first < 0 ? 0 : first, first + window < in ? first + window : in};
  }
};

/// Inputs of a map: one value an element, in lanes, or one a channel, which with models has lanes too.
template <class T>
struct MapElements {
  const T* data;
};
template <class T, bool Models>
struct MapChannels {
  const T* data;
};

/// What a stream's counters share: two key words, step and identity. Of several models, two key words for each.
struct StreamWords {
  const std::uint32_t* keys;
  std::uint32_t step, identity;
};

}  // namespace tarn::cpu
)kernel"},
{"tarn/formulas/activations.hpp", R"kernel(// SPDX-License-Identifier: MIT
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
)kernel"},
{"tarn/formulas/activations.inc", R"kernel(// SPDX-License-Identifier: MIT
// Written once, for V a scalar T or a vector of T; included in each region, which brings `select`, `at_most`,
// `at_least`, `from_scalar`, `to_bits` and `from_bits`.

/// x = n ln 2 + r with |r| <= ln 2 / 2: the parts of exp(x) = 2^n (1 + p), p = exp(r) - 1. Needs |x| < 700 (float: 87).
template <class T, class V>
struct ExpParts {
  V power;     ///< 2^n
  V fraction;  ///< p, by its Taylor series: relative error below 1e-8 for float, 1e-17 for double
};

template <class T, class V>
inline ExpParts<T, V> exp_parts(V x) {
  constexpr bool single = sizeof(T) == 4;
  constexpr int mantissa = single ? 23 : 52;
  constexpr T magic = single ? T(0x1.8p23) : T(0x1.8p52);  // adding it leaves n in the low bits of the sum
  constexpr T log2e = T(1.4426950408889634074);
  constexpr T ln2_high = single ? T(0x1.63p-1) : T(0x1.62e42fefa38p-1);
  constexpr T ln2_low = single ? T(-0x1.bd0105c610ca8p-13) : T(0x1.ef35793c7673p-45);
  const V sum = x * log2e + magic;
  const V n = sum - magic;
  const V r = (x - n * ln2_high) - n * ln2_low;
  V p = r * T(single ? 1.0 / 5040 : 1.0 / 6227020800);
  if constexpr (!single) {
    p = (p + T(1.0 / 479001600)) * r;
    p = (p + T(1.0 / 39916800)) * r;
    p = (p + T(1.0 / 3628800)) * r;
    p = (p + T(1.0 / 362880)) * r;
    p = (p + T(1.0 / 40320)) * r;
    p = (p + T(1.0 / 5040)) * r;
  }
  p = (p + T(1.0 / 720)) * r;
  p = (p + T(1.0 / 120)) * r;
  p = (p + T(1.0 / 24)) * r;
  p = (p + T(1.0 / 6)) * r;
  p = (p + T(1.0 / 2)) * r;
  p = (p + T(1)) * r;
  return {from_bits<T>((to_bits<T>(sum) + (single ? 127 : 1023)) << mantissa), p};
}

/// exp(x) for x <= 0, exactly zero below the normal range.
template <class T, class V>
inline V exp_nonpositive(V x) {
  constexpr T lowest = sizeof(T) == 4 ? T(-87) : T(-708);
  const auto under = x < lowest;
  const auto parts = exp_parts<T, V>(select(under, from_scalar<T, V>(lowest), x));
  return select(under, from_scalar<T, V>(0), parts.power * parts.fraction + parts.power);
}

/// tanh z = e / (e + 2) with e = exp(2 z) - 1 = 2^n p + (2^n - 1), which loses nothing for small z.
template <class T, class V>
inline V tanh(V z) {
  constexpr T limit = 20;  // tanh is 1 to the last bit from 19 on
  const V x = at_least<T, V>(at_most<T, V>(z, limit), -limit);
  V power, p;
  if constexpr (sizeof(T) == 4) {
    // As a power of two, whose rounded exponent costs tanh no digits: 2 z / ln 2 = n + f, |f| <= 1/2, p = 2^f - 1. The
    // polynomial is the one of its degree with the smallest largest relative error, 1.1e-8 (by Remez's exchange).
    constexpr T two_log2e = T(2.8853900817779268), magic = T(0x1.8p23);
    const V sum = x * two_log2e + magic;
    const V f = x * two_log2e - (sum - magic);
    p = f * T(0x1.4308fcp-13) + T(0x1.5f07b6p-10);
    p = p * f + T(0x1.3b2ba0p-7);
    p = p * f + T(0x1.c6af70p-5);
    p = p * f + T(0x1.ebfbe0p-3);
    p = (p * f + T(0x1.62e430p-1)) * f;
    power = from_bits<T>((to_bits<T>(sum) + 127) << 23);
  } else {
    const auto parts = exp_parts<T, V>(x + x);
    power = parts.power, p = parts.fraction;
  }
  const V e = power * p + (power - T(1));
  return e / (e + T(2));
}
/// dy/dz = 1 - y^2.
template <class T, class V>
inline V tanh_slope(V y) {
  return T(1) - y * y;
}

/// 1 / (1 + exp(-z)), from e = exp(-|z|): 1 / (1 + e) or e / (1 + e).
template <class T, class V>
inline V sigmoid(V z) {
  const V e = exp_nonpositive<T, V>(select(z > T(0), -z, z));
  return select(z > T(0), from_scalar<T, V>(1), e) / (T(1) + e);
}
/// dy/dz = y (1 - y).
template <class T, class V>
inline V sigmoid_slope(V y) {
  return y * (T(1) - y);
}

/// z where z > 0, else slope z (ReLU: 0); NaN stays.
template <class T, class V>
inline V relu(V z) {
  return at_least<T, V>(z, 0);
}
template <class T, class V>
inline V leaky_relu(V z, T slope) {
  return select(z < T(0), z * slope, z);
}
/// dy/dz = 1 where y > 0, else the slope.
template <class T, class V>
inline V leaky_relu_slope(V y, T slope) {
  return select(y > T(0), from_scalar<T, V>(1), from_scalar<T, V>(slope));
}
)kernel"},
{"tarn/formulas/losses.hpp", R"kernel(// SPDX-License-Identifier: MIT
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
)kernel"},
{"tarn/formulas/losses.inc", R"kernel(// SPDX-License-Identifier: MIT
// Written once, for V a scalar T or a vector of T; included in each region after activations.inc. NaN in an output or a target
// makes the value NaN: comparisons are written so that NaN goes the way of the formula.

/// log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 ..) for |s| <= 1/3: relative error below 1e-8 for float, 1e-16 for double.
template <class T, class V>
inline V log_of_ratio(V s) {
  constexpr int terms = sizeof(T) == 4 ? 8 : 16;
  static constexpr T coefficients[] = {T(2),        T(2.0 / 3),  T(2.0 / 5),  T(2.0 / 7),  T(2.0 / 9),  T(2.0 / 11),
                                       T(2.0 / 13), T(2.0 / 15), T(2.0 / 17), T(2.0 / 19), T(2.0 / 21), T(2.0 / 23),
                                       T(2.0 / 25), T(2.0 / 27), T(2.0 / 29), T(2.0 / 31)};
  const V square = s * s;
  V sum = from_scalar<T, V>(coefficients[terms - 1]);
  for (int k = terms - 2; k >= 0; --k) sum = sum * square + coefficients[k];
  return sum * s;
}
/// log(1 + u) for u in [0, 1], which loses nothing for small u.
template <class T, class V>
inline V log_one_plus(V u) {
  return log_of_ratio<T, V>(u / (u + T(2)));
}
/// log(x) = n ln 2 + log m with x = 2^n m, m in [sqrt 1/2, sqrt 2), for x > 0 in the normal range.
template <class T, class V>
inline V log_positive(V x) {
  constexpr bool single = sizeof(T) == 4;
  constexpr int mantissa = single ? 23 : 52, bias = single ? 127 : 1023;
  using Word = std::conditional_t<single, std::int32_t, std::int64_t>;
  constexpr Word root_half = single ? Word{0x3F3504F3} : static_cast<Word>(0x3FE6A09E667F3BCD);
  constexpr T magic = single ? T(0x1.8p23) : T(0x1.8p52);  // a small integer added to its bits is added to it
  const auto power = (to_bits<T>(x) - root_half) >> mantissa;
  const V n = from_bits<T>(to_bits<T>(from_scalar<T, V>(magic)) + power) - magic;
  const V m = x * from_bits<T>((bias - power) << mantissa);
  return n * T(0.69314718055994530942) + log_of_ratio<T, V>((m - T(1)) / (m + T(1)));
}

/// What one output adds to the loss, and its slope dvalue/dy.
template <class V>
struct LossTerm {
  V value, slope;
};

/// max(0, margin - y t) and -t where that is positive or at the kink, t of the labels -1 or 1; 0 stands for -1.
template <class T, class V>
inline LossTerm<V> margin_term(T margin, V y, V t) {
  const V zero = from_scalar<T, V>(0);
  t = select(t == T(0), from_scalar<T, V>(-1), t);
  const V missing = margin - y * t;
  return {select(missing < T(0), zero, missing), select(missing < T(0), zero, -t)};
}
/// With e = y - t: e^2 / 2 and e up to |e| = delta, then delta (|e| - delta / 2) and delta times the sign of e.
template <class T, class V>
inline LossTerm<V> huber_term(T delta, V e) {
  const V size = select(e < T(0), -e, e);
  const V limit = from_scalar<T, V>(delta);
  return {select(size <= delta, e * e * T(0.5), (size - delta * T(0.5)) * delta),
          select(size <= delta, e, select(e < T(0), -limit, limit))};
}
/// -t log p - (1 - t) log(1 - p) and (p - t) / (p (1 - p)), p clipped; no slope where it is.
template <class T, class V>
inline LossTerm<V> probability_term(V p, V t) {
  constexpr T lowest = T(probability_clip), highest = T(1) - T(probability_clip);
  const V q = at_least<T, V>(at_most<T, V>(p, highest), lowest), rest = T(1) - q;
  const V value = (t - T(1)) * log_positive<T, V>(rest) - t * log_positive<T, V>(q);
  return {value, select((p < lowest) | (p > highest), from_scalar<T, V>(0), (q - t) / (q * rest))};
}
/// With p = 1 / (1 + exp(-z)) and e = exp(-|z|): the same as max(z, 0) - z t + log(1 + e), and p - t.
template <class T, class V>
inline LossTerm<V> logit_term(V z, V t) {
  const V e = exp_nonpositive<T, V>(select(z > T(0), -z, z));
  const V p = select(z > T(0), from_scalar<T, V>(1), e) / (e + T(1));
  return {select(z > T(0), z, from_scalar<T, V>(0)) - z * t + log_one_plus<T, V>(e), p - t};
}

/// The switch stands here, not around the loops, so that a program pays for one loop an instruction set.
template <class T, class V>
inline LossTerm<V> loss_term(ElementwiseLoss kind, T parameter, V y, V t) {
  switch (kind) {
    case ElementwiseLoss::perceptron: return margin_term<T, V>(0, y, t);
    case ElementwiseLoss::hinge: return margin_term<T, V>(1, y, t);
    case ElementwiseLoss::squared_hinge: {  // max(0, 1 - y t)^2, and -2 t max(0, 1 - y t)
      const auto hinge = margin_term<T, V>(1, y, t);
      return {hinge.value * hinge.value, T(2) * hinge.value * hinge.slope};
    }
    case ElementwiseLoss::squared_error: return {(y - t) * (y - t), T(2) * (y - t)};
    case ElementwiseLoss::absolute_error: {  // |y - t| and its sign, 0 for 0
      const V e = y - t, zero = from_scalar<T, V>(0), one = from_scalar<T, V>(1);
      return {select(e < T(0), -e, e), select(e > T(0), one, select(e < T(0), -one, zero))};
    }
    case ElementwiseLoss::huber: return huber_term<T, V>(parameter, y - t);
    case ElementwiseLoss::binary_cross_entropy: return probability_term<T, V>(y, t * (T(1) - parameter) + parameter * T(0.5));
    default: return logit_term<T, V>(y, t * (T(1) - parameter) + parameter * T(0.5));
  }
}
)kernel"},
{"tarn/formulas/optimizers.hpp", R"kernel(// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

namespace tarn {

/// What every update does around its own formula: the gradient is scaled, then kept in [-limit, limit], and the weight shrinks
/// to its part `keep`.
template <class T>
struct UpdateTerms {
  T rate = 0;
  T keep = 1;                               ///< 1 - weight decay times rate
  T scale = 1;                              ///< of the gradient: what clipping by norm asks for
  T limit = std::numeric_limits<T>::max();  ///< of the gradient's magnitude: what clipping by value asks for

  /// The same in another scalar.
  template <class U>
  UpdateTerms<U> as() const {
    constexpr T largest = static_cast<T>(std::numeric_limits<U>::max());
    return {static_cast<U>(rate), static_cast<U>(keep), static_cast<U>(scale), static_cast<U>(limit < largest ? limit : largest)};
  }
};

/// What RMSprop's update needs beside them.
template <class T>
struct RMSpropTerms {
  T rho = 0, rest = 1;  ///< rest: 1 - rho
  T momentum = 0;
  T epsilon = 0;
  bool centered = false;
};

/// What Adam's update needs beside them; the rate is already corrected for the step.
template <class T>
struct AdamTerms {
  T rest_1 = 1, rest_2 = 1;  ///< 1 - beta_1, 1 - beta_2
  T epsilon = 0;
};

}  // namespace tarn
)kernel"},
{"tarn/formulas/optimizers.inc", R"kernel(// SPDX-License-Identifier: MIT
// Written once, for V a scalar T or a vector of T; included in each region, which brings `select`, `at_most`, `at_least`,
// `from_scalar` and `square_root`.

/// The gradient as it enters the update.
template <class T, class V>
inline V clipped(V gradient, const UpdateTerms<T>& terms) {
  return at_least<T, V>(at_most<T, V>(gradient * terms.scale, terms.limit), -terms.limit);
}

/// w = keep w - rate g.
template <class T, class V>
inline void sgd_update(V& weight, V gradient, const UpdateTerms<T>& terms) {
  weight = terms.keep * weight - terms.rate * clipped<T, V>(gradient, terms);
}
/// v = momentum v - rate g; w = keep w + v, with Nesterov w = keep w + momentum v - rate g.
template <class T, class V>
inline void momentum_update(V& weight, V& velocity, V gradient, const UpdateTerms<T>& terms, T momentum, bool nesterov) {
  const V step = terms.rate * clipped<T, V>(gradient, terms);
  velocity = momentum * velocity - step;
  weight = terms.keep * weight + (nesterov ? momentum * velocity - step : velocity);
}
/// s = rho s + (1 - rho) g^2; centered: m = rho m + (1 - rho) g, else m = 0;
/// v = momentum v + rate g / sqrt(max(s - m^2, 0) + epsilon); w = keep w - v.
template <class T, class V>
inline void rmsprop_update(V& weight, V& square, V& mean, V& velocity, V gradient, const UpdateTerms<T>& terms,
                           const RMSpropTerms<T>& own) {
  const V g = clipped<T, V>(gradient, terms);
  square = own.rho * square + own.rest * (g * g);
  if (own.centered) mean = own.rho * mean + own.rest * g;
  const V variance = square - mean * mean;
  const V spread = select(variance > T(0), variance, from_scalar<T, V>(0));
  velocity = own.momentum * velocity + terms.rate * g / square_root<T, V>(spread + own.epsilon);
  weight = terms.keep * weight - velocity;
}
/// m += (1 - beta_1) (g - m); v += (1 - beta_2) (g^2 - v); largest = max(largest, v); w = keep w - rate m / (sqrt(u) + epsilon),
/// u being v, or with AMSGrad the largest one.
template <class T, class V>
inline void adam_update(V& weight, V& momentum_1, V& momentum_2, V* largest, V gradient, const UpdateTerms<T>& terms,
                        const AdamTerms<T>& own) {
  const V g = clipped<T, V>(gradient, terms);
  momentum_1 = momentum_1 + own.rest_1 * (g - momentum_1);
  momentum_2 = momentum_2 + own.rest_2 * (g * g - momentum_2);
  V scale = momentum_2;
  if (largest) scale = *largest = select(*largest > momentum_2, *largest, momentum_2);
  weight = terms.keep * weight - terms.rate * momentum_1 / (square_root<T, V>(scale) + own.epsilon);
}
)kernel"},
{"tarn/gpu/kernels/step_state.hpp", R"kernel(// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/formulas/optimizers.hpp>

namespace tarn::gpu {

/// What changes from one training step to the next, in the GPU's memory: so that a captured step can be played again.
template <class T>
struct StepState {
  /// Which step: its number, and where its batch stands in the epoch's order.
  struct Position {
    std::uint32_t number, first, count;
  };

  UpdateTerms<T> terms;
  Position position;
  unsigned nonfinite;  ///< whether a gradient is not finite
  unsigned correct;    ///< samples classified right
  double loss;         ///< sum over the samples
  double norm;         ///< of the gradient, where that is clipped by it

  // Since all of this was last set to zero. A step that finds a loss or a gradient that is not finite changes nothing, and none
  // behind it does.
  unsigned stopped;
  Position stopped_at;
  double total_loss;
  std::uint64_t total_correct, total_samples;
};

}  // namespace tarn::gpu
)kernel"},
{"tarn/gpu/kernels/all.inc", R"kernel(// SPDX-License-Identifier: MIT
// The text of all kernels: compiled by NVRTC for a GPU, and as C++ by the emulator of the tests. What is not CUDA's own is
// unannotated, as NVRTC takes it with -default-device. Tensors are row-major, images [n, h, w, c].
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <tarn/core/philox.hpp>
#include <tarn/cpu/geometry.hpp>
#include <tarn/formulas/activations.hpp>
#include <tarn/formulas/losses.hpp>
#include <tarn/formulas/optimizers.hpp>
#include <tarn/gpu/kernels/step_state.hpp>

namespace tarn::gpu::kernels {

// In this order:
// clang-format off
#include <tarn/gpu/kernels/scalar.inc>
#include <tarn/formulas/activations.inc>
#include <tarn/formulas/losses.inc>
#include <tarn/formulas/optimizers.inc>
#include <tarn/gpu/kernels/elementwise.inc>
#include <tarn/gpu/kernels/pool2d.inc>
#include <tarn/gpu/kernels/norm.inc>
#include <tarn/gpu/kernels/softmax.inc>
#include <tarn/gpu/kernels/losses.inc>
#include <tarn/gpu/kernels/optimizers.inc>
#include <tarn/gpu/kernels/batch.inc>
#include <tarn/gpu/kernels/step.inc>
// clang-format on

}  // namespace tarn::gpu::kernels
)kernel"},
{"tarn/gpu/kernels/batch.inc", R"kernel(// SPDX-License-Identifier: MIT

/// y [count, elements] = scale value + offset of the samples at `rows`, which stay on the device as they came.
template <class T, class Source>
__global__ void gather(const Source* source, const std::uint32_t* rows, T* y, unsigned size, unsigned elements, double scale,
                       double offset) {
  for_elements(size, [=](unsigned i) {
    const Source value = source[static_cast<std::uint64_t>(rows[i / elements]) * elements + i % elements];
    y[i] = static_cast<T>(scale * static_cast<double>(value) + offset);
  });
}

/// y = x scale where the stream's word for (sample, element) is at least `threshold`, else 0; with `pixels` above 1 the word for
/// (sample, channel) holds for all of them. x and y are [count, pixels, channels]; a thread draws a block of four words. y may be x.
template <class T>
__global__ void dropout(const T* x, T* y, unsigned count, unsigned pixels, unsigned channels, std::uint32_t threshold, T scale,
                        Philox::Key key, const std::uint32_t* step, std::uint32_t identity) {
  const unsigned blocks = (channels + 3) / 4;
  for_elements(count * blocks, [=](unsigned k) {
    const unsigned sample = k / blocks, first = k % blocks * 4;
    const auto words = Philox::block({k % blocks, sample, *step, identity}, key);
    for (unsigned word = 0; word < 4 && first + word < channels; ++word)
      for (unsigned pixel = 0; pixel < pixels; ++pixel) {
        const unsigned i = (sample * pixels + pixel) * channels + first + word;
        y[i] = words[word] >= threshold ? x[i] * scale : T(0);
      }
  });
}
)kernel"},
{"tarn/gpu/kernels/elementwise.inc", R"kernel(// SPDX-License-Identifier: MIT

/// y = f(x + bias), a bias a channel or null; y may be x. For elementwise activations.
template <class T>
__global__ void activate(Activation::Kind kind, T slope, const T* x, const T* bias, T* y, unsigned size, unsigned channels) {
  for_elements(size, [=](unsigned i) {
    const T z = bias ? x[i] + bias[i % channels] : x[i];
    switch (kind) {
      case Activation::Kind::tanh: y[i] = tanh<T, T>(z); break;
      case Activation::Kind::sigmoid: y[i] = sigmoid<T, T>(z); break;
      case Activation::Kind::relu: y[i] = relu<T, T>(z); break;
      case Activation::Kind::leaky_relu: y[i] = leaky_relu<T, T>(z, slope); break;
      default: y[i] = z;
    }
  });
}
/// dx = dy f'(z), from y = f(z); dx may be dy.
template <class T>
__global__ void activation_gradient(Activation::Kind kind, T slope, const T* y, const T* dy, T* dx, unsigned size) {
  for_elements(size, [=](unsigned i) {
    switch (kind) {
      case Activation::Kind::tanh: dx[i] = dy[i] * tanh_slope<T, T>(y[i]); break;
      case Activation::Kind::sigmoid: dx[i] = dy[i] * sigmoid_slope<T, T>(y[i]); break;
      case Activation::Kind::relu: dx[i] = dy[i] * leaky_relu_slope<T, T>(y[i], T(0)); break;
      case Activation::Kind::leaky_relu: dx[i] = dy[i] * leaky_relu_slope<T, T>(y[i], slope); break;
      default: dx[i] = dy[i];
    }
  });
}

/// y += x.
template <class T>
__global__ void add(const T* x, T* y, unsigned size) {
  for_elements(size, [=](unsigned i) { y[i] += x[i]; });
}
/// value += share (target - value).
template <class T>
__global__ void move_towards(T* value, const T* target, T share, unsigned size) {
  for_elements(size, [=](unsigned i) { value[i] += share * (target[i] - value[i]); });
}
/// Writes x [rows, part] into the columns first .. first + part - 1 of y [rows, whole].
template <class T>
__global__ void put_channels(const T* x, T* y, unsigned size, unsigned part, unsigned whole, unsigned first) {
  for_elements(size, [=](unsigned i) { y[i / part * whole + first + i % part] = x[i]; });
}
/// y [rows, part] = those columns of x [rows, whole]; with `accumulate` y += them.
template <class T>
__global__ void take_channels(const T* x, T* y, unsigned size, unsigned part, unsigned whole, unsigned first, bool accumulate) {
  for_elements(size, [=](unsigned i) {
    const T value = x[i / part * whole + first + i % part];
    y[i] = accumulate ? y[i] + value : value;
  });
}
/// y [columns, rows] = x [rows, columns].
template <class T>
__global__ void transpose(const T* x, T* y, unsigned size, unsigned rows, unsigned columns) {
  for_elements(size, [=](unsigned i) { y[i] = x[i % rows * columns + i / rows]; });
}

template <class T>
inline T map_input(cpu::MapElements<T> input, unsigned element, unsigned) {
  return input.data[element];
}
template <class T>
inline T map_input(cpu::MapChannels<T, false> input, unsigned, unsigned channel) {
  return input.data[channel];
}
/// y = f(inputs...), f an object with a call operator of scalars; an input has an element or a channel for each of y's.
template <class T, class F, class... Inputs>
__global__ void map(T* y, unsigned size, unsigned channels, F f, Inputs... inputs) {
  for_elements(size, [=](unsigned i) { y[i] = f(map_input<T>(inputs, i, i % channels)...); });
}

/// One sum.
template <class T>
struct SumOf {
  T value;
  void join(const SumOf& other) { value += other.value; }
};
/// parts[.., c] = sums of f(inputs...) over rows; `finish_sums` adds them up.
template <class T, class F, class... Inputs>
__global__ void reduce(SumOf<T>* parts, unsigned rows, unsigned channels, F f, Inputs... inputs) {
  reduce_channels(rows, channels, parts, [=](SumOf<T>& sum, unsigned row, unsigned channel) {
    sum.value += f(map_input<T>(inputs, row * channels + channel, channel)...);
  });
}
/// The same of x itself: the gradient of a bias.
template <class T>
__global__ void sum_rows(SumOf<T>* parts, const T* x, unsigned rows, unsigned channels) {
  reduce_channels(rows, channels, parts,
                  [=](SumOf<T>& sum, unsigned row, unsigned channel) { sum.value += x[row * channels + channel]; });
}
template <class T>
__global__ void finish_sums(const SumOf<T>* parts, unsigned count, T* sums, unsigned channels) {
  for_elements(channels, [=](unsigned c) { sums[c] = joined(parts, count, channels, c).value; });
}
)kernel"},
{"tarn/gpu/kernels/losses.inc", R"kernel(// SPDX-License-Identifier: MIT
// Losses of [samples, elements]: a warp a sample. losses[sample] is weight times loss, to be added up by `sum_of_losses`; a sample of
// weight 0 counts for nothing, whatever its outputs are.

/// A sample's weight, 1 where there are none.
template <class T>
inline T weight_of(const T* weights, unsigned sample) {
  return weights ? weights[sample] : T(1);
}
inline void write_loss(double* losses, unsigned sample, unsigned lane, double weight, double sum) {
  sum = warp_sum(sum);
  if (lane == 0) losses[sample] = weight == 0 ? 0 : weight * sum;
}

/// The mean of loss(y, t) over the elements of a sample; dy, where wanted, its slope times weight times `share`.
template <class T>
__global__ void elementwise_loss(ElementwiseLoss kind, T parameter, const T* y, const T* t, const T* weights, T share, T* dy,
                                 double* losses, unsigned samples, unsigned elements) {
  for_rows(samples, [=](unsigned sample, unsigned lane) {
    const T weight = weight_of(weights, sample), scale = weight * share / static_cast<T>(elements);
    double sum = 0;
    for (unsigned i = sample * elements + lane; i < (sample + 1) * elements; i += warp) {
      const LossTerm<T> term = loss_term<T, T>(kind, parameter, y[i], t[i]);
      sum += static_cast<double>(term.value);
      if (dy) dy[i] = scale == T(0) ? T(0) : term.slope * scale;
    }
    write_loss(losses, sample, lane, static_cast<double>(weight), sum / elements);
  });
}

/// Targets of one sample: its label, or a vector; smoothed.
template <class T>
struct ClassTarget {
  int label;
  const T* vector;
  T keep, share;

  T operator[](unsigned k) const { return (vector ? vector[k] : T(static_cast<int>(k) == label)) * keep + share; }
};
template <class T>
inline ClassTarget<T> target_of(const int* labels, const T* vectors, T smoothing, unsigned sample, unsigned classes) {
  return {labels ? labels[sample] : 0, labels ? nullptr : vectors + sample * classes, T(1) - smoothing,
          smoothing / static_cast<T>(classes)};
}

/// -sum t log softmax(z), from z - max z; dz = (softmax(z) sum t - t) weight share. Labels, or vectors where they are null.
template <class T>
__global__ void cross_entropy_from_logits(const T* z, const int* labels, const T* vectors, T smoothing, const T* weights, T share,
                                          T* dz, double* losses, unsigned samples, unsigned classes) {
  for_rows(samples, [=](unsigned sample, unsigned lane) {
    const T* const in = z + sample * classes;
    const auto target = target_of(labels, vectors, smoothing, sample, classes);
    const T weight = weight_of(weights, sample), scale = weight * share;
    T highest = -std::numeric_limits<T>::infinity(), total = 0, targets = 0, distance = 0;
    for (unsigned k = lane; k < classes; k += warp) highest = in[k] > highest ? in[k] : highest;
    highest = warp_largest(highest);
    for (unsigned k = lane; k < classes; k += warp) {
      const T below = in[k] - highest, t = target[k];
      total += exp_nonpositive<T, T>(below);
      targets += t;
      distance -= t == T(0) ? T(0) : t * below;  // a logit of minus infinity costs nothing where t is 0
    }
    total = warp_sum(total);
    targets = warp_sum(targets);
    const T logarithm = log_positive<T, T>(total);
    write_loss(losses, sample, lane, static_cast<double>(weight),
               static_cast<double>(distance) + (lane == 0 ? static_cast<double>(targets * logarithm) : 0.0));
    if (!dz) return;
    for (unsigned k = lane; k < classes; k += warp)
      dz[sample * classes + k] =
          scale == T(0) ? T(0) : (exp_nonpositive<T, T>(in[k] - highest) / total * targets - target[k]) * scale;
  });
}
/// -sum t log p, p clipped; dp = -t / p weight share, 0 where p is clipped.
template <class T>
__global__ void cross_entropy_from_probabilities(const T* p, const int* labels, const T* vectors, T smoothing, const T* weights,
                                                 T share, T* dp, double* losses, unsigned samples, unsigned classes) {
  const T lowest = T(probability_clip), highest = T(1) - T(probability_clip);
  for_rows(samples, [=](unsigned sample, unsigned lane) {
    const auto target = target_of(labels, vectors, smoothing, sample, classes);
    const T weight = weight_of(weights, sample), scale = weight * share;
    double sum = 0;
    for (unsigned k = lane; k < classes; k += warp) {
      const T v = p[sample * classes + k], t = target[k];
      sum -= static_cast<double>(t * log_positive<T, T>(v < lowest ? lowest : v > highest ? highest : v));
      if (dp) dp[sample * classes + k] = scale == T(0) || v < lowest || v > highest ? T(0) : -t / v * scale;
    }
    write_loss(losses, sample, lane, static_cast<double>(weight), sum);
  });
}
/// total = the sum of all losses, in one block.
template <class T>
__global__ void sum_of_losses(const T* losses, T* total, unsigned samples) {
  T sum = 0;
  for_elements(samples, [&](unsigned i) { sum += losses[i]; });
  sum = block_sum(sum);
  if (threadIdx.x == 0) *total = sum;
}

/// Where one warp finds the largest of a row, the first of equals; 0 where the first is not a number.
template <class T>
inline unsigned row_argmax(const T* values, unsigned size, unsigned lane) {
  T best = -std::numeric_limits<T>::infinity();
  unsigned at = lane < size ? lane : 0;
  for (unsigned i = lane; i < size; i += warp)
    if (values[i] > best) {
      best = values[i];
      at = i;
    }
  for (unsigned step = warp / 2; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(0xFFFFFFFFU, best, static_cast<int>(step));
    const unsigned other_at = __shfl_xor_sync(0xFFFFFFFFU, at, static_cast<int>(step));
    if (other > best || (other == best && other_at < at)) {
      best = other;
      at = other_at;
    }
  }
  return values[0] != values[0] ? 0 : at;
}
/// Adds to `correct` the samples whose largest output is at the label, or at the largest element of the target vector.
template <class T>
__global__ void count_correct(const T* outputs, const int* labels, const T* vectors, unsigned* correct, unsigned samples,
                              unsigned classes) {
  for_rows(samples, [=](unsigned sample, unsigned lane) {
    const T* const y = outputs + sample * classes;
    const unsigned best = row_argmax(y, classes, lane);
    const unsigned expected =
        labels ? static_cast<unsigned>(labels[sample]) : row_argmax(vectors + sample * classes, classes, lane);
    if (lane == 0 && best == expected && y[best] == y[best]) atomicAdd(correct, 1U);
  });
}
)kernel"},
{"tarn/gpu/kernels/norm.inc", R"kernel(// SPDX-License-Identifier: MIT
// Batch normalisation of [rows, channels].

/// Count, mean and sum of squares around the mean.
template <class T>
struct Moments {
  T count, mean, squares;

  void add(T value) {
    count += T(1);
    const T distance = value - mean;
    mean += distance / count;
    squares += distance * (value - mean);
  }
  void join(const Moments& other) {
    const T total = count + other.count;
    if (total == T(0)) return;
    const T distance = other.mean - mean, share = other.count / total;
    squares += other.squares + distance * distance * count * share;
    mean += distance * share;
    count = total;
  }
};
/// Of what x lies off its first row: a mean far larger than the deviation costs no digits either.
template <class T>
__global__ void moments_parts(const T* x, unsigned rows, unsigned channels, Moments<T>* parts) {
  reduce_channels(rows, channels, parts,
                  [=](Moments<T>& all, unsigned row, unsigned channel) { all.add(x[row * channels + channel] - x[channel]); });
}
/// mean[c] and (biased) variance[c], from the parts.
template <class T>
__global__ void moments(const T* x, const Moments<T>* parts, unsigned count, T* mean, T* variance, unsigned channels) {
  for_elements(channels, [=](unsigned c) {
    const Moments<T> all = joined(parts, count, channels, c);
    mean[c] = x[c] + all.mean;
    variance[c] = all.squares / all.count;
  });
}

/// y = (x - mean) / sqrt(variance + epsilon) gamma + beta; without mean and beta the gradient where the statistics are constants.
template <class T>
__global__ void normalize(const T* x, const T* mean, const T* variance, T epsilon, const T* gamma, const T* beta, T* y,
                          unsigned size, unsigned channels) {
  for_elements(size, [=](unsigned i) {
    const unsigned c = i % channels;
    const T scale = gamma[c] / square_root<T, T>(variance[c] + epsilon);
    y[i] = mean ? (x[i] - mean[c]) * scale + beta[c] : x[i] * scale;
  });
}

/// The sums of dy and of dy (x - mean).
template <class T>
struct GradientSums {
  T sum, product;
  void join(const GradientSums& other) {
    sum += other.sum;
    product += other.product;
  }
};
template <class T>
__global__ void normalize_gradient_parts(const T* x, const T* dy, const T* mean, unsigned rows, unsigned channels,
                                         GradientSums<T>* parts) {
  reduce_channels(rows, channels, parts, [=](GradientSums<T>& sums, unsigned row, unsigned channel) {
    const T gradient = dy[row * channels + channel];
    sums.sum += gradient;
    sums.product += gradient * (x[row * channels + channel] - mean[channel]);
  });
}
/// dbeta = sum dy, dgamma = sum dy xhat; totals[c] keeps the sums for dx.
template <class T>
__global__ void normalize_parameter_gradients(const GradientSums<T>* parts, unsigned count, const T* variance, T epsilon,
                                              T* dgamma, T* dbeta, GradientSums<T>* totals, unsigned channels) {
  for_elements(channels, [=](unsigned c) {
    const GradientSums<T> all = joined(parts, count, channels, c);
    dbeta[c] = all.sum;
    dgamma[c] = all.product / square_root<T, T>(variance[c] + epsilon);
    totals[c] = all;
  });
}
/// dx = gamma / sqrt(variance + epsilon) (dy - mean of dy - xhat (mean of dy xhat)).
template <class T>
__global__ void normalize_gradient(const T* x, const T* dy, const T* mean, const T* variance, T epsilon, const T* gamma,
                                   const GradientSums<T>* totals, T* dx, unsigned size, unsigned channels) {
  const T rows = static_cast<T>(size / channels);
  for_elements(size, [=](unsigned i) {
    const unsigned c = i % channels;
    const T inverse = T(1) / square_root<T, T>(variance[c] + epsilon);
    const T normalized = (x[i] - mean[c]) * inverse;
    dx[i] = gamma[c] * inverse * (dy[i] - totals[c].sum / rows - normalized * (totals[c].product * inverse / rows));
  });
}
)kernel"},
{"tarn/gpu/kernels/nvrtc.inc", R"kernel(// SPDX-License-Identifier: MIT
// What the kernels use of headers that NVRTC has not: the standard library's, and core/shape.hpp. There they are empty.

namespace std {

using uint8_t = unsigned char;
using int32_t = int;
using uint32_t = unsigned;
using int64_t = long long;
using uint64_t = unsigned long long;

template <bool condition, class A, class B>
struct conditional {
  using type = A;
};
template <class A, class B>
struct conditional<false, A, B> {
  using type = B;
};
template <bool condition, class A, class B>
using conditional_t = typename conditional<condition, A, B>::type;

template <class T>
struct numeric_limits {
  static constexpr T max() { return sizeof(T) == 4 ? T(0x1.fffffep127) : T(0x1.fffffffffffffp1023); }
  static constexpr T infinity() { return T(__builtin_bit_cast(double, 0x7FF0000000000000)); }
};

template <class T, int size>
struct array {
  T values[size];
  constexpr T& operator[](unsigned i) { return values[i]; }
  constexpr const T& operator[](unsigned i) const { return values[i]; }
};

using ::sqrt;

}  // namespace std

namespace tarn {

using Index = long;
struct Range {
  Index first, last;
};

}  // namespace tarn
)kernel"},
{"tarn/gpu/kernels/optimizers.inc", R"kernel(// SPDX-License-Identifier: MIT
// Updates of the flat buffer of parameters, one launch for all. What changes from step to step stands in device memory, so that a
// captured launch can be played again.

/// The parts of the buffer that are trained: [first, last) each, sorted, disjoint, in device memory. Where `stop` is given and set,
/// nothing is updated.
struct FlatRanges {
  const Range* ranges;
  unsigned count;
  const unsigned* stop = nullptr;

  unsigned updated(unsigned size) const { return stop && *stop ? 0 : size; }

  /// Where the trained element number i stands.
  unsigned operator[](unsigned i) const {
    for (unsigned r = 0; r < count; ++r) {
      const unsigned size = static_cast<unsigned>(ranges[r].last - ranges[r].first);
      if (i < size) return static_cast<unsigned>(ranges[r].first) + i;
      i -= size;
    }
    return 0;
  }
};

template <class T>
__global__ void sgd(T* weights, const T* gradients, FlatRanges ranges, unsigned size, const UpdateTerms<T>* terms) {
  for_elements(ranges.updated(size), [=](unsigned k) {
    const unsigned i = ranges[k];
    sgd_update<T, T>(weights[i], gradients[i], *terms);
  });
}
template <class T>
__global__ void sgd_momentum(T* weights, T* velocities, const T* gradients, FlatRanges ranges, unsigned size,
                             const UpdateTerms<T>* terms, T momentum, bool nesterov) {
  for_elements(ranges.updated(size), [=](unsigned k) {
    const unsigned i = ranges[k];
    momentum_update<T, T>(weights[i], velocities[i], gradients[i], *terms, momentum, nesterov);
  });
}
/// Without `means` or `velocities` these are null.
template <class T>
__global__ void rmsprop(T* weights, T* squares, T* means, T* velocities, const T* gradients, FlatRanges ranges, unsigned size,
                        const UpdateTerms<T>* terms, RMSpropTerms<T> own) {
  for_elements(ranges.updated(size), [=](unsigned k) {
    const unsigned i = ranges[k];
    T mean = means ? means[i] : T(0), velocity = velocities ? velocities[i] : T(0);
    rmsprop_update<T, T>(weights[i], squares[i], mean, velocity, gradients[i], *terms, own);
    if (means) means[i] = mean;
    if (velocities) velocities[i] = velocity;
  });
}
/// Without AMSGrad `largest` is null.
template <class T>
__global__ void adam(T* weights, T* momentums_1, T* momentums_2, T* largest, const T* gradients, FlatRanges ranges, unsigned size,
                     const UpdateTerms<T>* terms, AdamTerms<T> own) {
  for_elements(ranges.updated(size), [=](unsigned k) {
    const unsigned i = ranges[k];
    adam_update<T, T>(weights[i], momentums_1[i], momentums_2[i], largest ? largest + i : nullptr, gradients[i], *terms, own);
  });
}

/// parts[block] = the sum of squares of its share of the trained gradients, in double.
template <class T>
__global__ void squares_parts(const T* gradients, FlatRanges ranges, unsigned size, double* parts) {
  double sum = 0;
  for_elements(size, [&](unsigned k) {
    const double g = static_cast<double>(gradients[ranges[k]]);
    sum += g * g;
  });
  sum = block_sum(sum);
  if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}
/// The scale that shortens a gradient to `limit` where its norm is larger, and the norm itself; by one thread.
template <class T>
__global__ void clip_by_norm(const double* parts, unsigned count, double limit, UpdateTerms<T>* terms, double* norm) {
  if (blockIdx.x != 0 || threadIdx.x != 0) return;
  double sum = 0;
  for (unsigned i = 0; i < count; ++i) sum += parts[i];
  *norm = std::sqrt(sum);
  terms->scale = *norm > limit ? static_cast<T>(limit / *norm) : T(1);
}
/// Sets `found` where an element is infinite or NaN.
template <class T>
__global__ void find_nonfinite(const T* data, unsigned size, unsigned* found) {
  bool any = false;
  for_elements(size, [&](unsigned i) { any |= !(data[i] - data[i] == T(0)); });
  if (any) atomicOr(found, 1U);
}
)kernel"},
{"tarn/gpu/kernels/pool2d.inc", R"kernel(// SPDX-License-Identifier: MIT
// Pooling of [count, h, w, c]: a thread an element of the result, so that nothing is added from two sides. Padding does not count.

/// An element of [count, height, width, channels] by its number.
struct Position {
  unsigned sample, row, column, channel;

  Position(unsigned element, Index height, Index width, Index channels) {
    const auto c = static_cast<unsigned>(channels), w = static_cast<unsigned>(width), h = static_cast<unsigned>(height);
    channel = element % c;
    column = element / c % w;
    row = element / c / w % h;
    sample = element / c / w / h;
  }
};
/// Outputs [first, last) along one axis whose windows hold an input position.
inline cpu::PoolGeometry::Range outputs_of(Index in, Index window, Index stride, Index pad, Index outputs) {
  const Index before = in + pad - window;  // the last corner that does not reach it
  const Index first = before < 0 ? 0 : before / stride + 1, last = (in + pad) / stride + 1;
  return {first, last < outputs ? last : outputs};
}
/// Calls `window(output's number, rows, columns)` for the windows that hold an input element.
template <class Window>
inline void for_windows_of(const Position& at, const cpu::PoolGeometry& g, Window window) {
  const auto rows = outputs_of(at.row, g.window_h, g.stride_h, g.pad_top, g.out_h);
  const auto columns = outputs_of(at.column, g.window_w, g.stride_w, g.pad_left, g.out_w);
  for (Index row = rows.first; row < rows.last; ++row)
    for (Index column = columns.first; column < columns.last; ++column)
      window(((at.sample * g.out_h + row) * g.out_w + column) * g.channels + at.channel, g.rows(row), g.columns(column));
}

/// Calls `cell(x's value)` for the cells of the window of y's element i.
template <class T, class Cell>
inline void for_cells(const T* x, const cpu::PoolGeometry& g, unsigned i, Cell cell) {
  const Position at{i, g.out_h, g.out_w, g.channels};
  const auto rows = g.rows(at.row), columns = g.columns(at.column);
  for (Index row = rows.first; row < rows.last; ++row)
    for (Index column = columns.first; column < columns.last; ++column)
      cell(x[((at.sample * g.in_h + row) * g.in_w + column) * g.channels + at.channel]);
}

/// The mean of each window; `size` elements of y.
template <class T>
__global__ void avg_pool2d(const T* x, T* y, cpu::PoolGeometry g, unsigned size) {
  for_elements(size, [=](unsigned i) {
    T total = 0;
    unsigned cells = 0;
    for_cells(x, g, i, [&](T value) {
      total += value;
      ++cells;
    });
    y[i] = total / static_cast<T>(cells);
  });
}
/// dx: dy shared among the cells of each window; `size` elements of dx.
template <class T>
__global__ void avg_pool2d_gradient(const T* dy, T* dx, cpu::PoolGeometry g, unsigned size) {
  for_elements(size, [=](unsigned i) {
    T total = 0;
    for_windows_of({i, g.in_h, g.in_w, g.channels}, g, [&](Index output, auto rows, auto columns) {
      total += dy[output] / static_cast<T>(rows.size() * columns.size());
    });
    dx[i] = total;
  });
}

/// The largest value of each window; NaN if it holds one.
template <class T>
__global__ void max_pool2d(const T* x, T* y, cpu::PoolGeometry g, unsigned size) {
  for_elements(size, [=](unsigned i) {
    T largest = -std::numeric_limits<T>::infinity();
    for_cells(x, g, i, [&](T value) { largest = value > largest || value != value ? value : largest; });
    y[i] = largest;
  });
}
/// dx: dy to the first cell of each window, row by row, that has the largest value.
template <class T>
__global__ void max_pool2d_gradient(const T* x, const T* y, const T* dy, T* dx, cpu::PoolGeometry g, unsigned size) {
  for_elements(size, [=](unsigned i) {
    const Position at{i, g.in_h, g.in_w, g.channels};
    const T* const channel = x + at.sample * g.in_h * g.in_w * g.channels + at.channel;
    T total = 0;
    for_windows_of(at, g, [&](Index output, auto rows, auto columns) {
      const T largest = y[output];
      if (x[i] != largest) return;
      for (Index row = rows.first; row <= at.row; ++row)  // cells that come before
        for (Index column = columns.first; column < (row == at.row ? Index{at.column} : columns.last); ++column)
          if (channel[(row * g.in_w + column) * g.channels] == largest) return;
      total += dy[output];
    });
    dx[i] = total;
  });
}
)kernel"},
{"tarn/gpu/kernels/scalar.inc", R"kernel(// SPDX-License-Identifier: MIT
// What the formulas need, for scalars; then how the elements of an operation are shared out among threads.

template <class V>
inline V select(bool condition, V a, V b) {
  return condition ? a : b;
}
template <class T, class V>
inline V at_most(V x, T limit) {
  return limit < x ? limit : x;
}
template <class T, class V>
inline V at_least(V x, T limit) {
  return limit > x ? limit : x;
}
template <class T, class V>
inline V from_scalar(T value) {
  return value;
}
template <class T>
using WordOf = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
template <class T>
inline WordOf<T> to_bits(T value) {
  return __builtin_bit_cast(WordOf<T>, value);
}
template <class T>
inline T from_bits(WordOf<T> bits) {
  return __builtin_bit_cast(T, bits);
}
template <class T, class V>
inline V square_root(V value) {
  return std::sqrt(value);
}

/// Threads of a warp, and of every block.
inline constexpr unsigned warp = 32, block = 256;

/// Calls `body(i)` for this thread's share of [0, size), size below 2^31; the grid may be of any size.
template <class Body>
inline void for_elements(unsigned size, Body body) {
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += gridDim.x * blockDim.x) body(i);
}
/// Calls `body(row, lane)` for the rows that this thread's warp has, all lanes together.
template <class Body>
inline void for_rows(unsigned rows, Body body) {
  const unsigned warps = blockDim.x / warp;
  for (unsigned row = blockIdx.x * warps + threadIdx.x / warp; row < rows; row += gridDim.x * warps)
    body(row, threadIdx.x % warp);
}

/// The sum, and the largest, of the lanes' values: the same bits in every lane.
template <class T>
inline T warp_sum(T value) {
  for (unsigned step = warp / 2; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, static_cast<int>(step));
  return value;
}
template <class T>
inline T warp_largest(T value) {
  for (unsigned step = warp / 2; step > 0; step /= 2) {
    const T other = __shfl_xor_sync(0xFFFFFFFFU, value, static_cast<int>(step));
    value = other > value ? other : value;
  }
  return value;
}
/// The sum of the block's values, in thread 0.
template <class T>
inline T block_sum(T value) {
  __shared__ T sums[block / warp];
  value = warp_sum(value);
  if (threadIdx.x % warp == 0) sums[threadIdx.x / warp] = value;
  __syncthreads();
  T total = 0;
  if (threadIdx.x == 0)
    for (unsigned i = 0; i < blockDim.x / warp; ++i) total += sums[i];
  return total;
}

/// Sums over the rows of [rows, channels], in parts: `parts[blockIdx.x][channel]` becomes what one row of blocks adds up. `add(sum,
/// row, channel)` adds an element, `join(sum, other)` two sums. A block has a tile of channels and as many rows as its threads
/// allow; the order of the additions depends on sizes and grid alone.
template <class Sum, class Add>
inline void reduce_channels(unsigned rows, unsigned channels, Sum* parts, Add add) {
  __shared__ Sum sums[block];
  const unsigned width = channels < blockDim.x ? channels : blockDim.x, height = blockDim.x / width;
  const unsigned channel = blockIdx.y * width + threadIdx.x % width, first = threadIdx.x / width;
  Sum own{};
  const bool works = first < height && channel < channels;
  if (works)
    for (unsigned row = blockIdx.x * height + first; row < rows; row += gridDim.x * height) add(own, row, channel);
  sums[threadIdx.x] = own;
  unsigned half = 1;
  while (half < height) half *= 2;
  for (half /= 2; half > 0; half /= 2) {
    __syncthreads();
    if (works && first < half && first + half < height) sums[threadIdx.x].join(sums[threadIdx.x + half * width]);
  }
  if (works && first == 0) parts[blockIdx.x * channels + channel] = sums[threadIdx.x];
}
/// The parts of one channel together.
template <class Sum>
inline Sum joined(const Sum* parts, unsigned count, unsigned channels, unsigned channel) {
  Sum all = parts[channel];
  for (unsigned part = 1; part < count; ++part) all.join(parts[part * channels + channel]);
  return all;
}
)kernel"},
{"tarn/gpu/kernels/softmax.inc", R"kernel(// SPDX-License-Identifier: MIT
// Softmax of [rows, classes]: a warp a row.

/// y = exp(x - max x) / sum; y may be x.
template <class T>
__global__ void softmax(const T* x, T* y, unsigned rows, unsigned classes) {
  for_rows(rows, [=](unsigned row, unsigned lane) {
    const T* const in = x + row * classes;
    T highest = -std::numeric_limits<T>::infinity(), total = 0;
    for (unsigned c = lane; c < classes; c += warp) highest = in[c] > highest ? in[c] : highest;
    highest = warp_largest(highest);
    for (unsigned c = lane; c < classes; c += warp) total += exp_nonpositive<T, T>(in[c] - highest);
    total = warp_sum(total);
    for (unsigned c = lane; c < classes; c += warp) y[row * classes + c] = exp_nonpositive<T, T>(in[c] - highest) / total;
  });
}
/// dx = y (dy - sum of y dy); dx may be dy.
template <class T>
__global__ void softmax_gradient(const T* y, const T* dy, T* dx, unsigned rows, unsigned classes) {
  for_rows(rows, [=](unsigned row, unsigned lane) {
    T dot = 0;
    for (unsigned c = lane; c < classes; c += warp) dot += y[row * classes + c] * dy[row * classes + c];
    dot = warp_sum(dot);
    for (unsigned i = row * classes + lane; i < (row + 1) * classes; i += warp) dx[i] = y[i] * (dy[i] - dot);
  });
}
)kernel"},
{"tarn/gpu/kernels/step.inc", R"kernel(// SPDX-License-Identifier: MIT
// What stands around a training step: it begins with the only numbers that come from the host, and ends with sums that stay on the GPU.

/// Labels and weights of samples, each null where there are none.
template <class T>
struct LabelsAndWeights {
  int* labels;
  T* weights;
};
/// The numbers of a step, and its batch: rows from the epoch's order, with their labels and weights.
template <class T>
__global__ void begin_step(StepState<T>* state, UpdateTerms<T> terms, std::uint32_t number, std::uint32_t first,
                           const std::uint32_t* order, LabelsAndWeights<T> all, std::uint32_t* rows, LabelsAndWeights<T> batch,
                           unsigned count) {
  for_elements(count, [=](unsigned i) {
    const std::uint32_t row = order[first + i];
    rows[i] = row;
    if (all.labels) batch.labels[i] = all.labels[row];
    if (all.weights) batch.weights[i] = all.weights[row];
  });
  if (blockIdx.x != 0 || threadIdx.x != 0) return;
  state->terms = terms;
  state->position = {number, first, count};
}
/// Adds what a step has found to the totals or, where something is not finite, stops this step's update and all that follow.
template <class T>
__global__ void end_step(StepState<T>* state) {
  if (blockIdx.x != 0 || threadIdx.x != 0) return;
  if (!state->stopped && (state->nonfinite || !(state->loss - state->loss == 0))) {
    state->stopped = 1;
    state->stopped_at = state->position;
  }
  if (!state->stopped) {
    state->total_loss += state->loss;
    state->total_correct += state->correct;
    state->total_samples += state->position.count;
  }
  state->nonfinite = state->correct = 0;
}
/// values = before, where `condition` holds.
template <class T>
__global__ void restore_if(const unsigned* condition, const T* before, T* values, unsigned size) {
  if (*condition) for_elements(size, [=](unsigned i) { values[i] = before[i]; });
}
)kernel"},
};
// clang-format on

}  // namespace tarn::gpu
