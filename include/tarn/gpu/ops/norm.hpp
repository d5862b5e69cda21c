// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/elementwise.hpp>
#include <tarn/ops/norm.hpp>

namespace tarn::ops {

/// mean[c] and (biased) variance[c] of x over the batch and all but the last axis; both are 0 for an empty batch.
template <class T>
void moments(const Batch<T, Gpu>& x, const TensorView<T, Gpu>& mean, const TensorView<T, Gpu>& variance,
             const TensorView<T, Gpu>& scratch) {
  const auto [sample_rows, channels] = detail::rows_of(x);
  detail::check_size("moments", "mean", mean.size(), channels);
  detail::check_size("moments", "variance", variance.size(), channels);
  detail::check_scratch("moments", scratch, norm_scratch(channels));
  static_assert(gpu::moment_scalars <= 6);
  if (channels == 0) return;
  gpu::Context& context = gpu::Context::current();
  if (x.size() == 0) {
    for (const auto& values : {mean, variance}) context.zero(values.data(), static_cast<std::size_t>(channels) * sizeof(T));
    return;
  }
  const unsigned rows = detail::kernel_size(x.count() * sample_rows), width = detail::kernel_size(channels);
  detail::kernel_size(x.size());
  const auto [parts, grid] = detail::channel_parts(rows, channels);
  context.launch(gpu::kernel::moments_parts<T>, grid, x.data(), rows, width, scratch.data());
  detail::launch(gpu::kernel::moments<T>, channels, x.data(), scratch.data(), parts, mean.data(), variance.data(), width);
}

/// value += share (target - value): one step of a moving average, share in [0, 1].
template <class T>
void move_towards(const TensorView<T, Gpu>& value, const TensorView<const T, Gpu>& target, double share) {
  detail::check_size("move_towards", "target", target.size(), value.size());
  detail::launch(gpu::kernel::move_towards<T>, value.size(), value.data(), target.data(), static_cast<T>(share),
                 detail::kernel_size(value.size()));
}

/// y = (x - mean) / sqrt(variance + epsilon) gamma + beta, a channel of the last axis. The scratch is not needed here.
template <class T>
void normalize(const Batch<T, Gpu>& x, const TensorView<const T, Gpu>& mean, const TensorView<const T, Gpu>& variance,
               double epsilon, const TensorView<const T, Gpu>& gamma, const TensorView<const T, Gpu>& beta, Batch<T, Gpu>& y,
               const TensorView<T, Gpu>&) {
  const Index channels = detail::rows_of(x).channels;
  detail::check_same_shape("normalize", "y", y, x);
  for (const auto& values : {mean, variance, gamma, beta})
    detail::check_size("normalize", "a value a channel", values.size(), channels);
  detail::launch(gpu::kernel::normalize<T>, x.size(), x.data(), mean.data(), variance.data(), static_cast<T>(epsilon),
                 gamma.data(), beta.data(), y.data(), detail::kernel_size(x.size()), detail::kernel_size(channels));
}

/// dx = dy gamma / sqrt(variance + epsilon), a channel: the gradient where mean and variance do not depend on x.
template <class T>
void normalize_input_gradient(const Batch<T, Gpu>& dy, const TensorView<const T, Gpu>& variance, double epsilon,
                              const TensorView<const T, Gpu>& gamma, Batch<T, Gpu>& dx, const TensorView<T, Gpu>&) {
  const Index channels = detail::rows_of(dy).channels;
  detail::check_same_shape("normalize", "y", dx, dy);
  for (const auto& values : {variance, gamma}) detail::check_size("normalize", "a value a channel", values.size(), channels);
  detail::launch(gpu::kernel::normalize<T>, dy.size(), dy.data(), nullptr, variance.data(), static_cast<T>(epsilon), gamma.data(),
                 nullptr, dx.data(), detail::kernel_size(dy.size()), detail::kernel_size(channels));
}

/// The gradients of `normalize` where mean and variance are those of x itself: dgamma, dbeta, and dx where it is wanted; with
/// `below`, the elementwise function that x went through last, times its derivative.
template <class T>
void normalize_gradient(const Batch<T, Gpu>& x, const Batch<T, Gpu>& dy, const TensorView<const T, Gpu>& mean,
                        const TensorView<const T, Gpu>& variance, double epsilon, const TensorView<const T, Gpu>& gamma,
                        const TensorView<T, Gpu>& dgamma, const TensorView<T, Gpu>& dbeta, Batch<T, Gpu>* dx,
                        const TensorView<T, Gpu>& scratch, const Activation& below) {
  const auto [sample_rows, channels] = detail::rows_of(x);
  detail::check_same_shape("normalize_gradient", "dy", dy, x);
  if (dx) detail::check_same_shape("normalize_gradient", "dx", *dx, x);
  for (const auto& values : {mean, variance, gamma})
    detail::check_size("normalize_gradient", "a value a channel", values.size(), channels);
  for (const auto& values : {dgamma, dbeta})
    detail::check_size("normalize_gradient", "a value a channel", values.size(), channels);
  detail::check_scratch("normalize_gradient", scratch, norm_scratch(channels));
  if (channels == 0) return;
  gpu::Context& context = gpu::Context::current();
  if (x.size() == 0) {
    for (const auto& values : {dgamma, dbeta}) context.zero(values.data(), static_cast<std::size_t>(channels) * sizeof(T));
    return;
  }
  const unsigned rows = detail::kernel_size(x.count() * sample_rows), width = detail::kernel_size(channels);
  const unsigned size = detail::kernel_size(x.size());
  const auto [parts, grid] = detail::channel_parts(rows, channels);
  T* const totals = scratch.data() + parallel::max_sum_parts * gpu::gradient_sum_scalars * channels;  // behind the parts
  context.launch(gpu::kernel::normalize_gradient_parts<T>, grid, x.data(), dy.data(), mean.data(), rows, width, scratch.data());
  detail::launch(gpu::kernel::normalize_parameter_gradients<T>, channels, scratch.data(), parts, variance.data(),
                 static_cast<T>(epsilon), dgamma.data(), dbeta.data(), totals, width);
  if (!dx) return;
  detail::launch(gpu::kernel::normalize_gradient<T>, x.size(), x.data(), dy.data(), mean.data(), variance.data(),
                 static_cast<T>(epsilon), gamma.data(), totals, dx->data(), size, width);
  activation_gradient(below, x, *dx);
}

}  // namespace tarn::ops
