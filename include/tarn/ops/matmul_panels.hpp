// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/core/parallel.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/conv2d.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/elementwise.hpp>

/// Products of wide dense layers, by panels of outputs.

namespace tarn::ops::detail {

using cpu::ConvGeometry;

/// Whether a convolution is a product: one pixel of one pixel.
inline bool dense(const ConvGeometry& g) { return g.pixels() == 1 && g.depth() == g.in_c && g.in_h * g.in_w == 1; }

/// How the forward pass of a wide dense layer goes: each of at most 16 items has some outputs, in panels; the weights of a panel
/// and of `depth` inputs are packed, and used while they are in the cache. Borders depend on shapes alone.
struct PanelPlan {
  static constexpr Index outputs = 64, depth = 256;  // of a panel, at most
  Index panels, items;
  explicit PanelPlan(const ConvGeometry& g) : panels{ceil_divide(g.out_c, outputs)}, items{std::min<Index>(panels, 16)} {}
  Index scratch() const { return items * outputs * depth; }
};

/// y = x W + b for x [groups][in][lane], W [in, out].
template <class T>
void multiply_panels(const T* x, Index groups, Index lanes, const T* kernel, const T* bias, const ConvGeometry& g, T* y,
                     const Finish<T>& finish, T* scratch) {
  const PanelPlan plan{g};
  const Index depths = ceil_divide(g.in_c, plan.depth), tile = TARN_CPU_BODY(conv_tile_outputs, T)();
  const auto pack = TARN_CPU_BODY(pack_kernel, T);
  const auto body = TARN_CPU_BODY(conv2d, T, false);
  run(groups * lanes * g.in_c * g.out_c, plan.items, [&](Index item) {
    T* const packed = scratch + item * plan.outputs * plan.depth;
    const auto [first_panel, last_panel] = parallel::piece(plan.panels, plan.items, item);
    for (Index i = 0; i < depths; ++i) {
      const auto [begin, end] = parallel::piece(g.in_c, depths, i);
      ConvGeometry part;
      part.in_c = end - begin;
      for (Index panel = first_panel; panel < last_panel; ++panel) {
        const auto [first, last] = parallel::piece(g.out_c, plan.panels, panel);
        const Index tiles = ceil_divide(last - first, tile);
        part.out_c = last - first;
        pack(kernel + begin * g.out_c + first, g.out_c, 1, 0, part.in_c, part.in_c, part.out_c, packed);
        for (Index group = 0; group < groups; group += 2)  // whose inputs stay in the nearest cache for all tiles
          body(part, {x + (group * g.in_c + begin) * lanes, g.in_c * lanes, std::min<Index>(2, groups - group), packed, true, 0,
                      0, i == 0 && bias ? bias + first : nullptr, 0, 1, 0, tiles, tiles, y + (group * g.out_c + first) * lanes,
                      g.out_c * lanes, 0, 0, i > 0});
      }
    }
    const Index first = parallel::piece(g.out_c, plan.panels, first_panel).first;
    const Index last = parallel::piece(g.out_c, plan.panels, last_panel - 1).second;
    for (Index group = 0; finish.any() && group < groups; ++group) {
      const Index offset = (group * g.out_c + first) * lanes;
      finish(y + offset, offset, (last - first) * lanes);
    }
  });
}

/// How the kernel gradient of a wide dense layer goes whose dy the caches do not hold: each of at most 16 items has panels of
/// outputs and a range of weights. It copies a panel of some groups of dy and, one strip of weights after another, of x: rows of
/// theirs are powers of two apart as often as not, where a cache can hold but few of them. Borders depend on shapes alone.
struct GradientPanelPlan {
  static constexpr Index outputs = 256, samples = 512, strip = 12;  // of a copy, at most; a strip is whole tiles
  Index panels, panel_parts, weight_parts;
  explicit GradientPanelPlan(const ConvGeometry& g)
      : panels{ceil_divide(g.out_c, outputs)},
        panel_parts{std::min(panels, parallel::max_sum_parts)},
        weight_parts{parallel::max_sum_parts / panel_parts} {}
  Index items() const { return panel_parts * weight_parts; }
  static constexpr Index item_size() { return (outputs + strip) * samples; }
  Index scratch() const { return items() * item_size(); }
};

/// dW = x^T dy, db = sum of dy (unless it is null) for x [groups][in][lane], dy [groups][out][lane], W [in, out].
template <class T>
void multiply_gradient_panels(const T* x, const T* dy, Index groups, Index lanes, const ConvGeometry& g, T* dkernel, T* dbias,
                              T* scratch) {
  const GradientPanelPlan plan{g};
  const Index blocks = ceil_divide(groups * lanes, plan.samples), vector = lanes * lanes;
  const auto transpose = TARN_CPU_BODY(transpose_lanes, T);
  const auto sum = TARN_CPU_BODY(sum_transposed, T);
  const auto multiply = TARN_CPU_BODY(conv2d_kernel_gradient, T);
  const Index tile = TARN_CPU_BODY(kernel_gradient_tile_weights, T)(), strip = plan.strip / tile * tile;
  parallel::run(plan.items(), [&](Index item) {
    T *const x_copy = scratch + item * plan.item_size(), *const dy_copy = x_copy + plan.strip * plan.samples;
    const auto [first_panel, last_panel] = parallel::piece(plan.panels, plan.panel_parts, item / plan.weight_parts);
    const auto [first_weight, last_weight] = parallel::piece(g.in_c, plan.weight_parts, item % plan.weight_parts);
    for (Index step = first_panel * blocks; step < last_panel * blocks; ++step) {
      const Index first = step / blocks * plan.outputs, outputs = std::min(plan.outputs, g.out_c - first);
      const auto [first_group, last_group] = parallel::piece(groups, blocks, step % blocks);
      const Index count = last_group - first_group;
      const bool overwrite = first_group == 0;
      for (Index output = 0; output < outputs; output += lanes) {
        const Index channels = std::min(lanes, outputs - output);
        T* const copy = dy_copy + output * lanes * count;  // [group][lane][channel of the vector]
        for (Index group = 0; group < count; ++group)
          transpose(dy + ((first_group + group) * g.out_c + first + output) * lanes, 1, channels, copy + group * vector);
        if (dbias && first_weight == 0) sum(copy, count, vector, 0, channels, overwrite, dbias + first + output);
      }
      cpu::KernelGradientBlock<T> block{};
      block.x = x_copy;
      block.dy = dy_copy;
      block.dy_group = vector;
      block.dy_vector = count * vector;
      block.groups = count;
      block.rows = block.columns = 1;
      block.sums_row = g.out_c;
      block.last_output = outputs;
      block.transposed = true;
      block.overwrite = overwrite;
      for (Index weight = first_weight; weight < last_weight; weight += strip) {
        block.count = std::min(strip, last_weight - weight);
        block.x_group = block.count * lanes;
        for (Index group = 0; group < count; ++group)
          std::copy_n(x + ((first_group + group) * g.in_c + weight) * lanes, block.x_group, x_copy + group * block.x_group);
        block.sums = dkernel + weight * g.out_c + first;
        multiply(block);
      }
    }
  });
}

}  // namespace tarn::ops::detail
