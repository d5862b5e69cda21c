// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/pool2d.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// y [.., out_h, out_w, c]: the mean of each window of x [.., h, w, c].
template <class T>
void average_pool2d(const Batch<T, Cpu>& x, const cpu::PoolGeometry& geometry, Batch<T, Cpu>& y) {
  const auto body = TARN_CPU_BODY(average_pool2d, T);
  parallel::run(x.groups(), [&](Index group) { body(x.group(group), y.group(group), geometry); });
}

/// dx: dy shared evenly among the pixels of each window.
template <class T>
void average_pool2d_gradient(const Batch<T, Cpu>& dy, const cpu::PoolGeometry& geometry, Batch<T, Cpu>& dx) {
  const auto body = TARN_CPU_BODY(average_pool2d_gradient, T);
  parallel::run(dy.groups(), [&](Index group) { body(dy.group(group), dx.group(group), geometry); });
}

}  // namespace tarn::ops
