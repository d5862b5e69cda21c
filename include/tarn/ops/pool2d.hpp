// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/pool2d.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/elementwise.hpp>

namespace tarn::ops {

namespace detail {

/// Throws ShapeError unless x [n, in_h, in_w, c] and y [n, out_h, out_w, c] (or [n, c], of one pixel) are those of the pooling.
template <class T, class D>
void check_pool(const char* where, const Batch<T, D>& x, const Batch<T, D>& y, const cpu::PoolGeometry& g) {
  check_shape(where, "x", x.shape(), {y.count(), g.in_h, g.in_w, g.channels});
  check_size(where, "a sample of y", y.sample().size(), g.out_h * g.out_w * g.channels);
}

}  // namespace detail

/// y [.., out_h, out_w, c]: the mean of each window of x [.., h, w, c], padding not counted.
template <class T, OnCpu D>
void avg_pool2d(const Batch<T, D>& x, const cpu::PoolGeometry& geometry, Batch<T, D>& y) {
  detail::check_pool("avg_pool2d", x, y, geometry);
  const auto body = x.few() ? TARN_CPU_FEW_BODY(avg_pool2d, T) : TARN_CPU_BODY(avg_pool2d, T);
  detail::run_groups(x, [&](Index group) { body(x.group(group), y.group(group), geometry); });
}

/// dx: dy shared evenly among the pixels of each window; with `below`, the elementwise function that x went through last, times
/// its derivative.
template <class T, OnCpu D>
void avg_pool2d_gradient(const Batch<T, D>& dy, const cpu::PoolGeometry& geometry, Batch<T, D>& dx,
                         const Activation& below = Linear{}, const Batch<T, D>* x = nullptr) {
  detail::check_pool("avg_pool2d_gradient", dx, dy, geometry);
  const auto body = TARN_CPU_BODY(avg_pool2d_gradient, T);
  const detail::Finish<T> finish{below, x ? x->data() : nullptr};
  parallel::run(dy.groups(), [&](Index group) {
    body(dy.group(group), dx.group(group), geometry);
    if (finish.any()) finish(dx.group(group), group * dx.group_size(), dx.group_size());
  });
}

/// y [.., out_h, out_w, c]: the largest value of each window of x [.., h, w, c]; NaN where it holds one.
template <class T, OnCpu D>
void max_pool2d(const Batch<T, D>& x, const cpu::PoolGeometry& geometry, Batch<T, D>& y) {
  detail::check_pool("max_pool2d", x, y, geometry);
  const auto body = x.few() ? TARN_CPU_FEW_BODY(max_pool2d, T) : TARN_CPU_BODY(max_pool2d, T);
  detail::run_groups(x, [&](Index group) { body(x.group(group), y.group(group), geometry); });
}

/// dx: dy to the largest pixel of each window, the first of equals, row by row; with `below` as in `avg_pool2d_gradient`.
template <class T, OnCpu D>
void max_pool2d_gradient(const Batch<T, D>& x, const Batch<T, D>& y, const Batch<T, D>& dy, const cpu::PoolGeometry& geometry,
                         Batch<T, D>& dx, const Activation& below = Linear{}) {
  detail::check_pool("max_pool2d_gradient", x, y, geometry);
  detail::check_pool("max_pool2d_gradient", dx, dy, geometry);
  const auto body = TARN_CPU_BODY(max_pool2d_gradient, T);
  const detail::Finish<T> finish{below, x.data()};
  parallel::run(dy.groups(), [&](Index group) {
    body(x.group(group), y.group(group), dy.group(group), dx.group(group), geometry);
    if (finish.any()) finish(dx.group(group), group * dx.group_size(), dx.group_size());
  });
}

}  // namespace tarn::ops
