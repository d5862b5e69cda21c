// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/shape.hpp>

namespace tarn::cpu {

/// What one call of a convolution's body computes: output rows [first_row, last_row) of `groups` groups, and those outputs that
/// are in tiles [first_tile, last_tile). Of `tiles` even pieces, tile i begins at output out_c * i / tiles.
/// Weight k = (kernel row, kernel column, input channel) of output o stands at kernel[k * k_stride + o * output_stride]. Or the
/// kernel is packed, tile after tile: [k][outputs of the tile]. Sums begin with `bias`, [out_c] or null for zeros, or with what y
/// holds. Neighbouring outputs of y stand `y_pixel` apart, rows `y_row`. Strides are in scalars.
template <class T>
struct ConvBlock {
  const T* x;
  Index x_group, groups;
  const T* kernel;
  bool packed;
  Index k_stride, output_stride;
  const T* bias;
  Index first_row, last_row, first_tile, last_tile, tiles;
  T* y;
  Index y_group, y_row, y_pixel;
  bool accumulate = false;  ///< to y
};

/// What one call of a kernel gradient's body computes: sums[k][o] (+)= sum of x * dy over groups, rows and columns, for
/// `count` consecutive weights k of one kernel row and outputs [first_output, last_output). `x` stands at weight 0 of the
/// first position, and the padding is in it. Strides are in scalars.
/// - `transposed` false: dy is [..][out][lane], sums keep their lanes: [k][out][lane].
/// - `transposed` true: dy is what `transpose_lanes` makes, sums are [k][out].
template <class T>
struct KernelGradientBlock {
  const T* x;
  Index x_group, x_row, x_pixel;
  const T* dy;
  Index dy_group, dy_row, dy_pixel;
  Index dy_vector;  ///< from a vector of outputs to the next, where dy is transposed
  Index groups, rows, columns;
  T* sums;
  Index sums_row, count, first_output, last_output;
  bool transposed;
  bool overwrite;  ///< sums hold nothing yet
};

}  // namespace tarn::cpu
