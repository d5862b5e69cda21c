// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/core/random.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/init/keras_stream.hpp>
#include <tarn/init/normal.hpp>

namespace tarn {

/// Connections that end in, and start from, one unit: what the variance-scaling initializers look at.
struct Fans {
  double in = 1, out = 1;

  /// Of a kernel [.., in, out], the extents before (the window) counted in both, as Keras does. A vector [n] has fans n, n.
  static Fans of(const Shape& shape) {
    if (shape.rank() == 0) return {};
    if (shape.rank() == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
    double window = 1;
    for (int axis = 0; axis < shape.rank() - 2; ++axis) window *= static_cast<double>(shape[axis]);
    return {window * static_cast<double>(shape[shape.rank() - 2]), window * static_cast<double>(shape.back())};
  }
};

/// All zeros.
struct Zeros {};
/// All ones.
struct Ones {};
/// All `value`.
struct Constant {
  double value = 0;
};
/// Uniform on (low, high).
struct Uniform {
  double low = -0.05, high = 0.05;
};
/// Normal.
struct Normal {
  double mean = 0, stddev = 0.05;
};
/// Normal, drawn again where it is two standard deviations or more away from the mean; what is left spreads by 0.88 `stddev`.
struct TruncatedNormal {
  double mean = 0, stddev = 0.05;
};
/// Uniform on (-limit, limit), limit = sqrt(6 / (fan in + fan out)).
struct GlorotUniform {};
/// Truncated normal of standard deviation sqrt(2 / (fan in + fan out)), measured after the truncation.
struct GlorotNormal {};
/// Uniform on (-limit, limit), limit = sqrt(6 / fan in).
struct HeUniform {};
/// Truncated normal of standard deviation sqrt(2 / fan in), measured after the truncation.
struct HeNormal {};
/// Uniform on (-limit, limit), limit = sqrt(3 / fan in).
struct LeCunUniform {};
/// Truncated normal of standard deviation sqrt(1 / fan in), measured after the truncation.
struct LeCunNormal {};

/// How a parameter gets its first values. They are drawn on the host in double precision, the same for float and double. A
/// value: made from one of the descriptions above, compared with ==; definitions and defaults are Keras's. Or from a function
/// `void(std::span<double> values, const Shape& shape, const Stream& stream)`, where `stream.word(i)` and `stream.uniform(i)`
/// are random and the parameter's own. Throws ArgumentError for numbers that describe no distribution.
class Initializer {
 public:
  Initializer(Zeros) : Initializer{Kind::constant, 0, 0} {}                  // NOLINT: implicit, as all here: an option's value
  Initializer(Ones) : Initializer{Kind::constant, 1, 0} {}                   // NOLINT
  Initializer(Constant spec) : Initializer{Kind::constant, spec.value, 0} {  // NOLINT
    if (!std::isfinite(spec.value)) throw ArgumentError("Constant: value is ", spec.value, ", expected a finite number");
  }
  Initializer(Uniform spec) : Initializer{Kind::uniform, spec.low, spec.high} {  // NOLINT
    if (!(spec.low <= spec.high) || !std::isfinite(spec.high - spec.low))
      throw ArgumentError("Uniform: low is ", spec.low, ", high is ", spec.high, ", expected finite numbers, low not above high");
  }
  Initializer(Normal spec) : Initializer{Kind::normal, spec.mean, spec.stddev} { check("Normal"); }  // NOLINT
  Initializer(TruncatedNormal spec) : Initializer{Kind::truncated_normal, spec.mean, spec.stddev} {  // NOLINT
    check("TruncatedNormal");
  }
  Initializer(GlorotUniform) : Initializer{Kind::scaled_uniform, 1, 1} {}  // NOLINT
  Initializer(GlorotNormal) : Initializer{Kind::scaled_normal, 1, 1} {}    // NOLINT
  Initializer(HeUniform) : Initializer{Kind::scaled_uniform, 2, 0} {}      // NOLINT
  Initializer(HeNormal) : Initializer{Kind::scaled_normal, 2, 0} {}        // NOLINT
  Initializer(LeCunUniform) : Initializer{Kind::scaled_uniform, 1, 0} {}   // NOLINT
  Initializer(LeCunNormal) : Initializer{Kind::scaled_normal, 1, 0} {}     // NOLINT
  template <class Function>
    requires(std::is_invocable_v<const Function&, std::span<double>, const Shape&, const Stream&>)
  Initializer(Function function)  // NOLINT
      : kind_{Kind::function}, function_{std::make_shared<const Custom>(std::move(function))} {}

  /// The same distribution, drawn as Keras on TensorFlow draws it for this seed: every kernel starts with the same draws, in
  /// whatever model and place. For the normal distributions; throws ArgumentError for another.
  Initializer keras_seeded(std::uint64_t seed) const {
    if (kind_ != Kind::normal && kind_ != Kind::truncated_normal && kind_ != Kind::scaled_normal)
      throw ArgumentError("keras_seeded: expected Normal, TruncatedNormal, GlorotNormal, HeNormal or LeCunNormal");
    Initializer result = *this;
    result.keras_seeded_ = true;
    result.keras_seed_ = seed;
    return result;
  }

  /// Sets all values of a parameter of this shape, row-major. They are a function of this, the stream and the shape.
  void fill(std::span<double> values, const Shape& shape, const Stream& stream) const {
    const Fans fans = Fans::of(shape);
    const double variance = a_ / std::max(1.0, (fans.in + b_ * fans.out) / (1 + b_));  // of the scaled kinds
    switch (kind_) {
      case Kind::constant: return std::fill(values.begin(), values.end(), a_);
      case Kind::uniform: return fill_uniform(values, (a_ + b_) / 2, (b_ - a_) / 2, stream);
      case Kind::normal: return fill_normal(values, false, a_, b_, stream);
      case Kind::truncated_normal: return fill_normal(values, true, a_, b_, stream);
      case Kind::scaled_uniform: return fill_uniform(values, 0, std::sqrt(3 * variance), stream);
      case Kind::scaled_normal: return fill_normal(values, true, 0, std::sqrt(variance) / truncated_stddev, stream);
      case Kind::function: return (*function_)(values, shape, stream);
    }
  }

  /// Functions are equal where one is a copy of the other's initializer.
  friend bool operator==(const Initializer&, const Initializer&) = default;

 private:
  enum class Kind { constant, uniform, normal, truncated_normal, scaled_uniform, scaled_normal, function };
  using Custom = std::function<void(std::span<double>, const Shape&, const Stream&)>;
  static constexpr double truncated_stddev = 0.87962566103423978;  // of a standard normal deviate below 2 in magnitude

  Initializer(Kind kind, double a, double b) : kind_{kind}, a_{a}, b_{b} {}

  void check(const char* name) const {
    if (!std::isfinite(a_) || !(b_ >= 0) || !std::isfinite(b_))
      throw ArgumentError(name, ": mean is ", a_, ", stddev is ", b_, ", expected finite numbers, stddev at least 0");
  }

  static void fill_uniform(std::span<double> values, double center, double reach, const Stream& stream) {
    stream.uniform(values);
    for (double& value : values) value = center + reach * (2 * value - 1);
  }
  void fill_normal(std::span<double> values, bool truncated, double mean, double stddev, const Stream& stream) const {
    if (keras_seeded_) {
      std::vector<float> drawn(values.size());
      const detail::KerasStream keras{keras_seed_};
      truncated ? keras.fill_truncated_normal(drawn) : keras.fill_normal(drawn);
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<double>(drawn[i] * static_cast<float>(stddev) + static_cast<float>(mean));
      return;
    }
    truncated ? detail::fill_truncated_normal(values, stream) : detail::fill_normal(values, stream);
    for (double& value : values) value = mean + stddev * value;
  }

  Kind kind_;
  double a_ = 0, b_ = 0;  // value; low, high; mean, stddev; scale, weight of fan out beside fan in
  bool keras_seeded_ = false;
  std::uint64_t keras_seed_ = 0;
  std::shared_ptr<const Custom> function_;
};

}  // namespace tarn
