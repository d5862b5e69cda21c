// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#include <tarn/core/tensor.hpp>

namespace tarn::cpu::plain {

template <class T>
void softmax(const T* x, T* y, Index rows, Index classes) {
  for (Index row = 0; row < rows; ++row) {
    const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> in(x + row * classes, classes);
    Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>> out(y + row * classes, classes);
    out = (in - in.maxCoeff()).unaryExpr([](T v) { return std::exp(v); });
    out /= out.sum();
  }
}
template <class T>
void softmax_gradient(const T* y, const T* dy, T* dx, Index rows, Index classes) {
  for (Index row = 0; row < rows; ++row) {
    const Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>> out(y + row * classes, classes),
        gradient(dy + row * classes, classes);
    const T dot = (out * gradient).sum();
    Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>(dx + row * classes, classes) = out * (gradient - dot);
  }
}

}  // namespace tarn::cpu::plain
