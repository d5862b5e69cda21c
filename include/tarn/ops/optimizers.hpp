// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/elementwise.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// weights -= rate gradients.
template <class T>
void sgd(const TensorView<T, Cpu>& weights, const TensorView<const T, Cpu>& gradients, double rate) {
  detail::check_size("sgd", "gradients", gradients.size(), weights.size());
  const auto body = TARN_CPU_BODY(sgd, T);
  detail::for_ranges(weights.size(), 64, [&](Index first, Index last) {
    body(weights.data() + first, gradients.data() + first, last - first, static_cast<T>(rate));
  });
}

/// velocities = momentum velocities - rate gradients; weights += velocities.
template <class T>
void sgd_momentum(const TensorView<T, Cpu>& weights, const TensorView<T, Cpu>& velocities,
                  const TensorView<const T, Cpu>& gradients, double rate, double momentum) {
  detail::check_size("sgd_momentum", "gradients", gradients.size(), weights.size());
  detail::check_size("sgd_momentum", "velocities", velocities.size(), weights.size());
  const auto body = TARN_CPU_BODY(sgd_momentum, T);
  detail::for_ranges(weights.size(), 64, [&](Index first, Index last) {
    body(weights.data() + first, velocities.data() + first, gradients.data() + first, last - first, static_cast<T>(rate),
         static_cast<T>(momentum));
  });
}

/// Whether no element is infinite or NaN.
template <class T>
bool all_finite(const TensorView<const T, Cpu>& values) {
  return TARN_CPU_BODY(all_finite, T)(values.data(), values.size());
}

}  // namespace tarn::ops
