// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/cpu/conv2d_block.hpp>
#include <tarn/cpu/geometry.hpp>

namespace tarn::cpu::plain {

template <class T>
Index conv_tile_outputs() {
  return 64;
}

/// One output pixel after another: bias, then a product of patch and weights for each kernel row that lies inside.
template <class T, bool Models>
void conv2d(const ConvGeometry& g, const ConvBlock<T>& b) {
  const auto pixel = [&](Index tile, Index sample, Index row, Index column) {
    const Index begin = g.out_c * tile / b.tiles, outputs = g.out_c * (tile + 1) / b.tiles - begin;
    const Index k_stride = b.packed ? outputs : b.k_stride, output_stride = b.packed ? 1 : b.output_stride;
    T* const y = b.y + sample * b.y_group + row * b.y_row + column * b.y_pixel + begin;
    for (Index o = 0; o < outputs && !b.accumulate; ++o) y[o] = b.bias ? b.bias[begin + o] : T(0);
    const Index top = row * g.stride_h - g.pad_top, left = column * g.stride_w - g.pad_left;
    const Index first = std::max<Index>(0, -left), last = std::min(g.kernel_w, g.in_w - left);
    for (Index i = std::max<Index>(0, -top); i < std::min(g.kernel_h, g.in_h - top); ++i) {
      const T* weights = b.kernel + begin * (b.packed ? g.depth() : output_stride) + (i * g.kernel_w + first) * g.in_c * k_stride;
      const T* x = b.x + sample * b.x_group + ((top + i) * g.in_w + left + first) * g.in_c;
      for (Index k = 0; k < (last - first) * g.in_c; ++k, weights += k_stride)
        for (Index o = 0; o < outputs; ++o) y[o] += x[k] * weights[o * output_stride];
    }
  };
  for (Index tile = b.first_tile; tile < b.last_tile; ++tile)
    for (Index sample = 0; sample < b.groups; ++sample)
      for (Index row = b.first_row; row < b.last_row; ++row)
        for (Index column = 0; column < g.out_w; ++column) pixel(tile, sample, row, column);
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

template <class T>
Index kernel_gradient_tile_weights() {
  return 12;
}

/// dW = x^T dy, pixel by pixel.
template <class T>
void conv2d_kernel_gradient(const KernelGradientBlock<T>& b) {
  for (Index k = 0; b.overwrite && k < b.count; ++k)
    std::fill(b.sums + k * b.sums_row + b.first_output, b.sums + k * b.sums_row + b.last_output, T(0));
  for (Index group = 0; group < b.groups; ++group)
    for (Index row = 0; row < b.rows; ++row)
      for (Index column = 0; column < b.columns; ++column) {
        const T* x = b.x + group * b.x_group + row * b.x_row + column * b.x_pixel;
        const T* dy = b.dy + group * b.dy_group + row * b.dy_row + column * b.dy_pixel;
        for (Index k = 0; k < b.count; ++k)
          for (Index o = b.first_output; o < b.last_output; ++o) b.sums[k * b.sums_row + o] += x[k] * dy[o];
      }
}

/// dx[sample][in] = dy[sample][out] times W[in][out], for inputs [first, last) of `inputs`.
template <class T>
void dense_input_gradient(const T* kernel, Index inputs, Index outputs, Index first, Index last, const T* dy, Index samples,
                          T* dx) {
  for (Index sample = 0; sample < samples; ++sample)
    for (Index in = first; in < last; ++in) {
      T& total = dx[sample * inputs + in] = 0;
      for (Index o = 0; o < outputs; ++o) total += kernel[in * outputs + o] * dy[sample * outputs + o];
    }
}
/// A matrix [rows][columns] to [column][row], rows `width` apart.
template <class T>
void transpose_rows(const T* in, Index rows, Index columns, Index width, T* out) {
  for (Index row = 0; row < rows; ++row)
    for (Index column = 0; column < columns; ++column) out[column * width + row] = in[row * columns + column];
}
/// dx += what each pixel of dy gives to those under the kernel [kernel row][output][run], in rows [first_row, last_row) of dx, which
/// has its padding.
template <class T>
void conv2d_input_gradient(const ConvGeometry& g, const T* dy, const T* kernel, Index first_row, Index last_row, T* dx) {
  for (Index pixel = 0; pixel < g.pixels(); ++pixel)
    for (Index i = 0; i < g.kernel_h; ++i) {
      const Index row = pixel / g.out_w * g.stride_h + i, column = pixel % g.out_w * g.stride_w;
      for (Index o = 0; row >= first_row && row < last_row && o < g.out_c; ++o)
        for (Index k = 0; k < g.run(); ++k)
          dx[(row * g.in_w + column) * g.in_c + k] += dy[pixel * g.out_c + o] * kernel[(i * g.out_c + o) * g.run() + k];
    }
}

/// A sample is as it is anywhere else.
template <class T>
bool takes_planes(const ConvGeometry&) {
  return false;
}

/// With one lane there is nothing to exchange.
template <class T>
void transpose_lanes(const T* in, Index pixels, Index channels, T* out) {
  std::copy_n(in, pixels * channels, out);
}

template <class T>
void sum_transposed(const T* dy, Index pixels, Index dy_pixel, Index first, Index last, bool overwrite, T* sums) {
  if (overwrite) std::fill(sums + first, sums + last, T(0));
  for (Index pixel = 0; pixel < pixels; ++pixel)
    for (Index o = first; o < last; ++o) sums[o] += dy[pixel * dy_pixel + o];
}

template <class T>
void sum_positions(const T* x, Index groups, Index pixels, Index channels, Index first, Index last, T* sums) {
  std::fill(sums + first, sums + last, T(0));
  for (Index position = 0; position < groups * pixels; ++position)
    for (Index c = first; c < last; ++c) sums[c] += x[position * channels + c];
}

template <class T>
void sum_taps(const T* dz, const T*, const ConvGeometry& g, Index row, T* sums) {
  for (Index tap = 0; tap < g.kernel_h * g.kernel_w; ++tap) {
    const Index h = row * g.stride_h + tap / g.kernel_w - g.pad_top;
    for (Index column = 0; column < g.out_w; ++column) {
      const Index w = column * g.stride_w + tap % g.kernel_w - g.pad_left;
      const bool inside = h >= 0 && h < g.in_h && w >= 0 && w < g.in_w;
      for (Index o = 0; inside && o < g.out_c; ++o) sums[tap * g.out_c + o] += dz[column * g.out_c + o];
    }
  }
}

template <class T>
void sum_parts(const T* sums, Index parts, Index part_size, Index count, T* out) {
  std::copy_n(sums, count, out);
  for (Index part = 1; part < parts; ++part)
    for (Index i = 0; i < count; ++i) out[i] += sums[part * part_size + i];
}
template <class T>
void sum_parts_and_lanes(const T* sums, Index parts, Index part_size, Index count, T* out) {
  sum_parts(sums, parts, part_size, count, out);
}

}  // namespace tarn::cpu::plain
