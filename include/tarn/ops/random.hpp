// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/random.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/random.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// y = x / (1 - rate) where the stream's word for (sample, element) is at least rate 2^32, else 0. Applied to dy with the
/// same stream it is the gradient, so no mask is kept. rate in [0, 1); y may be x.
template <class T>
void dropout(const Batch<T, Cpu>& x, double rate, const Stream& stream, Batch<T, Cpu>& y) {
  detail::check_shape("dropout", "y", y.shape(), x.shape());
  const Index elements = x.sample().size(), blocks = (elements + 3) / 4, pieces = (elements + 1023) / 1024;
  const auto threshold = static_cast<std::uint32_t>(rate * 0x1p32);
  const T scale = static_cast<T>(1 / (1 - rate));
  const auto counter = stream.counter(0, 0);
  const cpu::StreamWords words{{stream.key()[0], stream.key()[1]}, counter[2], counter[3]};
  const auto body = TARN_CPU_BODY(dropout, T);
  parallel::run(x.groups() * pieces, [&](Index part) {
    const Index group = part / pieces;
    const auto [first, last] = parallel::piece(blocks, pieces, part % pieces);
    body(x.group(group), y.group(group), first, last, elements, group * x.lanes(), threshold, scale, words);
  });
}

}  // namespace tarn::ops
