// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/plain/elementwise.hpp>

namespace tarn::cpu::plain {

/// The window of output (row, column) in each channel's plane: the pixel's channels are one Eigen array.
template <class T>
void avg_pool2d(const T* x, T* y, const PoolGeometry& g) {
  for (Index row = 0; row < g.out_h; ++row)
    for (Index column = 0; column < g.out_w; ++column) {
      auto out = elements(y + (row * g.out_w + column) * g.channels, g.channels);
      out.setZero();
      for (Index i = 0; i < g.window_h; ++i)
        for (Index j = 0; j < g.window_w; ++j) {
          const Index h = row * g.stride_h + i, w = column * g.stride_w + j;
          out += elements(x + (h * g.in_w + w) * g.channels, g.channels);
        }
      out /= static_cast<T>(g.window_h * g.window_w);
    }
}
template <class T>
void avg_pool2d_gradient(const T* dy, T* dx, const PoolGeometry& g) {
  elements(dx, g.in_h * g.in_w * g.channels).setZero();
  for (Index row = 0; row < g.out_h; ++row)
    for (Index column = 0; column < g.out_w; ++column) {
      const auto out = elements(dy + (row * g.out_w + column) * g.channels, g.channels);
      for (Index i = 0; i < g.window_h; ++i)
        for (Index j = 0; j < g.window_w; ++j) {
          const Index h = row * g.stride_h + i, w = column * g.stride_w + j;
          elements(dx + (h * g.in_w + w) * g.channels, g.channels) += out / static_cast<T>(g.window_h * g.window_w);
        }
    }
}

}  // namespace tarn::cpu::plain
