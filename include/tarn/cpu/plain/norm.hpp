// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <tarn/cpu/plain/pool2d.hpp>

namespace tarn::cpu::plain {

template <class T, bool Models>
void moments(const T* x, Index groups, Index pixels, Index channels, int, const T* shift, T* sums, T* squares) {
  for (Index row = 0; row < groups * pixels; ++row)
    for (Index c = 0; c < channels; ++c) {
      const T value = x[row * channels + c] - shift[c];
      sums[c] += value;
      squares[c] += value * value;
    }
}
template <class T, bool Models>
void normalize_sums(const T* x, const T* dy, Index groups, Index pixels, Index channels, int, const T* mean, T* sums,
                    T* products) {
  for (Index row = 0; row < groups * pixels; ++row)
    for (Index c = 0; c < channels; ++c) {
      const Index i = row * channels + c;
      sums[c] += dy[i];
      products[c] += dy[i] * (x[i] - mean[c]);
    }
}
template <class T>
void normalize_scale(const T* variance, const T* gamma, T epsilon, Index size, T* scale) {
  for (Index i = 0; i < size; ++i) scale[i] = gamma[i] / std::sqrt(variance[i] + epsilon);
}
template <class T, bool Models>
void normalize(const T* x, T* y, Index groups, Index pixels, Index channels, const T* mean, const T* scale, const T* offset) {
  for (Index row = 0; row < groups * pixels; ++row)
    for (Index c = 0; c < channels; ++c) y[row * channels + c] = (x[row * channels + c] - mean[c]) * scale[c] + offset[c];
}
template <class T, bool Models>
void normalize_gradient(const T* x, const T* dy, T* dx, Index groups, Index pixels, Index channels, const T* mean, const T* scale,
                        const T* offset, const T* slope) {
  for (Index row = 0; row < groups * pixels; ++row)
    for (Index c = 0; c < channels; ++c) {
      const Index i = row * channels + c;
      dx[i] = dy[i] * scale[c] + (x[i] - mean[c]) * slope[c] + offset[c];
    }
}
template <class T, bool Models>
void normalize_pooled_gradient(const T* x, const T* dy, T* dx, const PoolGeometry& g, const T* mean, const T* scale,
                               const T* offset, const T* slope) {
  avg_pool2d_gradient(dy, dx, g);
  normalize_gradient<T, Models>(x, dx, dx, 1, g.in_h * g.in_w, g.channels, mean, scale, offset, slope);
}

}  // namespace tarn::cpu::plain
