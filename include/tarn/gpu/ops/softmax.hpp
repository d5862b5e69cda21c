// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/softmax.hpp>

namespace tarn::ops {

/// y = exp(x) / sum of exp(x) over the last axis; y may be x.
template <class T>
void softmax(const Batch<T, Gpu>& x, Batch<T, Gpu>& y) {
  detail::check_same_shape("softmax", "y", y, x);
  const auto [rows, classes] = detail::rows_of(x);
  if (x.size() == 0) return;
  const Index all = x.count() * rows;
  detail::launch_rows(gpu::kernel::softmax<T>, all, x.data(), y.data(), detail::kernel_size(all), detail::kernel_size(classes));
}

/// dx = y (dy - sum of y dy over the last axis); dx may be dy.
template <class T>
void softmax_gradient(const Batch<T, Gpu>& y, const Batch<T, Gpu>& dy, Batch<T, Gpu>& dx) {
  detail::check_same_shape("softmax_gradient", "dy", dy, y);
  detail::check_same_shape("softmax_gradient", "dx", dx, y);
  const auto [rows, classes] = detail::rows_of(y);
  if (y.size() == 0) return;
  const Index all = y.count() * rows;
  detail::launch_rows(gpu::kernel::softmax_gradient<T>, all, y.data(), dy.data(), dx.data(), detail::kernel_size(all),
                      detail::kernel_size(classes));
}

}  // namespace tarn::ops
