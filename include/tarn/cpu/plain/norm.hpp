// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>

#include <tarn/core/shape.hpp>

namespace tarn::cpu::plain {

/// The channels of one pixel, or one value a channel.
template <class T>
auto channel_row(T* data, Index channels) {
  using Row = Eigen::Array<std::remove_const_t<T>, Eigen::Dynamic, 1>;
  return Eigen::Map<std::conditional_t<std::is_const_v<T>, const Row, Row>>(data, channels);
}

template <class T>
void moments(const T* x, Index groups, Index pixels, Index channels, int, const T* shift, T* sums, T* squares) {
  const auto at = channel_row(shift, channels);
  auto sum = channel_row(sums, channels), square = channel_row(squares, channels);
  for (Index row = 0; row < groups * pixels; ++row) {
    const auto value = channel_row(x + row * channels, channels);
    sum += value - at;
    square += (value - at).square();
  }
}
template <class T>
void normalize_sums(const T* x, const T* dy, Index groups, Index pixels, Index channels, int, const T* mean, T* sums,
                    T* products) {
  const auto center = channel_row(mean, channels);
  auto sum = channel_row(sums, channels), product = channel_row(products, channels);
  for (Index row = 0; row < groups * pixels; ++row) {
    const auto gradient = channel_row(dy + row * channels, channels);
    sum += gradient;
    product += gradient * (channel_row(x + row * channels, channels) - center);
  }
}
template <class T>
void normalize(const T* x, T* y, Index groups, Index pixels, Index channels, const T* mean, const T* scale, const T* offset) {
  const auto center = channel_row(mean, channels), factor = channel_row(scale, channels), term = channel_row(offset, channels);
  for (Index row = 0; row < groups * pixels; ++row)
    channel_row(y + row * channels, channels) = (channel_row(x + row * channels, channels) - center) * factor + term;
}
template <class T>
void normalize_gradient(const T* x, const T* dy, T* dx, Index groups, Index pixels, Index channels, const T* mean, const T* scale,
                        const T* offset, const T* slope) {
  const auto center = channel_row(mean, channels), factor = channel_row(scale, channels), term = channel_row(offset, channels),
             tilt = channel_row(slope, channels);
  for (Index row = 0; row < groups * pixels; ++row)
    channel_row(dx + row * channels, channels) =
        channel_row(dy + row * channels, channels) * factor + (channel_row(x + row * channels, channels) - center) * tilt + term;
}

}  // namespace tarn::cpu::plain
