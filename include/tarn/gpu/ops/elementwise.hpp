// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/copy.hpp>
#include <tarn/gpu/ops/softmax.hpp>

namespace tarn::ops {

/// y = f(x); y may be x.
template <class T>
void activate(const Activation& f, const Batch<T, Gpu>& x, Batch<T, Gpu>& y) {
  if (!f.is_elementwise()) return softmax(x, y);
  detail::check_same_shape("activate", "y", y, x);
  if (f.kind() == Activation::Kind::linear) return x.data() == y.data() ? void() : copy(x, y);
  detail::launch(gpu::kernel::activate<T>, x.size(), f.kind(), static_cast<T>(f.slope()), x.data(), nullptr, y.data(),
                 detail::kernel_size(x.size()), 1U);
}

/// dx = dy f'(z), from y = f(z): dL/dy becomes dL/dz. dx may be dy.
template <class T>
void activation_gradient(const Activation& f, const Batch<T, Gpu>& y, const Batch<T, Gpu>& dy, Batch<T, Gpu>& dx) {
  if (!f.is_elementwise()) return softmax_gradient(y, dy, dx);
  detail::check_same_shape("activation_gradient", "dy", dy, y);
  detail::check_same_shape("activation_gradient", "dx", dx, y);
  if (f.kind() == Activation::Kind::linear) return dx.data() == dy.data() ? void() : copy(dy, dx);
  detail::launch(gpu::kernel::activation_gradient<T>, y.size(), f.kind(), static_cast<T>(f.slope()), y.data(), dy.data(),
                 dx.data(), detail::kernel_size(y.size()));
}
/// dy *= f'(z) in place.
template <class T>
void activation_gradient(const Activation& f, const Batch<T, Gpu>& y, Batch<T, Gpu>& dy) {
  activation_gradient(f, y, dy, dy);
}

/// sums[c] = the sum of x over the batch and all but the last axis: the gradient of a bias.
template <class T>
void sum_rows(const Batch<T, Gpu>& x, const TensorView<T, Gpu>& sums) {
  const auto [sample_rows, channels] = detail::rows_of(x);
  const Index rows = x.count() * sample_rows;
  detail::check_size("sum_rows", "sums", sums.size(), channels);
  if (channels == 0) return;
  gpu::Context& context = gpu::Context::current();
  if (rows == 0) return context.zero(sums.data(), static_cast<std::size_t>(channels) * sizeof(T));
  const auto [parts, grid] = detail::channel_parts(rows, channels);
  void* const scratch = context.scratch(sizeof(T) * parts * static_cast<std::size_t>(gpu::sum_scalars * channels));
  const unsigned width = detail::kernel_size(channels);
  detail::kernel_size(x.size());
  context.launch(gpu::kernel::sum_rows<T>, grid, scratch, x.data(), detail::kernel_size(rows), width);
  detail::launch(gpu::kernel::finish_sums<T>, channels, scratch, parts, sums.data(), width);
}

}  // namespace tarn::ops
