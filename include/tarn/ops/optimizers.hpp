// SPDX-License-Identifier: MIT
#pragma once

#include <span>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/elementwise.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

namespace detail {

/// Calls `body(first, last)` on pieces of the ranges, from several threads. Throws ArgumentError unless the ranges are sorted,
/// disjoint and within [0, size).
template <class Body>
void for_pieces(const char* where, std::span<const Range> ranges, Index size, Body body) {
  Index end = 0;
  for (const Range& range : ranges) {
    if (range.first < end || range.last < range.first || range.last > size)
      throw ArgumentError(where, ": range [", range.first, ", ", range.last, ") after ", end,
                          ", expected sorted and disjoint ranges in [0, ", size, ")");
    end = range.last;
  }
  for (const Range& range : ranges)
    for_ranges(range.last - range.first, 64, [&](Index first, Index last) { body(range.first + first, range.first + last); });
}

}  // namespace detail

/// weights -= rate gradients, in the ranges.
template <class T>
void sgd(const TensorView<T, Cpu>& weights, const TensorView<const T, Cpu>& gradients, std::span<const Range> ranges,
         double rate) {
  detail::check_size("sgd", "gradients", gradients.size(), weights.size());
  const auto body = TARN_CPU_BODY(sgd, T);
  detail::for_pieces("sgd", ranges, weights.size(), [&](Index first, Index last) {
    body(weights.data() + first, gradients.data() + first, last - first, static_cast<T>(rate));
  });
}

/// velocities = momentum velocities - rate gradients; weights += velocities, in the ranges.
template <class T>
void sgd_momentum(const TensorView<T, Cpu>& weights, const TensorView<T, Cpu>& velocities,
                  const TensorView<const T, Cpu>& gradients, std::span<const Range> ranges, double rate, double momentum) {
  detail::check_size("sgd_momentum", "gradients", gradients.size(), weights.size());
  detail::check_size("sgd_momentum", "velocities", velocities.size(), weights.size());
  const auto body = TARN_CPU_BODY(sgd_momentum, T);
  detail::for_pieces("sgd_momentum", ranges, weights.size(), [&](Index first, Index last) {
    body(weights.data() + first, velocities.data() + first, gradients.data() + first, last - first, static_cast<T>(rate),
         static_cast<T>(momentum));
  });
}

/// Whether no element is infinite or NaN.
template <class T>
bool all_finite(const TensorView<const T, Cpu>& values) {
  return TARN_CPU_BODY(all_finite, T)(values.data(), values.size());
}

}  // namespace tarn::ops
