// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <tarn/core/shape.hpp>

namespace tarn::cpu::plain {

template <class T>
void softmax(const T* x, T* y, Index rows, Index classes) {
  for (Index row = 0; row < rows; ++row, x += classes, y += classes) {
    const T highest = *std::max_element(x, x + classes);
    T total = 0;
    for (Index k = 0; k < classes; ++k) total += y[k] = std::exp(x[k] - highest);
    for (Index k = 0; k < classes; ++k) y[k] /= total;
  }
}
template <class T>
void softmax_gradient(const T* y, const T* dy, T* dx, Index rows, Index classes) {
  for (Index row = 0; row < rows; ++row, y += classes, dy += classes, dx += classes) {
    T dot = 0;
    for (Index k = 0; k < classes; ++k) dot += y[k] * dy[k];
    for (Index k = 0; k < classes; ++k) dx[k] = y[k] * (dy[k] - dot);
  }
}

}  // namespace tarn::cpu::plain
