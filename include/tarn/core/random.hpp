// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/core/device.hpp>
#include <tarn/core/philox.hpp>
#include <tarn/core/shape.hpp>

namespace tarn {

/// What random numbers are drawn for; part of a stream's identity, so that no two uses share a draw.
enum class Purpose : std::uint32_t { initial_weights = 0, shuffle = 1, layer = 2, split = 3 };

/// One sequence of random words: a function of seed, purpose, index (of the layer, parameter or epoch), step and sample.
/// A word is addressed by its element, so the draws do not depend on threads, lanes or device.
class Stream {
 public:
  Stream(std::uint64_t seed, Purpose purpose, Index index, Index step = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        step_{static_cast<std::uint32_t>(step)},
        identity_{static_cast<std::uint32_t>(purpose) << 28 | (static_cast<std::uint32_t>(index) & 0x0FFFFFFF)} {}

  /// Word `element` of this sample.
  std::uint32_t word(Index element, Index sample = 0) const {
    return Philox::block(counter(element, sample), key_)[static_cast<std::size_t>(element & 3)];
  }
  /// The counter whose block holds words 4 floor(element / 4) to + 3 of this sample.
  Philox::Counter counter(Index element, Index sample) const {
    return {static_cast<std::uint32_t>(element >> 2), static_cast<std::uint32_t>(sample), step_, identity_};
  }
  /// Uniform on (0, 1), a multiple of 2^-33.
  double uniform(Index element, Index sample = 0) const { return (word(element, sample) + 0.5) * 0x1p-32; }

  Philox::Key key() const { return key_; }

 private:
  Philox::Key key_;
  std::uint32_t step_, identity_;
};

/// The streams of several models, a lane each: they differ in their seeds.
struct ModelStreams {
  std::span<const std::uint64_t> seeds;
  Purpose purpose;
  Index index, step;

  Stream operator[](Index model) const { return {seeds[static_cast<std::size_t>(model)], purpose, index, step}; }
};
template <class D>
using SeedOf = std::conditional_t<std::is_same_v<D, CpuModels>, std::span<const std::uint64_t>, std::uint64_t>;
template <class D>
using StreamOf = std::conditional_t<std::is_same_v<D, CpuModels>, ModelStreams, Stream>;

/// Orders `indices` at random (Fisher and Yates), every order equally likely up to 2^-32 times their number.
inline void shuffle(std::vector<std::uint32_t>& indices, const Stream& stream) {
  Philox::Counter block{};
  for (std::size_t remaining = indices.size(), draw = 0; remaining > 1; --remaining, ++draw) {
    if (draw % 4 == 0) block = Philox::block(stream.counter(static_cast<Index>(draw), 0), stream.key());
    const std::size_t chosen = static_cast<std::size_t>((std::uint64_t{block[draw % 4]} * remaining) >> 32);
    std::swap(indices[remaining - 1], indices[chosen]);
  }
}

}  // namespace tarn
