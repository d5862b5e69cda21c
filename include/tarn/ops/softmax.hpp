// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/softmax.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// y = exp(x) / sum of exp(x) over the last axis; y may be x. Throws ShapeError where shapes differ, as all ops do.
template <class T, OnCpu D>
void softmax(const Batch<T, D>& x, Batch<T, D>& y) {
  detail::check_same_shape("softmax", "y", y, x);
  const auto [rows, classes] = detail::rows_of(x);
  const auto body = x.few() ? TARN_CPU_FEW_BODY(softmax, T) : TARN_CPU_BODY(softmax, T);
  parallel::run(x.groups(),
                [&, rows = rows, classes = classes](Index group) { body(x.group(group), y.group(group), rows, classes); });
}

/// dx = y (dy - sum of y dy over the last axis); dx may be dy.
template <class T, OnCpu D>
void softmax_gradient(const Batch<T, D>& y, const Batch<T, D>& dy, Batch<T, D>& dx) {
  detail::check_same_shape("softmax_gradient", "dy", dy, y);
  detail::check_same_shape("softmax_gradient", "dx", dx, y);
  const auto [rows, classes] = detail::rows_of(y);
  const auto body = y.few() ? &cpu::plain::softmax_gradient<T> : TARN_CPU_BODY(softmax_gradient, T);
  parallel::run(y.groups(), [&, rows = rows, classes = classes](Index group) {
    body(y.group(group), dy.group(group), dx.group(group), rows, classes);
  });
}

}  // namespace tarn::ops
