// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

#include <tarn/core/random.hpp>

namespace tarn::detail {

/// The normal deviates that a seeded initializer of Keras on TensorFlow draws (TensorFlow's stateless random normal and truncated
/// normal with the seed pair (seed, 0)), in float as there. The stream is a function of the seed alone, so every kernel that
/// the same seed fills starts with the same values.
///
/// Words come from Philox 4x32-10 under a key that is itself drawn from the seed, and are taken in pairs (a, b):
/// u = max((a mod 2^23) / 2^23, 1e-7), v = 2 pi (b mod 2^23) / 2^23, and sqrt(-2 ln u) (sin v, cos v).
class KerasStream {
 public:
  explicit KerasStream(std::uint64_t seed) {
    const auto drawn = Philox::block({static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), 0, 0},
                                     {0x3ec8f720U, 0x02461e29U});
    key_ = {drawn[0], drawn[1]};
    upper_ = {drawn[2], drawn[3]};
  }

  /// Standard normal, in the stream's order.
  void fill_normal(std::span<float> values) const {
    for (std::size_t first = 0; first < values.size(); first += 4) {
      const auto drawn = block(first / 4);
      std::copy_n(drawn.begin(), std::min<std::size_t>(4, values.size() - first), values.begin() + static_cast<Index>(first));
    }
  }
  /// Of magnitude below 2: values come in groups of four, and group g takes what it keeps from block 256 g on.
  void fill_truncated_normal(std::span<float> values) const {
    for (std::size_t first = 0; first < values.size(); first += 4) {
      std::size_t at = first;
      const std::size_t end = std::min(first + 4, values.size());
      for (std::uint64_t number = first / 4 * 256; at < end; ++number)
        for (const float drawn : block(number))
          if (at < end && std::abs(drawn) < 2) values[at++] = drawn;
    }
  }

 private:
  std::array<float, 4> block(std::uint64_t number) const {
    const auto words =
        Philox::block({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32), upper_[0], upper_[1]}, key_);
    std::array<float, 4> result{};
    for (std::size_t i = 0; i < 4; i += 2) {
      const float radius = std::sqrt(-2 * std::log(std::max(fraction(words[i]), 1e-7F)));
      const float angle = 2 * std::numbers::pi_v<float> * fraction(words[i + 1]);
      result[i] = radius * std::sin(angle);
      result[i + 1] = radius * std::cos(angle);
    }
    return result;
  }
  static float fraction(std::uint32_t word) { return static_cast<float>(word & 0x7FFFFF) * 0x1p-23F; }

  Philox::Key key_{};
  std::array<std::uint32_t, 2> upper_{};  // of every counter
};

}  // namespace tarn::detail
