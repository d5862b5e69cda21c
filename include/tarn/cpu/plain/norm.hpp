// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/plain/elementwise.hpp>

// Row by row: the channels of one pixel are one Eigen array.

namespace tarn::cpu::plain {

template <class T, bool Models>
void moments(const T* x, Index groups, Index pixels, Index channels, int, const T* shift, T* sums, T* squares) {
  const auto at = elements(shift, channels);
  auto sum = elements(sums, channels), square = elements(squares, channels);
  for (Index row = 0; row < groups * pixels; ++row) {
    const auto value = elements(x + row * channels, channels);
    sum += value - at;
    square += (value - at).square();
  }
}
template <class T, bool Models>
void normalize_sums(const T* x, const T* dy, Index groups, Index pixels, Index channels, int, const T* mean, T* sums,
                    T* products) {
  const auto center = elements(mean, channels);
  auto sum = elements(sums, channels), product = elements(products, channels);
  for (Index row = 0; row < groups * pixels; ++row) {
    const auto gradient = elements(dy + row * channels, channels);
    sum += gradient;
    product += gradient * (elements(x + row * channels, channels) - center);
  }
}
template <class T, bool Models>
void normalize(const T* x, T* y, Index groups, Index pixels, Index channels, const T* mean, const T* scale, const T* offset) {
  const auto center = elements(mean, channels), factor = elements(scale, channels), term = elements(offset, channels);
  for (Index row = 0; row < groups * pixels; ++row)
    elements(y + row * channels, channels) = (elements(x + row * channels, channels) - center) * factor + term;
}
template <class T, bool Models>
void normalize_gradient(const T* x, const T* dy, T* dx, Index groups, Index pixels, Index channels, const T* mean, const T* scale,
                        const T* offset, const T* slope) {
  const auto center = elements(mean, channels), factor = elements(scale, channels), term = elements(offset, channels),
             tilt = elements(slope, channels);
  for (Index row = 0; row < groups * pixels; ++row)
    elements(dx + row * channels, channels) =
        elements(dy + row * channels, channels) * factor + (elements(x + row * channels, channels) - center) * tilt + term;
}

}  // namespace tarn::cpu::plain
