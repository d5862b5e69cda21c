// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/philox.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/geometry.hpp>

namespace tarn::cpu::plain {

template <class Word>
void random_words(std::uint32_t first_block, Index blocks, std::uint32_t sample, const StreamWords& stream, Word* words) {
  for (Index i = 0; i < blocks; ++i) {
    const Philox::Counter counter{first_block + static_cast<std::uint32_t>(i), sample, stream.step, stream.identity};
    for (const std::uint32_t word : Philox::block(counter, {stream.keys[0], stream.keys[1]})) *words++ = word;
  }
}

template <class T, bool Models>
void dropout(const T* x, T* y, Index first_block, Index last_block, Index pixels, Index channels, Index sample,
             std::uint32_t threshold, T scale, const StreamWords& stream) {
  for (Index block = first_block; block < last_block; ++block) {
    const auto words =
        Philox::block({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(sample), stream.step, stream.identity},
                      {stream.keys[0], stream.keys[1]});
    for (Index i = 0; i < 4 && block * 4 + i < channels; ++i)
      for (Index pixel = 0, at = block * 4 + i; pixel < pixels; ++pixel, at += channels)
        y[at] = words[static_cast<std::size_t>(i)] >= threshold ? x[at] * scale : T(0);
  }
}

}  // namespace tarn::cpu::plain
