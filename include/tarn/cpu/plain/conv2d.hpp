// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <Eigen/Core>

#include <tarn/cpu/conv2d_block.hpp>
#include <tarn/cpu/geometry.hpp>

namespace tarn::cpu::plain {

/// A row-major matrix whose rows stand `stride` scalars apart; they may overlap, as the patches of neighbouring pixels do.
template <class Matrix>
auto rows_at(typename Matrix::Scalar* data, Index rows, Index columns, Index stride) {
  return Eigen::Map<Matrix, 0, Eigen::OuterStride<>>(data, rows, columns, Eigen::OuterStride<>(stride));
}
template <class Matrix>
auto rows_at(const typename Matrix::Scalar* data, Index rows, Index columns, Index stride) {
  return Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(data, rows, columns, Eigen::OuterStride<>(stride));
}

template <class T>
Index conv_tile_outputs() {
  return 64;
}

/// One product for each kernel row: the patches of the pixels that see the whole kernel, or one pixel of all samples.
template <class T, bool Models>
void conv2d(const ConvGeometry& g, const ConvBlock<T>& b) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Strides = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  const auto positions = [&](Index tile, Index sample, Index row, Index column, Index count, Index x_stride, Index y_stride) {
    const Index begin = g.out_c * tile / b.tiles, outputs = g.out_c * (tile + 1) / b.tiles - begin;
    const Index k_stride = b.packed ? outputs : b.k_stride, output_stride = b.packed ? 1 : b.output_stride;
    auto y = rows_at<Matrix>(b.y + sample * b.y_group + row * b.y_row + column * b.y_pixel + begin, count, outputs, y_stride);
    y.setZero();
    if (b.bias) y.rowwise() += Eigen::Map<const Eigen::Matrix<T, 1, Eigen::Dynamic>>(b.bias + begin, outputs);
    const Index top = row * g.stride_h - g.pad_top, left = column * g.stride_w - g.pad_left;
    const Index first = std::max<Index>(0, -left), last = std::min(g.kernel_w, g.in_w - left);
    if (first >= last) return;
    for (Index i = std::max<Index>(0, -top); i < std::min(g.kernel_h, g.in_h - top); ++i) {
      const T* weights = b.kernel + begin * (b.packed ? g.depth() : output_stride) + (i * g.kernel_w + first) * g.in_c * k_stride;
      const T* x = b.x + sample * b.x_group + ((top + i) * g.in_w + left + first) * g.in_c;
      y += rows_at<Matrix>(x, count, (last - first) * g.in_c, x_stride)
               .lazyProduct(Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic>, 0, Strides>(
                   weights, (last - first) * g.in_c, outputs, Strides(output_stride, k_stride)));
    }
  };
  const Index room = g.in_w + g.pad_left - g.kernel_w;
  const Index left = std::clamp<Index>((g.pad_left + g.stride_w - 1) / g.stride_w, 0, g.out_w);
  const Index right = g.out_w == 1 ? left : std::clamp(room < 0 ? 0 : room / g.stride_w + 1, left, g.out_w);
  for (Index tile = b.first_tile; tile < b.last_tile; ++tile)
    for (Index row = b.first_row; row < b.last_row; ++row) {
      if (left < right)
        for (Index sample = 0; sample < b.groups; ++sample)
          positions(tile, sample, row, left, right - left, g.stride_w * g.in_c, b.y_pixel);
      for (Index column = 0; column < g.out_w; ++column)
        if (column < left || column >= right) positions(tile, 0, row, column, b.groups, b.x_group, b.y_group);
    }
}

/// Packs weights [first, first + count) of all outputs for `conv2d`; `kernel` stands at the first of them.
template <class T>
void pack_kernel(const T* kernel, Index k_stride, Index output_stride, Index first, Index count, Index depth, Index outputs,
                 T* packed) {
  const Index tiles = (outputs + conv_tile_outputs<T>() - 1) / conv_tile_outputs<T>();
  for (Index i = 0; i < tiles; ++i) {
    const Index begin = outputs * i / tiles, end = outputs * (i + 1) / tiles;
    for (Index k = 0; k < count; ++k)
      for (Index o = begin; o < end; ++o)
        packed[begin * depth + (first + k) * (end - begin) + o - begin] = kernel[k * k_stride + o * output_stride];
  }
}

/// dW = x^T dy, row by row; with one pixel a sample, over all samples at once.
template <class T>
void conv2d_kernel_gradient(const KernelGradientBlock<T>& b) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Index outputs = b.last_output - b.first_output;
  auto sums = rows_at<Matrix>(b.sums + b.first_output, b.count, outputs, b.sums_row);
  if (b.overwrite) sums.setZero();
  const auto add = [&](const T* x, const T* dy, Index count, Index x_stride, Index dy_stride) {
    sums += rows_at<Matrix>(x, count, b.count, x_stride)
                .transpose()
                .lazyProduct(rows_at<Matrix>(dy + b.first_output, count, outputs, dy_stride));
  };
  if (b.rows == 1 && b.columns == 1) return add(b.x, b.dy, b.groups, b.x_group, b.dy_group);
  for (Index group = 0; group < b.groups; ++group)
    for (Index row = 0; row < b.rows; ++row)
      add(b.x + group * b.x_group + row * b.x_row, b.dy + group * b.dy_group + row * b.dy_row, b.columns, b.x_pixel, b.dy_pixel);
}

/// With one lane there is nothing to exchange.
template <class T>
void transpose_lanes(const T* in, Index pixels, Index channels, T* out) {
  std::copy_n(in, pixels * channels, out);
}

template <class T>
void sum_positions(const T* x, Index groups, Index pixels, Index channels, Index first, Index last, T* sums) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  rows_at<Matrix>(sums + first, 1, last - first, channels) =
      rows_at<Matrix>(x + first, groups * pixels, last - first, channels).colwise().sum();
}

template <class T>
void sum_parts(const T* sums, Index parts, Index part_size, Index count, T* out) {
  using Array = Eigen::Array<T, Eigen::Dynamic, 1>;
  Eigen::Map<Array> total(out, count);
  total = Eigen::Map<const Array>(sums, count);
  for (Index part = 1; part < parts; ++part) total += Eigen::Map<const Array>(sums + part * part_size, count);
}
template <class T>
void sum_parts_and_lanes(const T* sums, Index parts, Index part_size, Index count, T* out) {
  sum_parts(sums, parts, part_size, count, out);
}

}  // namespace tarn::cpu::plain
