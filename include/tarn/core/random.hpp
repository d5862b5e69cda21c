// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/core/device.hpp>
#include <tarn/core/philox.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/dispatch.hpp>  // many words at once are drawn by vectors
#include <tarn/cpu/plain/random.hpp>

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
  /// Words `first` to first + words.size() - 1 of this sample: far faster than one by one. Throws ArgumentError unless `first` is
  /// a multiple of 4, at least 0.
  void draw(std::span<std::uint32_t> words, Index first = 0, Index sample = 0) const {
    if (first < 0 || first % 4 != 0)
      throw ArgumentError("Stream: draws from word ", first, " on, expected a multiple of 4, at least 0");
    const std::size_t whole = words.size() / 4 * 4;
    const Philox::Counter start = counter(first, sample);
    TARN_CPU_BODY(random_words, std::uint32_t)
    (start[0], static_cast<Index>(whole / 4), start[1], {key_.data(), step_, identity_}, words.data());
    for (std::size_t i = whole; i < words.size(); ++i) words[i] = word(first + static_cast<Index>(i), sample);
  }
  /// Uniform on (0, 1), a multiple of 2^-33.
  double uniform(Index element, Index sample = 0) const { return to_uniform(word(element, sample)); }
  /// Elements 0 to values.size() - 1 of this sample: far faster than one by one.
  void uniform(std::span<double> values, Index sample = 0) const {
    std::array<std::uint32_t, 256> words;
    for (std::size_t first = 0; first < values.size(); first += words.size()) {
      const std::size_t count = std::min(words.size(), values.size() - first);
      draw({words.data(), count}, static_cast<Index>(first), sample);
      for (std::size_t i = 0; i < count; ++i) values[first + i] = to_uniform(words[i]);
    }
  }
  /// What `uniform` makes of a word.
  static double to_uniform(std::uint32_t word) { return (word + 0.5) * 0x1p-32; }

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
  std::array<std::uint32_t, 256> words;
  for (std::size_t remaining = indices.size(), drawn = 0; remaining > 1;) {
    const std::size_t count = std::min(words.size(), remaining - 1);
    stream.draw({words.data(), count}, static_cast<Index>(drawn));
    for (std::size_t i = 0; i < count; ++i, --remaining)
      std::swap(indices[remaining - 1], indices[(std::uint64_t{words[i]} * remaining) >> 32]);
    drawn += count;
  }
}

}  // namespace tarn
