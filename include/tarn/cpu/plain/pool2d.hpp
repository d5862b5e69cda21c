// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#include <tarn/cpu/geometry.hpp>

namespace tarn::cpu::plain {

/// The window of output (row, column) in each channel's plane: the pixel's channels are one Eigen column.
template <class T>
void avg_pool2d(const T* x, T* y, const PoolGeometry& g) {
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
  for (Index row = 0; row < g.out_h; ++row)
    for (Index column = 0; column < g.out_w; ++column) {
      Eigen::Map<Array> out(y + (row * g.out_w + column) * g.channels, g.channels);
      out.setZero();
      for (Index i = 0; i < g.window_h; ++i)
        for (Index j = 0; j < g.window_w; ++j) {
          const Index h = row * g.stride_h + i, w = column * g.stride_w + j;
          out += Eigen::Map<const Array>(x + (h * g.in_w + w) * g.channels, g.channels);
        }
      out /= static_cast<T>(g.window_h * g.window_w);
    }
}
template <class T>
void avg_pool2d_gradient(const T* dy, T* dx, const PoolGeometry& g) {
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
  Eigen::Map<Array>(dx, g.in_h * g.in_w * g.channels).setZero();
  for (Index row = 0; row < g.out_h; ++row)
    for (Index column = 0; column < g.out_w; ++column) {
      Eigen::Map<const Array> out(dy + (row * g.out_w + column) * g.channels, g.channels);
      for (Index i = 0; i < g.window_h; ++i)
        for (Index j = 0; j < g.window_w; ++j) {
          const Index h = row * g.stride_h + i, w = column * g.stride_w + j;
          Eigen::Map<Array>(dx + (h * g.in_w + w) * g.channels, g.channels) += out / static_cast<T>(g.window_h * g.window_w);
        }
    }
}

}  // namespace tarn::cpu::plain
