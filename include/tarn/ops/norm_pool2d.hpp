// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/ops/norm.hpp>
#include <tarn/ops/pool2d.hpp>

namespace tarn::ops {

/// `normalize`, then `avg_pool2d`, in the other order: pooled = the mean of each window of x, y = pooled normalised. The
/// statistics are those of x. x [batch, h, w, c], pooled and y [batch, out_h, out_w, c].
template <class T, OnCpu D>
void pool_and_normalize(const Batch<T, D>& x, const cpu::PoolGeometry& windows, const TensorView<const T, D>& mean,
                        const TensorView<const T, D>& variance, double epsilon, const TensorView<const T, D>& gamma,
                        const TensorView<const T, D>& beta, Batch<T, D>& pooled, Batch<T, D>& y,
                        const TensorView<T, D>& scratch) {
  avg_pool2d(x, windows, pooled);
  normalize(std::as_const(pooled), mean, variance, epsilon, gamma, beta, y, scratch);
}

/// The gradients of the above: dgamma = sum dy (pooled - mean) / sqrt(variance + epsilon), dbeta = sum dy, and dx where it is
/// wanted, from dy shared among the cells of each window. dx goes group by group, while that is in the cache.
template <class T, OnCpu D>
void pool_and_normalize_gradient(const Batch<T, D>& x, const Batch<T, D>& pooled, const cpu::PoolGeometry& windows,
                                 const Batch<T, D>& dy, const TensorView<const T, D>& mean,
                                 const TensorView<const T, D>& variance, double epsilon, const TensorView<const T, D>& gamma,
                                 const TensorView<T, D>& dgamma, const TensorView<T, D>& dbeta, Batch<T, D>* dx,
                                 const TensorView<T, D>& scratch) {
  const auto [rows, channels] = detail::rows_of(x);
  const auto slopes = detail::normalize_parameter_gradients(pooled, dy, static_cast<double>(x.count() * rows), mean, variance,
                                                            epsilon, gamma, dgamma, dbeta, scratch);
  if (!dx) return;
  detail::check_pool("pool_and_normalize_gradient", *dx, dy, windows);
  detail::check_shape("pool_and_normalize_gradient", "dx", dx->shape(), x.shape());
  const auto pool = TARN_CPU_BODY(avg_pool2d_gradient, T);
  const auto normalize = TARN_CPU_BODY(normalize_gradient, T, detail::models<D>);
  parallel::run(x.groups(), [&, rows = rows, channels = channels](Index group) {
    T* const to = dx->group(group);
    pool(dy.group(group), to, windows);
    normalize(x.group(group), to, to, 1, rows, channels, mean.data(), slopes.scale, slopes.offset, slopes.slope);
  });
}

}  // namespace tarn::ops
