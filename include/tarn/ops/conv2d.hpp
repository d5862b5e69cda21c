// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include <tarn/core/batch.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/conv2d.hpp>

namespace tarn::ops {

/// Leaves the output of a convolution as it is.
struct NoFinish {
  template <class T>
  void operator()(T*, Index) const {}
};

namespace detail {

using cpu::ConvGeometry;

inline Index ceil_divide(Index a, Index b) { return (a + b - 1) / b; }
/// Scalars of a buffer, such that the next one behind it is aligned too.
inline Index padded_size(Index size) { return ceil_divide(size, 16) * 16; }

inline void check_size(const char* where, const char* what, Index size, Index expected) {
  if (size != expected)
    throw ShapeError(std::string{where} + ": " + what + " has " + std::to_string(size) + " elements, expected " +
                     std::to_string(expected));
}
template <class T>
void check_scratch(const char* where, const TensorView<T>& scratch, Index needed) {
  if (scratch.size() < needed)
    throw StateError(std::string{where} + ": scratch holds " + std::to_string(scratch.size()) + " scalars, needs " +
                     std::to_string(needed));
}

/// Calls `part(i)` for i in [0, parts), from several threads if `work` multiplications or copies cost more than waking them.
template <class Part>
void run(Index work, Index parts, const Part& part) {
  if (work > 262144) return parallel::run(parts, part);
  for (Index i = 0; i < parts; ++i) part(i);
}

/// A convolution whose output is one pixel, without padding, is a dense layer on the same memory.
inline ConvGeometry simplified(const ConvGeometry& g) {
  if (g.pixels() != 1 || g.pad_top != 0 || g.pad_left != 0 || g.kernel_h != g.in_h || g.kernel_w != g.in_w) return g;
  ConvGeometry dense;
  dense.in_c = g.in_h * g.in_w * g.in_c;
  dense.out_c = g.out_c;
  return dense;
}

/// A kernel as the bodies read it: in place, or packed.
template <class T>
struct Weights {
  const T* data;
  bool packed;
  Index k_stride, output_stride;
};

/// Packs a kernel [taps, in, out] for the convolution `g`, or, flipped, [taps, out, in] for the transposed one.
template <class T>
Weights<T> pack(const T* kernel, const ConvGeometry& g, bool flipped, T* packed) {
  const Index taps = g.kernel_h * g.kernel_w, chunk = 64, chunks = ceil_divide(g.in_c, chunk);
  const Index k_stride = flipped ? 1 : g.out_c, output_stride = flipped ? g.in_c : 1;
  const auto body = TARN_CPU_BODY(pack_kernel, T);
  parallel::run(taps * chunks, [&](Index item) {
    const Index tap = item / chunks, first = item % chunks * chunk;
    const T* from = kernel + (flipped ? taps - 1 - tap : tap) * g.in_c * g.out_c + first * k_stride;
    body(from, k_stride, output_stride, tap * g.in_c + first, std::min(chunk, g.in_c - first), g.depth(), g.out_c, packed);
  });
  return {packed, true, 0, 0};
}

/// Whether rows of weights that far apart are worth packing, though they could be read in place.
inline bool wide(const ConvGeometry& g) { return g.out_c >= 256; }

/// The forward pass. Items are cut by groups and rows or, of a dense layer, outputs; borders depend on shapes alone.
template <class T, class Finish>
void convolve(const T* x, Index groups, Index lanes, const Weights<T>& weights, const T* bias, const ConvGeometry& g, T* y,
              const Finish& finish) {
  const Index x_group = g.in_h * g.in_w * g.in_c * lanes, y_group = g.pixels() * g.out_c * lanes;
  const Index tiles = ceil_divide(g.out_c, TARN_CPU_BODY(conv_tile_outputs, T)());
  const Index block = lanes == 1 ? 16 : 4;
  const Index blocks = ceil_divide(groups, block), items = ceil_divide(32, std::max<Index>(blocks, 1));
  const Index row_parts = std::min(items, g.out_h), tile_parts = g.pixels() == 1 ? std::min(items, tiles) : 1;
  const auto body = TARN_CPU_BODY(conv2d, T);
  run(groups * lanes * g.pixels() * g.depth() * g.out_c, blocks * row_parts * tile_parts, [&](Index item) {
    const Index first = item / (row_parts * tile_parts) * block, count = std::min(block, groups - first);
    const auto [first_row, last_row] = parallel::piece(g.out_h, row_parts, item / tile_parts % row_parts);
    const auto [first_tile, last_tile] = parallel::piece(tiles, tile_parts, item % tile_parts);
    const Index first_output = g.out_c * first_tile / tiles, last_output = g.out_c * last_tile / tiles;
    T* const to = y + first * y_group;
    for (Index row = first_row; row < last_row; ++row) {
      body(g, {x + first * x_group, x_group, count, weights.data, weights.packed, weights.k_stride, weights.output_stride, bias,
               row, row + 1, first_tile, last_tile, tiles, to, y_group});
      for (Index group = 0; group < count; ++group)
        finish(to + group * y_group + (row * g.out_w * g.out_c + first_output) * lanes,
               ((g.out_w - 1) * g.out_c + last_output - first_output) * lanes);
    }
  });
}

/// How a kernel gradient is computed, from shapes alone. Its work goes in blocks of groups and output rows; a block's x is
/// copied with its horizontal padding, and its dy transposed, where that pays.
struct KernelGradientPlan {
  Index lanes;
  bool transposed, padded;
  bool by_parts;          ///< parts of the batch have sums of their own; otherwise the weights are shared out
  Index rows, groups;     ///< of a block, at most
  Index x_row, dy_row;    ///< scalars of a row of a block's x and dy
  Index x_size, dy_size;  ///< scratch for a block's x and dy
  Index sums_row, sums_size;

  KernelGradientPlan(const ConvGeometry& g, Index lanes_of_batch) : lanes{lanes_of_batch} {
    transposed = lanes > 1 && g.out_c >= lanes && g.depth() >= 48;
    padded = g.pad_left > 0 || g.out_w + g.kernel_w - 1 > g.in_w;
    sums_row = g.out_c * (transposed ? 1 : lanes);
    sums_size = padded_size(g.depth() * sums_row);
    by_parts = g.pixels() > 1 && sums_size <= 65536;
    x_row = (padded ? g.out_w + g.kernel_w - 1 : g.in_w) * g.in_c * lanes;
    dy_row = g.out_w * (transposed ? ceil_divide(g.out_c, lanes) * lanes : g.out_c) * lanes;
    const Index budget = by_parts ? 8192 : g.pixels() > 1 ? 65536 : 262144;  // what caches hold
    rows = std::clamp<Index>(budget / dy_row, 1, g.out_h);
    groups = rows == g.out_h ? std::clamp<Index>(budget / (rows * dy_row), 1, 64) : 1;
    x_size = padded ? padded_size(groups * (rows + g.kernel_h - 1) * x_row) : 0;
    dy_size = transposed ? padded_size(groups * rows * dy_row) : 0;
    if (!by_parts && x_size + dy_size == 0) {  // nothing to prepare: one block
      rows = g.out_h;
      groups = std::numeric_limits<Index>::max();
    }
  }
  Index part_size() const { return x_size + dy_size + sums_size; }
  Index scratch() const {
    return by_parts ? parallel::max_sum_parts * part_size() : x_size + dy_size + (transposed || lanes == 1 ? 0 : sums_size);
  }
};

/// One block of a kernel gradient: groups [first_group, last_group), output rows [first_row, last_row).
template <class T>
struct KernelGradientWork {
  const ConvGeometry& g;
  const KernelGradientPlan& plan;
  const T *x, *dy;
  T *x_copy, *dy_copy;
  Index first_group, last_group, first_row, last_row;

  Index x_group() const { return g.in_h * g.in_w * g.in_c * plan.lanes; }
  Index dy_group() const { return g.pixels() * g.out_c * plan.lanes; }
  Index x_rows() const { return last_row - first_row + g.kernel_h - 1; }
  Index units() const { return (last_group - first_group) * (last_row - first_row); }

  /// Copies what belongs to one group and row.
  void prepare(Index unit) const {
    const Index rows = last_row - first_row, group = unit / rows, row = unit % rows;
    if (plan.transposed) {
      const T* from = dy + (first_group + group) * dy_group() + (first_row + row) * g.out_w * g.out_c * plan.lanes;
      TARN_CPU_BODY(transpose_lanes, T)(from, g.out_w, g.out_c, dy_copy + unit * plan.dy_row);
    }
    if (!plan.padded) return;
    const Index pixel = g.in_c * plan.lanes, left = g.pad_left * pixel;
    const Index width = std::min(g.in_w * pixel, plan.x_row - left);
    for (Index i = row; i < (row + 1 < rows ? row + 1 : x_rows()); ++i) {
      const Index from = first_row + i - g.pad_top;
      if (from < 0 || from >= g.in_h) continue;  // nobody reads it
      T* to = x_copy + (group * x_rows() + i) * plan.x_row;
      std::fill_n(to, left, T(0));
      std::copy_n(x + (first_group + group) * x_group() + from * g.in_w * pixel, width, to + left);
      std::fill_n(to + left + width, plan.x_row - left - width, T(0));
    }
  }

  /// Adds to (or sets) the sums of `count` weights from `weight` on in kernel row i.
  void add(Index i, Index weight, Index count, Index first_output, Index last_output, T* sums, bool overwrite) const {
    const Index first = std::max(first_row, g.pad_top - i), last = std::min(last_row, g.in_h + g.pad_top - i);
    cpu::KernelGradientBlock<T> block;
    block.x_row = plan.x_row;
    block.x_pixel = g.in_c * plan.lanes;
    block.dy_row = plan.dy_row;
    block.dy_pixel = plan.dy_row / g.out_w;
    block.groups = last_group - first_group;
    block.rows = std::max<Index>(last - first, 0);
    block.columns = g.out_w;
    if (plan.padded) {
      block.x_group = x_rows() * plan.x_row;
      block.x = x_copy + (first - first_row + i) * plan.x_row;
    } else {
      block.x_group = x_group();
      block.x = x + first_group * block.x_group + (first + i - g.pad_top) * plan.x_row;
    }
    if (plan.transposed) {
      block.dy_group = (last_row - first_row) * plan.dy_row;
      block.dy = dy_copy + (first - first_row) * plan.dy_row;
    } else {
      block.dy_group = dy_group();
      block.dy = dy + first_group * block.dy_group + first * plan.dy_row;
    }
    if (block.rows == 0) block.x = x, block.dy = dy;
    block.x += weight * plan.lanes;
    block.sums = sums + (i * g.run() + weight) * plan.sums_row;
    block.sums_row = plan.sums_row;
    block.count = count;
    block.first_output = first_output;
    block.last_output = last_output;
    block.transposed = plan.transposed;
    block.overwrite = overwrite;
    TARN_CPU_BODY(conv2d_kernel_gradient, T)(block);
  }
};

/// out[i] = sum over parts and lanes; `parts` buffers of sums stand `part_size` scalars apart.
template <class T>
void combine(const T* sums, Index parts, Index part_size, bool with_lanes, Index lanes, Index count, T* out) {
  const auto body = with_lanes ? TARN_CPU_BODY(sum_parts_and_lanes, T) : TARN_CPU_BODY(sum_parts, T);
  const Index pieces = std::clamp<Index>(count * parts / 4096, 1, 16);
  parallel::run(pieces, [&](Index piece) {
    const auto [first, last] = parallel::piece(count, pieces, piece);
    body(sums + first * (with_lanes ? lanes : 1), parts, part_size, last - first, out + first);
  });
}

}  // namespace detail

/// Scalars of scratch that any of the functions below needs, whatever the batch size and the number of threads.
template <class T>
Index conv2d_scratch(const cpu::ConvGeometry& geometry) {
  const auto g = detail::simplified(geometry);
  const Index lanes = cpu::lanes<T>();
  const Index packed = g.kernel_h * g.kernel_w > 1 || detail::wide(g) ? g.depth() * g.out_c : 0;
  const Index bias_sums = parallel::max_sum_parts * detail::padded_size(g.out_c * lanes);
  return std::max({packed, bias_sums, detail::KernelGradientPlan{g, lanes}.scratch()});
}

/// y = conv(x, kernel) + bias, then `finish(T* data, Index size)` on each range of y while it is in the cache.
/// x [batch, in_h, in_w, in_c], kernel [kernel_h, kernel_w, in_c, out_c], bias [out_c] or empty, y [batch, out_h, out_w, out_c].
/// Cost: 2 batch out_h out_w kernel_h kernel_w in_c out_c flops. Throws ShapeError where sizes do not fit the geometry.
template <class T, class Finish = NoFinish>
void conv2d(const Batch<T, Cpu>& x, std::type_identity_t<TensorView<const T>> kernel,
            std::type_identity_t<TensorView<const T>> bias, const cpu::ConvGeometry& geometry, Batch<T, Cpu>& y,
            std::type_identity_t<TensorView<T>> scratch, Finish finish = {}) {
  const auto g = detail::simplified(geometry);
  detail::check_size("conv2d", "a sample of x", x.sample().size(), g.in_h * g.in_w * g.in_c);
  detail::check_size("conv2d", "a sample of y", y.sample().size(), g.pixels() * g.out_c);
  detail::check_size("conv2d", "kernel", kernel.size(), g.depth() * g.out_c);
  detail::check_size("conv2d", "batch y", y.count(), x.count());
  if (bias.size() != 0) detail::check_size("conv2d", "bias", bias.size(), g.out_c);
  detail::Weights<T> weights{kernel.data(), false, g.out_c, 1};
  if (detail::wide(g) && x.groups() * g.pixels() > 4) {
    detail::check_scratch("conv2d", scratch, kernel.size());
    weights = detail::pack(kernel.data(), g, false, scratch.data());
  }
  detail::convolve(x.data(), x.groups(), Index{x.lanes()}, weights, bias.size() ? bias.data() : nullptr, g, y.data(), finish);
}

/// dx = the convolution of dy with the flipped kernel, inputs and outputs exchanged.
/// dy [batch, out_h, out_w, out_c], kernel [kernel_h, kernel_w, in_c, out_c], dx [batch, in_h, in_w, in_c].
template <class T>
void conv2d_input_gradient(const Batch<T, Cpu>& dy, std::type_identity_t<TensorView<const T>> kernel,
                           const cpu::ConvGeometry& geometry, Batch<T, Cpu>& dx, std::type_identity_t<TensorView<T>> scratch) {
  const auto g = detail::simplified(geometry);
  detail::check_size("conv2d_input_gradient", "a sample of dy", dy.sample().size(), g.pixels() * g.out_c);
  detail::check_size("conv2d_input_gradient", "a sample of dx", dx.sample().size(), g.in_h * g.in_w * g.in_c);
  detail::check_size("conv2d_input_gradient", "kernel", kernel.size(), g.depth() * g.out_c);
  detail::check_size("conv2d_input_gradient", "batch dx", dx.count(), dy.count());
  detail::Weights<T> weights{kernel.data(), false, 1, g.out_c};  // a 1x1 kernel is its own flip
  if (g.kernel_h * g.kernel_w > 1) {
    detail::check_scratch("conv2d_input_gradient", scratch, kernel.size());
    weights = detail::pack(kernel.data(), g.transposed(), true, scratch.data());
  }
  detail::convolve<T>(dy.data(), dy.groups(), Index{dy.lanes()}, weights, nullptr, g.transposed(), dx.data(), NoFinish{});
}

/// dkernel[i, j, c, o] = sum over samples and pixels (h, w) of x[h + i - pad_top, w + j - pad_left, c] * dy[h, w, o].
/// x [batch, in_h, in_w, in_c], dy [batch, out_h, out_w, out_c], dkernel [kernel_h, kernel_w, in_c, out_c], overwritten.
template <class T>
void conv2d_kernel_gradient(const Batch<T, Cpu>& x, const Batch<T, Cpu>& dy, const cpu::ConvGeometry& geometry,
                            std::type_identity_t<TensorView<T>> dkernel, std::type_identity_t<TensorView<T>> scratch) {
  const auto g = detail::simplified(geometry);
  detail::check_size("conv2d_kernel_gradient", "a sample of x", x.sample().size(), g.in_h * g.in_w * g.in_c);
  detail::check_size("conv2d_kernel_gradient", "a sample of dy", dy.sample().size(), g.pixels() * g.out_c);
  detail::check_size("conv2d_kernel_gradient", "dkernel", dkernel.size(), g.depth() * g.out_c);
  detail::check_size("conv2d_kernel_gradient", "batch dy", dy.count(), x.count());
  const Index groups = x.groups();
  if (groups == 0) {
    std::fill_n(dkernel.data(), dkernel.size(), T(0));
    return;
  }
  const detail::KernelGradientPlan plan{g, x.lanes()};
  detail::check_scratch("conv2d_kernel_gradient", scratch, plan.scratch());
  T* const memory = scratch.data();
  const bool lane_sums = !plan.transposed && plan.lanes > 1;
  // Calls `work(block, overwrite)` for the blocks of groups [first, last).
  const auto for_blocks = [&](Index first, Index last, T* copies, auto work) {
    for (Index group = first; group < last;) {
      const Index end = last - group > plan.groups ? group + plan.groups : last;
      for (Index row = 0; row < g.out_h; row += plan.rows)
        work(detail::KernelGradientWork<T>{g, plan, x.data(), dy.data(), copies, copies + plan.x_size, group, end, row,
                                           std::min(row + plan.rows, g.out_h)},
             group == first && row == 0);
      group = end;
    }
  };

  if (plan.by_parts) {
    const Index parts = parallel::sum_parts(groups);
    T* const sums = memory + plan.x_size + plan.dy_size;
    parallel::run(parts, [&](Index part) {
      const auto [first, last] = parallel::piece(groups, parts, part);
      for_blocks(first, last, memory + part * plan.part_size(), [&](const auto& block, bool overwrite) {
        for (Index unit = 0; unit < block.units(); ++unit) block.prepare(unit);
        for (Index i = 0; i < g.kernel_h; ++i) block.add(i, 0, g.run(), 0, g.out_c, sums + part * plan.part_size(), overwrite);
      });
    });
    detail::combine(sums, parts, plan.part_size(), lane_sums, plan.lanes, dkernel.size(), dkernel.data());
    return;
  }

  T* const sums = lane_sums ? memory + plan.x_size + plan.dy_size : dkernel.data();
  const Index height = g.run() >= 192 ? 24 : 12, width = 2 * plan.lanes;  // of whole tiles
  const Index heights = detail::ceil_divide(g.run(), height);
  const Index widths = std::clamp<Index>(32 / (g.kernel_h * heights), 1, detail::ceil_divide(g.out_c, width));
  for_blocks(0, groups, memory, [&](const auto& block, bool overwrite) {
    if (plan.x_size + plan.dy_size > 0)
      detail::run(block.units() * (plan.x_row + plan.dy_row) * 8, block.units(), [&](Index unit) { block.prepare(unit); });
    detail::run(block.units() * plan.lanes * g.out_w * g.depth() * g.out_c, g.kernel_h * heights * widths, [&](Index item) {
      const Index weight = item / widths % heights * height;
      const auto [first, last] = parallel::piece(detail::ceil_divide(g.out_c, width), widths, item % widths);
      block.add(item / (heights * widths), weight, std::min(height, g.run() - weight), first * width,
                std::min(last * width, g.out_c), sums, overwrite);
    });
  });
  if (lane_sums) detail::combine(sums, Index{1}, plan.sums_size, true, plan.lanes, dkernel.size(), dkernel.data());
}

/// sums[c] = sum of dy over the batch and all axes but the last: the gradient of a bias.
/// dy [batch, ..., c], sums [c], overwritten; scratch at least 16 c lanes, which `conv2d_scratch` includes.
template <class T>
void sum_over_batch(const Batch<T, Cpu>& dy, std::type_identity_t<TensorView<T>> sums,
                    std::type_identity_t<TensorView<T>> scratch) {
  const Index channels = dy.sample().rank() == 0 ? 1 : dy.sample().back(), lanes = dy.lanes(), groups = dy.groups();
  detail::check_size("sum_over_batch", "sums", sums.size(), channels);
  if (groups == 0 || channels == 0) {
    std::fill_n(sums.data(), sums.size(), T(0));
    return;
  }
  const Index pixels = dy.sample().size() / channels;
  const auto body = TARN_CPU_BODY(sum_positions, T);
  const Index size = detail::padded_size(channels * lanes);
  Index parts = 1;
  if (pixels == 1) {  // few positions: share the channels out
    detail::check_scratch("sum_over_batch", scratch, size);
    const Index pieces = std::clamp<Index>(groups * channels * lanes / 16384, 1, 16);
    parallel::run(pieces, [&](Index piece) {
      const auto [first, last] = parallel::piece(channels, pieces, piece);
      body(dy.data(), groups, 1, channels, first, last, scratch.data());
    });
  } else {
    parts = parallel::sum_parts(groups);
    detail::check_scratch("sum_over_batch", scratch, parts * size);
    parallel::run(parts, [&](Index part) {
      const auto [first, last] = parallel::piece(groups, parts, part);
      body(dy.group(first), last - first, pixels, channels, 0, channels, scratch.data() + part * size);
    });
  }
  detail::combine<T>(scratch.data(), parts, size, true, lanes, channels, sums.data());
}

}  // namespace tarn::ops
