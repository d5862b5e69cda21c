// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>
#include <span>
#include <utility>

#include <tarn/core/random.hpp>

/// Normal deviates, a function of stream and element: never of how many are drawn, or in which order.
namespace tarn::detail {

/// Two independent standard normal deviates from two uniform ones on (0, 1), by the transform of Box and Muller:
/// sqrt(-2 ln u) (cos 2 pi v, sin 2 pi v).
inline std::pair<double, double> normal_pair(double u, double v) {
  const double radius = std::sqrt(-2 * std::log(u)), angle = 2 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}
/// Standard normal: elements 2 k and 2 k + 1 are made of words 2 k and 2 k + 1. Of magnitude below 6.8.
inline void fill_normal(std::span<double> values, const Stream& stream) {
  for (std::size_t first = 0; first < values.size(); first += 4) {
    const auto words = Philox::block(stream.counter(static_cast<Index>(first), 0), stream.key());
    const auto a = normal_pair(Stream::to_uniform(words[0]), Stream::to_uniform(words[1]));
    const auto b = normal_pair(Stream::to_uniform(words[2]), Stream::to_uniform(words[3]));
    const double drawn[4] = {a.first, a.second, b.first, b.second};
    for (std::size_t i = 0; i < 4 && first + i < values.size(); ++i) values[first + i] = drawn[i];
  }
}

/// Standard normal, but drawn again where its magnitude is 2 or more: each element in a sub-stream of its own.
inline void fill_truncated_normal(std::span<double> values, const Stream& stream) {
  const auto draw = [&](Index element) {
    for (Index attempt = 0;; ++attempt) {
      const auto words = Philox::block(stream.counter(4 * element, attempt), stream.key());
      const auto a = normal_pair(Stream::to_uniform(words[0]), Stream::to_uniform(words[1]));
      const auto b = normal_pair(Stream::to_uniform(words[2]), Stream::to_uniform(words[3]));
      for (const double drawn : {a.first, a.second, b.first, b.second})
        if (std::abs(drawn) < 2) return drawn;
    }
  };
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = draw(static_cast<Index>(i));
}

}  // namespace tarn::detail
