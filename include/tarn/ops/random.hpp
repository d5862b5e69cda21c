// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/core/random.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/random.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

namespace detail {

/// The key words of a stream, or of those of each model.
inline void write_keys(const Stream& stream, Index, std::uint32_t* keys) { std::copy_n(stream.key().data(), 2, keys); }
inline void write_keys(const ModelStreams& streams, Index models, std::uint32_t* keys) {
  for (Index model = 0; model < models; ++model) write_keys(streams[model], 1, keys + 2 * model);
}
inline const Stream& first_stream(const Stream& stream) { return stream; }
inline Stream first_stream(const ModelStreams& streams) { return streams[0]; }

}  // namespace detail

/// y = x / (1 - rate) where the stream's word for (sample, element) is at least rate 2^32, else 0; with `per_channel` the word for
/// (sample, channel) holds for all pixels. Applied to dy with the same stream it is the gradient, so no mask is kept.
/// y may be x. Throws ArgumentError for a rate outside [0, 1).
template <class T, OnCpu D>
void dropout(const Batch<T, D>& x, double rate, bool per_channel, const StreamOf<D>& stream, Batch<T, D>& y) {
  detail::check_same_shape("dropout", "y", y, x);
  if (!(rate >= 0 && rate < 1)) throw ArgumentError("dropout: rate is ", rate, ", expected at least 0 and below 1");
  const detail::Rows rows = detail::rows_of(x);
  const Index pixels = per_channel ? rows.rows : 1, channels = x.sample().size() / std::max<Index>(pixels, 1);
  const Index blocks = (channels + 3) / 4, pieces = std::min<Index>(blocks, (x.sample().size() + 1023) / 1024);
  const auto threshold = static_cast<std::uint32_t>(rate * 0x1p32);
  const T scale = static_cast<T>(1 / (1 - rate));
  const auto counter = detail::first_stream(stream).counter(0, 0);
  std::uint32_t keys[2 * cpu::max_lanes<T>];
  detail::write_keys(stream, x.lanes(), keys);
  const cpu::StreamWords words{keys, counter[2], counter[3]};
  const auto body = x.few() ? &cpu::plain::dropout<T, detail::models<D>> : TARN_CPU_BODY(dropout, T, detail::models<D>);
  parallel::run(x.groups() * pieces, [&](Index part) {
    const Index group = part / pieces;
    const auto [first, last] = parallel::piece(blocks, pieces, part % pieces);
    const Index sample = detail::models<D> ? group : group * x.lanes();
    body(x.group(group), y.group(group), first, last, pixels, channels, sample, threshold, scale, words);
  });
}

}  // namespace tarn::ops
