// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/join.hpp>

namespace tarn::ops {

/// y += x.
template <class T>
void add(const Batch<T, Gpu>& x, Batch<T, Gpu>& y) {
  detail::check_same_shape("add", "y", y, x);
  detail::launch(gpu::kernel::add<T>, x.size(), x.data(), y.data(), detail::kernel_size(x.size()));
}

/// Writes x [.., c] into the channels first .. first + c - 1 of y.
template <class T>
void put_channels(const Batch<T, Gpu>& x, Index first, Batch<T, Gpu>& y) {
  detail::check_channels("put_channels", x, first, y);
  detail::kernel_size(y.size());
  detail::launch(gpu::kernel::put_channels<T>, x.size(), x.data(), y.data(), detail::kernel_size(x.size()),
                 detail::kernel_size(detail::rows_of(x).channels), detail::kernel_size(detail::rows_of(y).channels),
                 detail::kernel_size(first));
}

/// y [.., c] = the channels first .. first + c - 1 of x; with `accumulate` y += them.
template <class T>
void take_channels(const Batch<T, Gpu>& x, Index first, Batch<T, Gpu>& y, bool accumulate) {
  detail::check_channels("take_channels", y, first, x);
  detail::kernel_size(x.size());
  detail::launch(gpu::kernel::take_channels<T>, y.size(), x.data(), y.data(), detail::kernel_size(y.size()),
                 detail::kernel_size(detail::rows_of(y).channels), detail::kernel_size(detail::rows_of(x).channels),
                 detail::kernel_size(first), accumulate);
}

}  // namespace tarn::ops
