// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/core/parallel.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/conv2d.hpp>
#include <tarn/cpu/winograd_block.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/elementwise.hpp>

/// Convolutions by 3x3 kernels on many channels in training, by Winograd's algorithm: what `cpu/winograd_block.hpp` says, its
/// products by the bodies of 1x1 convolutions. Work goes by blocks of tiles, whose arrays a core's cache holds up to some 256 channels;
/// borders depend on shapes alone.

namespace tarn::ops::detail {

using cpu::ConvGeometry;
using cpu::WinogradTiles;

/// Whether the algorithm spares two multiplications of seven and more, of those whose input is not padding, and channels are enough to
/// pay for the rest.
inline bool suits_winograd(const ConvGeometry& g) {
  constexpr Index channels = 16;
  if (g.kernel_h != 3 || g.kernel_w != 3 || g.stride_h != 1 || g.stride_w != 1 || g.in_c < channels || g.out_c < channels ||
      cpu::lanes<float>() == 1)
    return false;
  Index rows = 0, columns = 0;  // of inputs that outputs look at
  for (Index tap = 0; tap < 3; ++tap) {
    const auto h = ConvGeometry::outputs_inside(tap, g.in_h, g.out_h, 1, g.pad_top);
    const auto w = ConvGeometry::outputs_inside(tap, g.in_w, g.out_w, 1, g.pad_left);
    rows += h.last - h.first, columns += w.last - w.first;
  }
  return 5 * rows * columns >= 7 * WinogradTiles::positions * WinogradTiles{g}.in_group();
}

/// The same for so many groups: of a few tiles, the kernel's transforms cost what the products spare.
inline bool suits_winograd(const ConvGeometry& g, Index groups) {
  return suits_winograd(g) && groups * WinogradTiles{g}.in_group() >= 8;
}

/// The convolution without stride that takes dL/dy to dL/dx.
inline ConvGeometry transposed(const ConvGeometry& g) {
  return g.transposed(g.phase(0, g.in_h, g.kernel_h, 1, g.pad_top), g.phase(0, g.in_w, g.kernel_w, 1, g.pad_left));
}

/// Sizes of the arrays in scalars: u [position][in][out], and each item's own.
struct WinogradPlan {
  static constexpr Index positions = WinogradTiles::positions, items = 16, budget = 65536;
  Index lanes, u_size;
  Index tiles, outputs;      ///< forward: of a block, at most; tiles are even, since products take them in pairs
  Index v_stride, m_stride;  ///< forward: from position to position
  Index gradient_tiles, parts, columns;

  WinogradPlan(const ConvGeometry& g, Index lanes_of_batch) : lanes{lanes_of_batch}, u_size{positions * g.in_c * g.out_c} {
    outputs = std::min<Index>(g.out_c, 32);
    tiles = std::clamp<Index>(budget / (positions * lanes * (g.in_c + outputs)) / 2 * 2, 2, 32);
    v_stride = stride(tiles * g.in_c);
    m_stride = stride(tiles * outputs);
    gradient_tiles = std::clamp<Index>(budget / (positions * lanes * (g.in_c + g.out_c)), 4, 32);
    parts = std::clamp<Index>((Index{1} << 22) / u_size, 1, items);
    columns = std::clamp<Index>(g.out_c / 64, 1, items / parts);
  }
  /// With a line of the cache more or two, so that the 16 positions do not share a few sets of it.
  Index stride(Index vectors) const { return vectors * lanes + 16; }
  Index item_size() const { return positions * (v_stride + m_stride); }

  Index column_size(const ConvGeometry& g) const { return ceil_divide(ceil_divide(g.out_c, lanes), columns) * lanes * lanes; }
  Index gradient_item_size(const ConvGeometry& g) const {
    return positions * (stride(gradient_tiles * g.in_c) + gradient_tiles * column_size(g) + 16) + 4 * column_size(g);
  }
  Index part_size(const ConvGeometry& g) const { return u_size + padded_size(g.out_c); }

  Index scratch() const { return padded_size(u_size) + items * item_size(); }
  Index gradient_scratch(const ConvGeometry& g) const { return parts * part_size(g) + parts * columns * gradient_item_size(g); }
};

/// Calls `body(first, last)` on ranges of at least so many weights, if there are as many, none shorter than a vector.
template <class Body>
void for_weights(Index size, Index least, const Body& body) {
  const Index vectors = size / cpu::max_lanes<float>, pieces = std::clamp<Index>(size / least, 1, 16);
  parallel::run(pieces, [&](Index item) {
    const auto [first, last] = parallel::piece(vectors, pieces, item);
    body(first * cpu::max_lanes<float>, item + 1 < pieces ? last * cpu::max_lanes<float> : size);
  });
}

/// u [position][in][out] of a kernel [3][3][in][out].
template <class T>
void transform_kernel(const T* kernel, Index size, T* u) {
  const auto body = TARN_CPU_LANES_BODY(winograd_kernel, T);
  for_weights(size, 4096, [&](Index first, Index last) { body(kernel, size, first, last, u); });
}

/// y = f(conv(x, kernel) + bias) or, `flipped`, the convolution of dy with the flipped kernel, whose in and out are y's and x's.
template <class T>
void convolve_winograd(const T* x, Index groups, Index lanes, const T* kernel, bool flipped, const T* bias, const ConvGeometry& g,
                       T* y, const Finish<T>& finish, T* scratch) {
  const WinogradPlan plan{g, lanes};
  const WinogradTiles tiles{g};
  T *const u = scratch, *const arrays = scratch + padded_size(plan.u_size);
  transform_kernel(kernel, g.in_c * g.out_c, u);
  const auto before = TARN_CPU_LANES_BODY(winograd_input, T);
  const auto multiply = TARN_CPU_BODY(conv2d, T, false);
  const auto behind = TARN_CPU_LANES_BODY(winograd_output, T);
  const Index tile_outputs = TARN_CPU_BODY(conv_tile_outputs, T)();
  const Index whole = groups * tiles.in_group();
  const Index size = std::clamp<Index>(whole / 16 * 2, 2, plan.tiles);  // of a block; of few tiles, blocks for several threads
  const Index blocks = ceil_divide(whole, size), items = std::min(blocks, plan.items);

  const auto compute = [&](Index first, Index count, T* v, T* m) {
    before(g, x, first, count, v, plan.v_stride);
    ConvGeometry product;
    product.in_w = product.out_w = count;
    product.in_c = g.in_c;
    for (Index output = 0; output < g.out_c; output += plan.outputs) {
      const Index outputs = std::min(plan.outputs, g.out_c - output), pieces = ceil_divide(outputs, tile_outputs);
      product.out_c = outputs;
      for (Index position = 0; position < plan.positions; ++position) {
        // Of a flipped kernel, the first and the last row and column of positions change places.
        const Index row = position / 4, column = position % 4, other_row = row % 3 ? row : 3 - row,
                    other = other_row * 4 + (column % 3 ? column : 3 - column);
        const T* const weights = u + (flipped ? other : position) * g.in_c * g.out_c + output * (flipped ? g.in_c : 1);
        multiply(product, {v + position * plan.v_stride, 0, 1, weights, false, flipped ? 1 : g.out_c, flipped ? g.in_c : 1,
                           nullptr, 0, 1, 0, pieces, pieces, m + position * plan.m_stride, 0, 0, outputs * lanes});
      }
      behind(g, m, plan.m_stride, first, count, output, outputs, bias, y);
    }
    if (!finish.any()) return;
    for (Index tile = first; tile < first + count;) {  // neighbours in a row of tiles, by rows of outputs
      const auto [group, row, column] = tiles[tile];
      const Index run = std::min(first + count - tile, tiles.columns - column / 2);
      for (Index i = row; i < std::min(row + 2, g.out_h); ++i) {
        const Index offset = ((group * g.out_h + i) * g.out_w + column) * g.out_c * lanes;
        finish(y + offset, offset, std::min(2 * run, g.out_w - column) * g.out_c * lanes);
      }
      tile += run;
    }
  };
  parallel::run(items, [&](Index item) {
    T *const v = arrays + item * plan.item_size(), *const m = v + plan.positions * plan.v_stride;
    const auto [first, last] = parallel::piece(blocks, items, item);
    for (Index block = first; block < last; ++block) compute(block * size, std::min(size, whole - block * size), v, m);
  });
}

/// dkernel, and dbias unless it is null, from x and dz.
template <class T>
void kernel_gradient_winograd(const T* x, const T* dz, Index groups, Index lanes, const ConvGeometry& g, T* dkernel, T* dbias,
                              T* scratch) {
  const WinogradPlan plan{g, lanes};
  const WinogradTiles tiles{g};
  const Index whole = groups * tiles.in_group(), columns = plan.columns;
  const Index parts = std::clamp<Index>(std::max(whole / 16, std::min(whole / 4, 4 / columns)), 1, plan.parts);
  const Index vectors = ceil_divide(g.out_c, lanes), v_stride = plan.stride(plan.gradient_tiles * g.in_c);
  T* const arrays = scratch + plan.parts * plan.part_size(g);
  const auto before = TARN_CPU_LANES_BODY(winograd_input, T);
  const auto expand = TARN_CPU_LANES_BODY(winograd_gradient, T);
  const auto transpose = TARN_CPU_BODY(transpose_lanes, T);
  const auto sum = TARN_CPU_BODY(sum_transposed, T);
  const auto multiply = TARN_CPU_BODY(conv2d_kernel_gradient, T);

  parallel::run(parts * columns, [&](Index item) {
    const auto [first_tile, last_tile] = parallel::piece(whole, parts, item / columns);
    const auto [first_vector, last_vector] = parallel::piece(vectors, columns, item % columns);
    const Index first_output = first_vector * lanes, outputs = std::min(last_vector * lanes, g.out_c) - first_output;
    const Index size = (last_vector - first_vector) * lanes * lanes, d_stride = plan.gradient_tiles * size + 16;
    T* const sums = scratch + item / columns * plan.part_size(g);
    T *const v = arrays + item * plan.gradient_item_size(g), *const d = v + plan.positions * v_stride,
             *const dy = d + plan.positions * d_stride;
    cpu::KernelGradientBlock<T> block{};
    block.x_pixel = g.in_c * lanes;
    block.dy_pixel = size;
    block.dy_vector = lanes * lanes;
    block.groups = block.rows = 1;
    block.sums_row = g.out_c;
    block.count = g.in_c;
    block.last_output = outputs;
    block.transposed = true;
    for (Index first = first_tile; first < last_tile; first += block.columns) {
      block.columns = std::min(plan.gradient_tiles, last_tile - first);
      block.overwrite = first == first_tile;
      before(g, x, first, block.columns, v, v_stride);
      for (Index i = 0; i < block.columns; ++i) {
        const auto [group, row, column] = tiles[first + i];
        for (Index pixel = 0; pixel < 4; ++pixel) {
          const Index h = row + pixel / 2, w = column + pixel % 2;
          if (h < g.out_h && w < g.out_w)
            transpose(dz + (((group * g.out_h + h) * g.out_w + w) * g.out_c + first_output) * lanes, 1, outputs,
                      dy + pixel * size);
          else
            std::fill_n(dy + pixel * size, size, T(0));
        }
        if (dbias) sum(dy, 4, size, 0, outputs, block.overwrite && i == 0, sums + plan.u_size + first_output);
        expand(dy, size, d + i * size, d_stride);
      }
      for (Index position = 0; position < plan.positions; ++position) {
        block.x = v + position * v_stride;
        block.dy = d + position * d_stride;
        block.sums = sums + position * g.in_c * g.out_c + first_output;
        multiply(block);
      }
    }
  });
  const Index size = g.in_c * g.out_c;
  const auto body = TARN_CPU_LANES_BODY(winograd_kernel_gradient, T);
  for_weights(size, 1024, [&](Index first, Index last) { body(scratch, parts, plan.part_size(g), size, first, last, dkernel); });
  if (dbias) TARN_CPU_BODY(sum_parts, T)(scratch + plan.u_size, parts, plan.part_size(g), g.out_c, dbias);
}

}  // namespace tarn::ops::detail
