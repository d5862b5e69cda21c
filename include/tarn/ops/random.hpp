// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/core/random.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/random.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// y = x / (1 - rate) where the stream's word for (sample, element) is at least rate 2^32, else 0; with `per_channel` the word for
/// (sample, channel) holds for all pixels. Applied to dy with the same stream it is the gradient, so no mask is kept.
/// rate in [0, 1); y may be x.
template <class T>
void dropout(const Batch<T, Cpu>& x, double rate, bool per_channel, const Stream& stream, Batch<T, Cpu>& y) {
  detail::check_shape("dropout", "y", y.shape(), x.shape());
  const detail::Rows rows = detail::rows_of(x);
  const Index pixels = per_channel ? rows.rows : 1, channels = x.sample().size() / std::max<Index>(pixels, 1);
  const Index blocks = (channels + 3) / 4, pieces = std::min<Index>(blocks, (x.sample().size() + 1023) / 1024);
  const auto threshold = static_cast<std::uint32_t>(rate * 0x1p32);
  const T scale = static_cast<T>(1 / (1 - rate));
  const auto counter = stream.counter(0, 0);
  const cpu::StreamWords words{{stream.key()[0], stream.key()[1]}, counter[2], counter[3]};
  const auto body = TARN_CPU_BODY(dropout, T);
  parallel::run(x.groups() * pieces, [&](Index part) {
    const Index group = part / pieces;
    const auto [first, last] = parallel::piece(blocks, pieces, part % pieces);
    body(x.group(group), y.group(group), first, last, pixels, channels, group * x.lanes(), threshold, scale, words);
  });
}

}  // namespace tarn::ops
