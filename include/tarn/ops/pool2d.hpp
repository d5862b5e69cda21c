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

/// Windows that tile the image fall into rows that have nothing to do with each other: `parts` of a geometry of their own, of one
/// row, or several of few samples. Other windows are one part.
struct WindowRows {
  Index parts = 1;
  cpu::PoolGeometry part;

  WindowRows(const cpu::PoolGeometry& g, bool few) : part{g} {
    if (!g.tiles()) return;
    Index rows = 1;
    while (few && rows < g.out_h && (g.out_h % rows != 0 || rows * g.window_h * g.in_w * g.channels < grain)) ++rows;
    parts = g.out_h / rows;
    part.in_h = rows * g.window_h, part.out_h = rows;
  }
};

/// Calls `body(geometry, offset in x, offset in y, size in x)` for all windows of all groups, by rows where those can go by
/// themselves.
template <class T, class D, class Body>
void for_windows(const Batch<T, D>& x, const Batch<T, D>& y, const cpu::PoolGeometry& g, const Body& body) {
  const WindowRows rows{g, x.few()};
  const Index x_size = x.group_size() / rows.parts, y_size = y.group_size() / rows.parts;
  run(x.few() ? 16 * x.scalars() : serial_work + 1, x.groups() * rows.parts,
      [&](Index item) { body(rows.part, item * x_size, item * y_size, x_size); });
}

}  // namespace detail

/// y [.., out_h, out_w, c]: the mean of each window of x [.., h, w, c], padding not counted.
template <class T, OnCpu D>
void avg_pool2d(const Batch<T, D>& x, const cpu::PoolGeometry& geometry, Batch<T, D>& y) {
  detail::check_pool("avg_pool2d", x, y, geometry);
  const auto body = x.few() ? TARN_CPU_FEW_BODY(avg_pool2d, T) : TARN_CPU_BODY(avg_pool2d, T);
  detail::for_windows(x, y, geometry, [&](const cpu::PoolGeometry& windows, Index from, Index to, Index) {
    body(x.data() + from, y.data() + to, windows);
  });
}

/// dx: dy shared evenly among the pixels of each window; with `below`, the elementwise function that x went through last, times
/// its derivative.
template <class T, OnCpu D>
void avg_pool2d_gradient(const Batch<T, D>& dy, const cpu::PoolGeometry& geometry, Batch<T, D>& dx,
                         const Activation& below = Linear{}, const Batch<T, D>* x = nullptr) {
  detail::check_pool("avg_pool2d_gradient", dx, dy, geometry);
  const auto body = !dy.few()          ? TARN_CPU_BODY(avg_pool2d_gradient, T)
                    : geometry.tiles() ? TARN_CPU_FEW_BODY(avg_pool2d_gradient, T)
                                       : &cpu::plain::avg_pool2d_gradient<T>;
  const detail::Finish<T> finish{below, x ? x->data() : nullptr};
  detail::for_windows(dx, dy, geometry, [&](const cpu::PoolGeometry& windows, Index to, Index from, Index size) {
    body(dy.data() + from, dx.data() + to, windows);
    if (finish.any() && !dy.few()) finish(dx.data() + to, to, size);
  });
  if (finish.any() && dy.few()) activation_gradient(below, *x, dx);
}

/// y [.., out_h, out_w, c]: the largest value of each window of x [.., h, w, c]; NaN where it holds one.
template <class T, OnCpu D>
void max_pool2d(const Batch<T, D>& x, const cpu::PoolGeometry& geometry, Batch<T, D>& y) {
  detail::check_pool("max_pool2d", x, y, geometry);
  const auto body = x.few() ? TARN_CPU_FEW_BODY(max_pool2d, T) : TARN_CPU_BODY(max_pool2d, T);
  detail::for_windows(x, y, geometry, [&](const cpu::PoolGeometry& windows, Index from, Index to, Index) {
    body(x.data() + from, y.data() + to, windows);
  });
}

/// dx: dy to the largest pixel of each window, the first of equals, row by row; with `below` as in `avg_pool2d_gradient`.
template <class T, OnCpu D>
void max_pool2d_gradient(const Batch<T, D>& x, const Batch<T, D>& y, const Batch<T, D>& dy, const cpu::PoolGeometry& geometry,
                         Batch<T, D>& dx, const Activation& below = Linear{}) {
  detail::check_pool("max_pool2d_gradient", x, y, geometry);
  detail::check_pool("max_pool2d_gradient", dx, dy, geometry);
  const auto body = dy.few() ? TARN_CPU_FEW_BODY(max_pool2d_gradient, T) : TARN_CPU_BODY(max_pool2d_gradient, T);
  const detail::Finish<T> finish{below, x.data()};
  detail::for_windows(x, y, geometry, [&](const cpu::PoolGeometry& windows, Index at, Index from, Index size) {
    body(x.data() + at, y.data() + from, dy.data() + from, dx.data() + at, windows);
    if (finish.any() && !dy.few()) finish(dx.data() + at, at, size);
  });
  if (finish.any() && dy.few()) activation_gradient(below, x, dx);
}

}  // namespace tarn::ops
