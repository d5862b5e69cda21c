// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#include <tarn/core/tensor.hpp>

namespace tarn::cpu::plain {

/// Samples and pixels as rows, channels as columns.
template <class T>
auto channel_rows(T* data, Index rows, Index channels) {
  return matrix(TensorView<T>{data, {rows, channels}});
}
template <class T>
auto channel_row(const T* data, Index channels) {
  return Eigen::Map<const Eigen::Matrix<T, 1, Eigen::Dynamic>>(data, channels);
}
template <class T>
auto channel_row(T* data, Index channels) {
  return Eigen::Map<Eigen::Matrix<T, 1, Eigen::Dynamic>>(data, channels);
}

template <class T>
void moments(const T* x, Index groups, Index pixels, Index channels, int, const T* shift, T* sums, T* squares) {
  const auto d = channel_rows(x, groups * pixels, channels).rowwise() - channel_row(shift, channels);
  channel_row(sums, channels) += d.colwise().sum();
  channel_row(squares, channels) += d.cwiseAbs2().colwise().sum();
}
template <class T>
void normalize_sums(const T* x, const T* dy, Index groups, Index pixels, Index channels, int, const T* mean, T* sums,
                    T* products) {
  const auto gradient = channel_rows(dy, groups * pixels, channels);
  const auto d = channel_rows(x, groups * pixels, channels).rowwise() - channel_row(mean, channels);
  channel_row(sums, channels) += gradient.colwise().sum();
  channel_row(products, channels) += gradient.cwiseProduct(d).colwise().sum();
}
template <class T>
void normalize(const T* x, T* y, Index groups, Index pixels, Index channels, const T* mean, const T* scale, const T* offset) {
  const auto d = (channel_rows(x, groups * pixels, channels).rowwise() - channel_row(mean, channels)).array();
  channel_rows(y, groups * pixels, channels) =
      ((d.rowwise() * channel_row(scale, channels).array()).rowwise() + channel_row(offset, channels).array()).matrix();
}
template <class T>
void normalize_gradient(const T* x, const T* dy, T* dx, Index groups, Index pixels, Index channels, const T* mean, const T* scale,
                        const T* offset, const T* slope) {
  const auto d = (channel_rows(x, groups * pixels, channels).rowwise() - channel_row(mean, channels)).array();
  const auto gradient = channel_rows(dy, groups * pixels, channels).array();
  channel_rows(dx, groups * pixels, channels) =
      ((gradient.rowwise() * channel_row(scale, channels).array() + d.rowwise() * channel_row(slope, channels).array())
           .rowwise() +
       channel_row(offset, channels).array())
          .matrix();
}

}  // namespace tarn::cpu::plain
