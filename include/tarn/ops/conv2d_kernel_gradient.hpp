// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>

#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/conv2d.hpp>
#include <tarn/ops/conv2d_few.hpp>
#include <tarn/ops/conv2d_winograd.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/elementwise.hpp>
#include <tarn/ops/matmul_panels.hpp>

namespace tarn::ops {

namespace detail {

using cpu::ConvGeometry;

/// How a kernel gradient is computed, from shapes alone. Its work goes in blocks of groups and output rows; a block's x is
/// copied with its horizontal padding, and its dy transposed, where that pays.
struct KernelGradientPlan {
  Index lanes;
  bool transposed, padded;
  bool lane_sums;         ///< sums are kept for each lane, to be added up in the end
  bool by_parts;          ///< parts of the batch have sums of their own; otherwise the weights are shared out
  Index rows, groups;     ///< of a block, at most
  Index x_row, dy_row;    ///< scalars of a row of a block's x and dy
  Index x_size, dy_size;  ///< scratch for a block's x and dy
  Index sums_row, sums_size, bias_size, taps_size;

  KernelGradientPlan(const ConvGeometry& g, Index lanes_of_batch, bool models) : lanes{lanes_of_batch} {
    transposed = !models && lanes > 1 && g.depth() >= 48 && (g.out_c >= lanes || (g.pixels() == 1 && 2 * g.out_c >= lanes));
    padded = g.pad_left > 0 || g.span_w() > g.in_w;
    lane_sums = !models && !transposed && lanes > 1;
    sums_row = g.out_c * (transposed ? 1 : lanes);
    sums_size = padded_size(g.depth() * sums_row);
    bias_size = padded_size(g.out_c * lanes);
    taps_size = models ? 0 : padded_size((g.kernel_h + 1) * g.kernel_w * g.out_c * lanes);
    if (taps_size > 8192) taps_size = 0;  // then they are not summed
    by_parts = g.pixels() > 1 && sums_size <= 65536;
    x_row = (padded ? g.span_w() : g.in_w) * g.in_c * lanes;
    dy_row = g.out_w * (transposed ? ceil_divide(g.out_c, lanes) * lanes : g.out_c) * lanes;
    const Index budget = by_parts ? 8192 : g.pixels() > 1 ? 65536 : 262144;  // what caches hold
    rows = std::clamp<Index>(budget / dy_row, 1, g.out_h);
    groups = rows == g.out_h ? std::clamp<Index>(budget / (rows * dy_row), 1, 64) : 1;
    x_size = padded ? padded_size(groups * ((rows - 1) * g.stride_h + g.kernel_h) * x_row) : 0;
    dy_size = transposed ? padded_size(groups * rows * dy_row) : 0;
    if (!by_parts && x_size + dy_size == 0) {  // nothing to prepare: one block
      rows = g.out_h;
      groups = std::numeric_limits<Index>::max();
    }
  }
  /// Whether `GradientPanelPlan` serves, if there are more groups than a block has.
  bool panels(const ConvGeometry& g) const { return transposed && dense(g) && g.out_c >= 1024; }
  Index part_size() const {
    return x_size + dy_size + sums_size + 2 * bias_size + taps_size;
  }  // a block's bias sums, and all so far
  Index scratch() const {
    return by_parts ? parallel::max_sum_parts * part_size() : x_size + dy_size + (lane_sums ? sums_size : 0);
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
  Index x_rows() const { return (last_row - first_row - 1) * g.stride_h + g.kernel_h; }
  Index units() const { return (last_group - first_group) * (last_row - first_row); }
  Index pixels() const { return units() * g.out_w; }
  /// Where the block's dy begins; it has no gaps, since a block of several groups has all of their rows.
  Index dy_first() const { return first_group * dy_group() + first_row * g.out_w * g.out_c * plan.lanes; }

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
    for (Index i = row * g.stride_h; i < (row + 1 < rows ? (row + 1) * g.stride_h : x_rows()); ++i) {
      const Index from = first_row * g.stride_h + i - g.pad_top;
      if (from < 0 || from >= g.in_h) continue;  // nobody reads it
      T* to = x_copy + (group * x_rows() + i) * plan.x_row;
      std::fill_n(to, left, T(0));
      std::copy_n(x + (first_group + group) * x_group() + from * g.in_w * pixel, width, to + left);
      std::fill_n(to + left + width, plan.x_row - left - width, T(0));
    }
  }

  /// Adds to (or sets) the sums of `count` weights from `weight` on in kernel row i.
  void add(Index i, Index weight, Index count, Index first_output, Index last_output, T* sums, bool overwrite) const {
    const auto inside = ConvGeometry::outputs_inside(i, g.in_h, g.out_h, g.stride_h, g.pad_top);
    const Index first = std::max(first_row, inside.first), last = std::min(last_row, inside.last);
    cpu::KernelGradientBlock<T> block;
    block.x_row = plan.x_row * g.stride_h;
    block.x_pixel = g.stride_w * g.in_c * plan.lanes;
    block.dy_row = plan.dy_row;
    block.dy_pixel = plan.dy_row / g.out_w;
    block.dy_vector = plan.lanes * plan.lanes;
    block.groups = last_group - first_group;
    block.rows = std::max<Index>(last - first, 0);
    block.columns = g.out_w;
    if (plan.padded) {
      block.x_group = x_rows() * plan.x_row;
      block.x = x_copy + ((first - first_row) * g.stride_h + i) * plan.x_row;
    } else {
      block.x_group = x_group();
      block.x = x + first_group * block.x_group + (first * g.stride_h + i - g.pad_top) * plan.x_row;
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
  const Index pieces = std::clamp<Index>(count * (with_lanes ? lanes : 1) * parts / 4096, 1, 16);
  parallel::run(pieces, [&](Index piece) {
    const auto [first, last] = parallel::piece(count, pieces, piece);
    body(sums + first * (with_lanes ? lanes : 1), parts, part_size, last - first, out + first);
  });
}

}  // namespace detail

/// sums[c] = sum of dy over the batch and all axes but the last: the gradient of a bias.
/// dy [batch, ..., c], sums [c], overwritten; scratch at least 16 c lanes, which `conv2d_scratch` includes.
template <class T, OnCpu D>
void sum_over_batch(const Batch<T, D>& dy, std::type_identity_t<TensorView<T, D>> sums,
                    std::type_identity_t<TensorView<T, D>> scratch) {
  const Index channels = dy.sample().rank() == 0 ? 1 : dy.sample().back(), lanes = dy.lanes(), groups = dy.groups();
  detail::check_size("sum_over_batch", "sums", sums.size(), channels);
  if (groups == 0 || channels == 0) {
    std::fill_n(sums.data(), sums.scalars(), T(0));
    return;
  }
  const Index pixels = dy.sample().size() / channels;
  const auto body = dy.few() ? &cpu::plain::sum_positions<T> : TARN_CPU_BODY(sum_positions, T);
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
  detail::combine<T>(scratch.data(), parts, size, !detail::models<D> && !dy.few(), lanes, sums.scalars(), sums.data());
}

/// Whether `conv2d_parameter_gradients` can sum over taps.
template <class T, OnCpu D>
bool can_sum_taps(const cpu::ConvGeometry& geometry) {
  const detail::KernelGradientPlan plan{geometry.simplified(), cpu::lanes<T>(), false};
  return !detail::models<D> && plan.by_parts && plan.taps_size > 0;
}

/// The gradients of y = f(conv(x, kernel) + bias), f elementwise: dy becomes dz = dy f'(z), and of that
/// dkernel[i, j, c, o] = sum over samples and pixels (h, w) of x[h stride_h + i - pad_top, w stride_w + j - pad_left, c] *
/// dz[h, w, o], dbias[o] = sum of dz. Where the batch goes by parts, each block of it is finished while it is in the cache.
/// x [batch, in_h, in_w, in_c], y and dy [batch, out_h, out_w, out_c], dkernel [kernel_h, kernel_w, in_c, out_c], dbias [out_c]
/// or empty; both are overwritten. On request `taps` [kernel_h, kernel_w, out_c] gets the sum of those dz whose tap lies inside x;
/// without it 3x3 kernels may go by Winograd's algorithm.
template <class T, OnCpu D>
void conv2d_parameter_gradients(const Batch<T, D>& x, const Batch<T, D>& y, const Activation& f, Batch<T, D>& dy,
                                const cpu::ConvGeometry& geometry, std::type_identity_t<TensorView<T, D>> dkernel,
                                std::type_identity_t<TensorView<T, D>> dbias, std::type_identity_t<TensorView<T, D>> scratch,
                                std::type_identity_t<TensorView<T, D>> taps = {}) {
  const auto g = geometry.simplified();
  detail::check_convolution(x, dy, dkernel.size(), dbias.size(), g, true);
  Activation activation = f;
  if (activation.is_elementwise()) {
    detail::check_same_shape("conv2d_parameter_gradients", "y", y, dy);
  } else {  // looks at whole pixels
    activation_gradient(activation, y, dy);
    activation = Linear{};
  }
  const Index groups = x.groups();
  if (groups == 0) {
    std::fill_n(dkernel.data(), dkernel.scalars(), T(0));
    std::fill_n(dbias.data(), dbias.scalars(), T(0));
    std::fill_n(taps.data(), taps.scalars(), T(0));
    return;
  }
  constexpr bool models = detail::models<D>;  // then sums keep their lanes
  const detail::KernelGradientPlan plan{g, x.lanes(), models};
  detail::check_scratch("conv2d_parameter_gradients", scratch, x.few() ? detail::few_scratch<T>(g, groups) : plan.scratch());
  T* const memory = scratch.data();
  const bool activated = activation.kind() != Activation::Kind::linear, biased = dbias.size() != 0;
  if (taps.size() != 0) {
    detail::check_size("conv2d_parameter_gradients", "taps", taps.size(), g.kernel_h * g.kernel_w * g.out_c);
    if (!plan.by_parts || plan.taps_size == 0)
      throw StateError("conv2d_parameter_gradients: too many taps and outputs to sum over");
  }
  if (x.few()) {
    activation_gradient(activation, y, dy);
    const T* const dz = dy.data();
    detail::kernel_gradient_few(x.data(), dz, groups, g, dkernel.data(), memory);
    if (biased) detail::sum_rows_few(dz, groups, g, Index{0}, g.out_h, dbias.data());
    if (taps.size() != 0) detail::sum_taps_few(dz, groups, g, taps.data(), memory);
    return;
  }
  if (!models && taps.size() == 0 && detail::suits_winograd(g, groups)) {
    detail::check_scratch("conv2d_parameter_gradients", scratch, detail::WinogradPlan{g, x.lanes()}.gradient_scratch(g));
    if (activated) activation_gradient(activation, y, dy);
    return detail::kernel_gradient_winograd<T>(x.data(), dy.data(), groups, x.lanes(), g, dkernel.data(),
                                               biased ? dbias.data() : nullptr, memory);
  }
  // Calls `work(block, overwrite)` for the blocks of groups [first, last), output rows [first_row, last_row).
  const auto for_blocks = [&](Index first, Index last, Index first_row, Index last_row, T* copies, auto work) {
    for (Index group = first; group < last;) {
      const Index end = last - group > plan.groups ? group + plan.groups : last;
      for (Index row = first_row; row < last_row; row += plan.rows)
        work(detail::KernelGradientWork<T>{g, plan, x.data(), dy.data(), copies, copies + plan.x_size, group, end, row,
                                           std::min(row + plan.rows, last_row)},
             group == first && row == first_row);
      group = end;
    }
  };

  if (plan.by_parts) {
    // Few groups are cut by rows too, into about half as many parts as there may be.
    const Index row_blocks = detail::ceil_divide(g.out_h, plan.rows);
    constexpr Index enough = parallel::max_sum_parts / 2;
    const Index row_parts = groups < enough ? std::min(detail::ceil_divide(enough, groups), row_blocks) : 1;
    const Index parts = row_parts > 1 ? groups * row_parts : parallel::sum_parts(groups);
    T* const sums = memory + plan.x_size + plan.dy_size;
    parallel::run(parts, [&](Index part) {
      const auto [first, last] = parallel::piece(groups, parts / row_parts, part / row_parts);
      const auto [first_block, last_block] = parallel::piece(row_blocks, row_parts, part % row_parts);
      T* const bias_sums = sums + part * plan.part_size() + plan.sums_size;
      T* const tap_sums = bias_sums + 2 * plan.bias_size;
      std::fill_n(tap_sums, taps.size() != 0 ? plan.taps_size : 0, T(0));
      const Index first_row = first_block * plan.rows, last_row = std::min(last_block * plan.rows, g.out_h);
      for_blocks(first, last, first_row, last_row, memory + part * plan.part_size(), [&](const auto& block, bool overwrite) {
        T* const range = dy.data() + block.dy_first();
        const Index size = block.pixels() * g.out_c * plan.lanes;
        if (activated) TARN_CPU_BODY(activation_gradient, T)
        (activation.kind(), static_cast<T>(activation.slope()), y.data() + block.dy_first(), range, range, size);
        // The bias sums of a block at once or, for sums over taps, row by row.
        const Index pieces = taps.size() != 0 ? block.units() : biased ? 1 : 0, rows = block.last_row - block.first_row;
        for (Index piece = 0; piece < pieces; ++piece) {
          const T* const from = range + piece * (size / pieces);
          T* const piece_sums = overwrite && piece == 0 ? bias_sums : bias_sums + plan.bias_size;
          TARN_CPU_BODY(sum_positions, T)(from, 1, block.pixels() / pieces, g.out_c, 0, g.out_c, piece_sums);
          if (taps.size() != 0) TARN_CPU_BODY(sum_taps, T)(from, piece_sums, g, block.first_row + piece % rows, tap_sums);
          if (piece_sums != bias_sums) TARN_CPU_BODY(add, T)(piece_sums, bias_sums, g.out_c * plan.lanes);
        }
        for (Index unit = 0; unit < block.units(); ++unit) block.prepare(unit);
        for (Index i = 0; i < g.kernel_h; ++i) block.add(i, 0, g.run(), 0, g.out_c, sums + part * plan.part_size(), overwrite);
      });
      const Index taps_row = g.kernel_w * g.out_c * plan.lanes;
      for (Index i = 0; taps.size() != 0 && i < g.kernel_h; ++i)  // what all kernel rows have in common
        TARN_CPU_BODY(add, T)(tap_sums + g.kernel_h * taps_row, tap_sums + i * taps_row, taps_row);
    });
    detail::combine(sums, parts, plan.part_size(), plan.lane_sums, plan.lanes, dkernel.scalars(), dkernel.data());
    if (biased)
      detail::combine(sums + plan.sums_size, parts, plan.part_size(), !models, plan.lanes, dbias.scalars(), dbias.data());
    if (taps.size() != 0)
      detail::combine(sums + plan.sums_size + 2 * plan.bias_size, parts, plan.part_size(), true, plan.lanes, taps.size(),
                      taps.data());
    return;
  }

  if (activated) activation_gradient(activation, y, dy);
  if (plan.panels(g) && groups > plan.groups)
    return detail::multiply_gradient_panels(x.data(), dy.data(), groups, plan.lanes, g, dkernel.data(),
                                            biased ? dbias.data() : nullptr, memory);
  if (biased && !plan.transposed) sum_over_batch(dy, dbias, scratch);
  T* const sums = plan.lane_sums ? memory + plan.x_size + plan.dy_size : dkernel.data();
  // A kernel row's weights go in strips, the last of which has half a height to one and a half, so that none is a sliver.
  const Index height = g.run() >= 192 ? 24 : 12, width = 2 * plan.lanes;
  const Index wanted = std::min<Index>(32, 2 * groups * plan.lanes * g.pixels() * g.depth() * g.out_c / detail::serial_work);
  const Index strips = std::max<Index>((g.run() + height / 2) / height, 1);
  const Index columns = std::clamp<Index>(wanted / (g.kernel_h * strips), 1, detail::ceil_divide(g.out_c, width));
  const Index items = g.kernel_h * strips * columns, bias_width = 8 * plan.lanes;
  const Index bias_items = biased && plan.transposed ? detail::ceil_divide(g.out_c, bias_width) : 0;
  for_blocks(0, groups, 0, g.out_h, memory, [&](const auto& block, bool overwrite) {
    if (plan.x_size + plan.dy_size > 0)
      detail::run(block.units() * (plan.x_row + plan.dy_row) * 16, block.units(), [&](Index unit) { block.prepare(unit); });
    detail::run(block.units() * plan.lanes * g.out_w * g.depth() * g.out_c, items + bias_items, [&](Index item) {
      if (item >= items) {
        const Index first_output = (item - items) * bias_width;
        return TARN_CPU_BODY(sum_transposed, T)(block.dy_copy, block.pixels(), plan.dy_row / g.out_w, first_output,
                                                std::min(first_output + bias_width, g.out_c), overwrite, dbias.data());
      }
      const Index strip = item / columns % strips, weight = strip * height;
      const auto [first, last] = parallel::piece(detail::ceil_divide(g.out_c, width), columns, item % columns);
      block.add(item / (strips * columns), weight, strip + 1 < strips ? height : g.run() - weight, first * width,
                std::min(last * width, g.out_c), sums, overwrite);
    });
  });
  if (plan.lane_sums) detail::combine(sums, Index{1}, plan.sums_size, true, plan.lanes, dkernel.size(), dkernel.data());
}

}  // namespace tarn::ops
