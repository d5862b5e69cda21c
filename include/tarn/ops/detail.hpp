// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/batch.hpp>
#include <tarn/core/parallel.hpp>

namespace tarn::ops::detail {

/// Scalars that one part of an elementwise operation handles: enough to hide the cost of handing it out, small enough to
/// share a single group among threads.
inline constexpr Index grain = 8192;

/// Calls `body(first, last)` on ranges that together are [0, size), borders at multiples of `unit`, from several threads.
/// Only for operations whose elements do not depend on each other.
template <class Body>
void for_ranges(Index size, Index unit, Body body) {
  const Index units = (size + unit - 1) / unit;
  Index parts = size / grain;
  parts = parts < 1 ? 1 : parts > 64 ? 64 : parts;
  if (parts > units) parts = units;
  parallel::run(parts, [&](Index part) {
    const auto [first, last] = parallel::piece(units, parts, part);
    const Index end = last * unit;
    if (first < last) body(first * unit, end < size ? end : size);
  });
}

/// Extents of the last axis, and of all before it together, of one sample.
struct Rows {
  Index rows, channels;
};
template <class T, class D>
Rows rows_of(const Batch<T, D>& x) {
  const Shape& sample = x.sample();
  const Index channels = sample.rank() == 0 ? 1 : sample.back();
  return {channels == 0 ? 0 : sample.size() / channels, channels};
}

}  // namespace tarn::ops::detail
