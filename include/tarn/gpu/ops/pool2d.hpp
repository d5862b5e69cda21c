// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/elementwise.hpp>
#include <tarn/ops/pool2d.hpp>

namespace tarn::ops {

/// y [.., out_h, out_w, c]: the mean of each window of x [.., h, w, c], padding not counted.
template <class T>
void avg_pool2d(const Batch<T, Gpu>& x, const cpu::PoolGeometry& geometry, Batch<T, Gpu>& y) {
  detail::check_pool("avg_pool2d", x, y, geometry);
  detail::kernel_size(x.size());
  detail::launch(gpu::kernel::avg_pool2d<T>, y.size(), x.data(), y.data(), geometry, detail::kernel_size(y.size()));
}

/// dx: dy shared evenly among the pixels of each window; with `below`, the elementwise function that x went through last, times
/// its derivative.
template <class T>
void avg_pool2d_gradient(const Batch<T, Gpu>& dy, const cpu::PoolGeometry& geometry, Batch<T, Gpu>& dx, const Activation& below,
                         const Batch<T, Gpu>* x) {
  detail::check_pool("avg_pool2d_gradient", dx, dy, geometry);
  detail::launch(gpu::kernel::avg_pool2d_gradient<T>, dx.size(), dy.data(), dx.data(), geometry, detail::kernel_size(dx.size()));
  if (x) activation_gradient(below, *x, dx);
}

/// y [.., out_h, out_w, c]: the largest value of each window of x [.., h, w, c]; NaN where it holds one.
template <class T>
void max_pool2d(const Batch<T, Gpu>& x, const cpu::PoolGeometry& geometry, Batch<T, Gpu>& y) {
  detail::check_pool("max_pool2d", x, y, geometry);
  detail::kernel_size(x.size());
  detail::launch(gpu::kernel::max_pool2d<T>, y.size(), x.data(), y.data(), geometry, detail::kernel_size(y.size()));
}

/// dx: dy to the largest pixel of each window, the first of equals, row by row; with `below` as in `avg_pool2d_gradient`.
template <class T>
void max_pool2d_gradient(const Batch<T, Gpu>& x, const Batch<T, Gpu>& y, const Batch<T, Gpu>& dy,
                         const cpu::PoolGeometry& geometry, Batch<T, Gpu>& dx, const Activation& below) {
  detail::check_pool("max_pool2d_gradient", x, y, geometry);
  detail::check_pool("max_pool2d_gradient", dx, dy, geometry);
  detail::launch(gpu::kernel::max_pool2d_gradient<T>, dx.size(), x.data(), y.data(), dy.data(), dx.data(), geometry,
                 detail::kernel_size(dx.size()));
  activation_gradient(below, x, dx);
}

}  // namespace tarn::ops
