// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/ops/norm.hpp>
#include <tarn/ops/pool2d.hpp>

namespace tarn::ops {

// A mean of normalised values is the normalised mean, of which there are fewer: `normalize` and the `avg_pool2d` behind it change
// places.

/// mean[c] and variance[c] of x as by `moments`, and the mean of each window, to be normalised by them.
/// x [batch, h, w, c], pooled [batch, out_h, out_w, c].
template <class T, OnCpu D>
void moments_and_pool(const Batch<T, D>& x, const cpu::PoolGeometry& windows, const TensorView<T, D>& mean,
                      const TensorView<T, D>& variance, Batch<T, D>& pooled, const TensorView<T, D>& scratch) {
  detail::check_pool("moments_and_pool", x, pooled, windows);
  const auto pool = TARN_CPU_BODY(avg_pool2d, T);
  detail::moments(x, mean, variance, scratch, [&](Index group) { pool(x.group(group), pooled.group(group), windows); });
}

/// The gradients of both, y = normalize(pooled): dgamma = sum dy (pooled - mean) / sqrt(variance + epsilon), dbeta = sum dy, and dx where it is
/// wanted, from dy shared among the cells of each window, and as in `normalize_gradient`. dx goes by rows of windows, while those
/// are in the cache.
template <class T, OnCpu D>
void normalize_pooled_gradient(const Batch<T, D>& x, const Batch<T, D>& pooled, const cpu::PoolGeometry& windows,
                               const Batch<T, D>& dy, const TensorView<const T, D>& mean, const TensorView<const T, D>& variance,
                               double epsilon, const TensorView<const T, D>& gamma, const TensorView<T, D>& dgamma,
                               const TensorView<T, D>& dbeta, Batch<T, D>* dx, const TensorView<T, D>& scratch,
                               const Activation& below = Linear{}) {
  const auto [rows, channels] = detail::rows_of(x);
  const auto slopes = detail::normalize_parameter_gradients(pooled, dy, static_cast<double>(x.count() * rows), mean, variance,
                                                            epsilon, gamma, dgamma, dbeta, scratch);
  if (!dx) return;
  detail::check_pool("normalize_pooled_gradient", *dx, dy, windows);
  detail::check_shape("normalize_pooled_gradient", "dx", dx->shape(), x.shape());
  const auto pool = TARN_CPU_BODY(avg_pool2d_gradient, T);
  const auto normalize = TARN_CPU_BODY(normalize_gradient, T, detail::models<D>);
  const detail::Finish<T> finish{below, x.data()};
  // Rows of windows that neither overlap nor leave gaps are poolings of their own; the last one has what is left of the image.
  const bool apart = windows.stride_h == windows.window_h && windows.pad_top == 0 && windows.out_h > 0;
  const Index parts = apart ? windows.out_h : 1, line = windows.in_w * windows.channels * x.lanes();
  const Index pooled_line = windows.out_w * windows.channels * x.lanes();
  parallel::run(x.groups(), [&, channels = channels](Index group) {
    for (Index part = 0; part < parts; ++part) {
      cpu::PoolGeometry some = windows;
      const Index row = part * windows.stride_h;
      if (apart) {
        some.in_h = part + 1 < parts ? windows.stride_h : windows.in_h - row;
        some.out_h = 1;
      }
      const Index offset = group * x.group_size() + row * line;
      T* const to = dx->data() + offset;
      pool(dy.group(group) + part * pooled_line, to, some);
      normalize(x.data() + offset, to, to, 1, some.in_h * some.in_w, channels, mean.data(), slopes.scale, slopes.offset,
                slopes.slope);
      if (finish.any()) finish(to, offset, some.in_h * line);
    }
  });
}

}  // namespace tarn::ops
