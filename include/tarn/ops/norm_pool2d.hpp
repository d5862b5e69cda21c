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
  if (detail::NormPlan<T, D>{x}.pieces > 1) {
    moments(x, mean, variance, scratch);
    return avg_pool2d(x, windows, pooled);
  }
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
  detail::check_same_shape("normalize_pooled_gradient", "dx", *dx, x);
  const detail::Finish<T> finish{below, x.data()};
  const auto body = TARN_CPU_BODY(normalize_pooled_gradient, T, detail::models<D>);
  const auto pool = TARN_CPU_BODY(avg_pool2d_gradient, T);
  const auto normalize = TARN_CPU_BODY(normalize_gradient, T, detail::models<D>);
  detail::for_windows(x, dy, windows, [&, channels = channels](const cpu::PoolGeometry& part, Index at, Index from, Index size) {
    T* const to = dx->data() + at;
    if (windows.tiles()) {
      body(x.data() + at, dy.data() + from, to, part, mean.data(), slopes.scale, slopes.offset, slopes.slope);
    } else {
      pool(dy.data() + from, to, part);
      normalize(x.data() + at, to, to, 1, part.in_h * part.in_w, channels, mean.data(), slopes.scale, slopes.offset,
                slopes.slope);
    }
    if (finish.any()) finish(to, at, size);
  });
}

}  // namespace tarn::ops
