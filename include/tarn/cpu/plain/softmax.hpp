// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/plain/elementwise.hpp>

namespace tarn::cpu::plain {

template <class T>
void softmax(const T* x, T* y, Index rows, Index classes) {
  for (Index row = 0; row < rows; ++row) {
    const auto in = elements(x + row * classes, classes);
    auto out = elements(y + row * classes, classes);
    out = (in - in.maxCoeff()).unaryExpr([](T v) { return std::exp(v); });
    out /= out.sum();
  }
}
template <class T>
void softmax_gradient(const T* y, const T* dy, T* dx, Index rows, Index classes) {
  for (Index row = 0; row < rows; ++row) {
    const auto out = elements(y + row * classes, classes), gradient = elements(dy + row * classes, classes);
    const T dot = (out * gradient).sum();
    elements(dx + row * classes, classes) = out * (gradient - dot);
  }
}

}  // namespace tarn::cpu::plain
