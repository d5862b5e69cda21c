// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/core/batch.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops::detail {

/// Statistics: one a channel, and with a model a lane one for each model.
template <class T, OnCpu D>
Index statistics(const Batch<T, D>& x, Index channels) {
  return channels * (models<D> ? x.lanes() : 1);
}
/// Samples of a group that a statistic is of.
template <class T, OnCpu D>
Index samples_of(const Batch<T, D>& x, Index group) {
  return models<D> ? 1 : x.used_lanes(group);
}

/// How the statistics of a batch are gathered, from shapes alone: in chunks of several groups, as many as stay in the cache and
/// no more than rounding allows, or, where groups are few, of a piece of one's pixels; chunks in parts.
template <class T, OnCpu D>
struct NormPlan {
  /// Pixels [offset, offset + rows) of each of `groups` groups; of several groups all pixels.
  struct Chunk {
    Index group, groups, offset, rows;
  };

  const Batch<T, D>& x;
  Rows shape;
  Index pieces;  ///< of a group
  Index parts;

  explicit NormPlan(const Batch<T, D>& batch) : x{batch}, shape{rows_of(batch)}, pieces{1} {
    constexpr Index enough = parallel::max_sum_parts / 2;  // parts
    if (x.groups() < enough) pieces = std::clamp<Index>(std::min(x.group_size() / 8192, shape.rows), 1, enough);
    chunk_ = std::clamp<Index>(32768 / std::max<Index>(x.group_size(), 1), 1,
                               std::max<Index>(512 / std::max<Index>(shape.rows, 1), 1));
    if (pieces > 1) chunk_ = 1;
    parts = parallel::sum_parts(ceil_divide(x.groups() * pieces, chunk_));
  }

  /// Calls `body(chunk)` for the chunks of a part, in order.
  template <class Body>
  void for_chunks(Index part, const Body& body) const {
    const auto [first, last] = parallel::piece(x.groups() * pieces, parts, part);
    for (Index i = first; i < last; i += chunk_) {
      const auto [begin, end] = parallel::piece(shape.rows, pieces, i % pieces);
      body(Chunk{i / pieces, std::min(chunk_, last - i), begin, end - begin});
    }
  }
  /// The chunk's first scalar.
  Index start(const Chunk& c) const { return c.group * x.group_size() + c.offset * shape.channels * x.lanes(); }
  int used_lanes(const Chunk& c) const { return x.used_lanes(c.group + c.groups - 1); }  ///< of the last group
  /// Values of a statistic.
  Index count(const Chunk& c) const {
    const Index samples = models<D> ? 1 : x.lanes();
    return ((c.groups - 1) * samples + samples_of(x, c.group + c.groups - 1)) * c.rows;
  }

 private:
  Index chunk_;  // groups, or pieces
};

/// Calls `body(part)` for the parts of a plan; little work in few samples is done in this thread.
template <class T, class D, class Body>
void run_parts(const Batch<T, D>& x, Index parts, const Body& body) {
  run(x.few() ? 16 * x.scalars() : serial_work + 1, parts, body);
}

/// Calls `body(first scalar, pixels)` for ranges of pixels that stay in the cache, of all groups; few samples are as one.
template <class T, class D, class Body>
void for_pixels(const Batch<T, D>& x, const Body& body) {
  const auto [group_rows, channels] = rows_of(x);
  const Index groups = x.few() ? 1 : x.groups(), rows = x.few() ? x.groups() * group_rows : group_rows;
  const Index pixel = channels * x.lanes(), some = std::max<Index>(8192 / std::max<Index>(pixel, 1), 1);
  const Index ranges = ceil_divide(rows, some);
  parallel::run(groups * ranges, [&](Index item) {
    const Index row = item % ranges * some;
    body((item / ranges * rows + row) * pixel, std::min(some, rows - row));
  });
}

}  // namespace tarn::ops::detail
