// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <span>
#include <variant>

#include <tarn/core/random.hpp>
#include <tarn/core/shape.hpp>

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
struct Zeros {
  void fill(std::span<double> values, const Fans&, const Stream&) const {
    for (double& value : values) value = 0;
  }
  bool operator==(const Zeros&) const = default;
};

/// All ones.
struct Ones {
  void fill(std::span<double> values, const Fans&, const Stream&) const {
    for (double& value : values) value = 1;
  }
  bool operator==(const Ones&) const = default;
};

/// Uniform on (-limit, limit), limit = sqrt(6 / (fan in + fan out)).
/// Source: the definition of Keras's GlorotUniform.
struct GlorotUniform {
  void fill(std::span<double> values, const Fans& fans, const Stream& stream) const {
    const double limit = std::sqrt(6 / (fans.in + fans.out));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = limit * (2 * stream.uniform(static_cast<Index>(i)) - 1);
  }
  bool operator==(const GlorotUniform&) const = default;
};

/// How a parameter gets its first values. They are drawn on the host in double precision, the same for float and double.
using Initializer = std::variant<Zeros, Ones, GlorotUniform>;

inline void fill(const Initializer& initializer, std::span<double> values, const Fans& fans, const Stream& stream) {
  std::visit([&](const auto& chosen) { chosen.fill(values, fans, stream); }, initializer);
}

}  // namespace tarn
