// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/elementwise.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// y += x.
template <class T, OnCpu D>
void add(const Batch<T, D>& x, Batch<T, D>& y) {
  detail::check_same_shape("add", "y", y, x);
  const auto body = TARN_CPU_BODY(add, T);
  detail::for_ranges(detail::whole_vectors<T>(x.scalars()), cpu::lanes<T>(),
                     [&](Index first, Index last) { body(x.data() + first, y.data() + first, last - first); });
}

namespace detail {

/// Throws ShapeError unless `part` [.., c] holds channels first .. first + c - 1 of `whole`.
template <class T, class D>
void check_channels(const char* where, const Batch<T, D>& part, Index first, const Batch<T, D>& whole) {
  const Rows inner = rows_of(part), outer = rows_of(whole);
  if (part.count() != whole.count() || inner.rows != outer.rows || first < 0 || first + inner.channels > outer.channels)
    throw ShapeError(where, ": ", part.shape().to_string(), " are not the channels from ", first, " on of ",
                     whole.shape().to_string());
}

}  // namespace detail

/// Writes x [.., c] into the channels first .. first + c - 1 of y.
template <class T, OnCpu D>
void put_channels(const Batch<T, D>& x, Index first, Batch<T, D>& y) {
  detail::check_channels("put_channels", x, first, y);
  const Index part = detail::rows_of(x).channels * x.lanes(), whole = detail::rows_of(y).channels * y.lanes();
  const Index rows = detail::rows_of(x).rows;
  parallel::run(x.groups(), [&](Index group) {
    const T* from = x.group(group);
    T* to = y.group(group) + first * y.lanes();
    for (Index row = 0; row < rows; ++row) std::copy_n(from + row * part, part, to + row * whole);
  });
}

/// y [.., c] = the channels first .. first + c - 1 of x; with `accumulate` y += them.
template <class T, OnCpu D>
void take_channels(const Batch<T, D>& x, Index first, Batch<T, D>& y, bool accumulate) {
  detail::check_channels("take_channels", y, first, x);
  const Index part = detail::rows_of(y).channels * y.lanes(), whole = detail::rows_of(x).channels * x.lanes();
  const Index rows = detail::rows_of(y).rows;
  const auto body = x.few() ? &cpu::plain::add<T> : TARN_CPU_BODY(add, T);
  parallel::run(x.groups(), [&](Index group) {
    const T* from = x.group(group) + first * x.lanes();
    T* to = y.group(group);
    for (Index row = 0; row < rows; ++row)
      if (accumulate)
        body(from + row * whole, to + row * part, part);
      else
        std::copy_n(from + row * whole, part, to + row * part);
  });
}

}  // namespace tarn::ops
