// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>

#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/conv2d.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/matmul_panels.hpp>

/// Convolutions and dense layers on few samples, one after another ([sample][h][w][c]): forward, and both gradients.

namespace tarn::ops::detail {

using cpu::ConvGeometry;

/// The input of a convolution with its padding: what the bodies work on.
inline ConvGeometry padded(ConvGeometry g) {
  g.in_h = (g.out_h - 1) * g.stride_h + g.kernel_h;
  g.in_w = g.span_w();
  g.pad_top = g.pad_left = 0;
  return g;
}
inline bool needs_padding(const ConvGeometry& g) {
  return (g.out_h - 1) * g.stride_h + g.kernel_h > g.in_h || g.span_w() > g.in_w || g.pad_top > 0 || g.pad_left > 0;
}
/// Copies samples into such inputs; where `planes`, each row as [channel][column]. Returns where they are.
template <class T>
const T* pad(const T* x, Index samples, const ConvGeometry& g, bool planes, T* copies) {
  const ConvGeometry whole = padded(g);
  const Index line = whole.in_w * g.in_c, width = std::min(g.in_w, whole.in_w - g.pad_left);
  const bool as_it_is = !planes || g.in_c == 1;
  run(16 * samples * whole.in_h * line, samples, [&](Index sample) {
    T* to = copies + sample * whole.in_h * line;
    for (Index row = 0; row < whole.in_h; ++row, to += line) {
      const Index from = row - g.pad_top;
      std::fill_n(to, line, T(0));
      if (from < 0 || from >= g.in_h) continue;
      const T* const in = x + (sample * g.in_h + from) * g.in_w * g.in_c;
      if (as_it_is) std::copy_n(in, width * g.in_c, to + g.pad_left * g.in_c);
      for (Index c = 0; !as_it_is && c < g.in_c; ++c)
        for (Index column = 0; column < width; ++column) to[c * whole.in_w + g.pad_left + column] = in[column * g.in_c + c];
    }
  });
  return copies;
}

/// How dx is formed: dy spread over a sum with padding at all sides, and with room behind each row for the last vector's reach,
/// by the kernel as [kernel row][output][a run of weights, whole vectors].
template <class T>
struct InputGradientPlan {
  ConvGeometry whole;
  Index width, kernel_size, sum_size;
  explicit InputGradientPlan(const ConvGeometry& g) : whole{padded(g)}, width{whole_vectors<T>(g.run())} {
    whole.in_w += ceil_divide(cpu::lanes<T>(), g.in_c);
    kernel_size = padded_size(g.kernel_h * g.out_c * width);
    sum_size = whole.in_h * whole.in_w * g.in_c;
  }
};

/// Scratch that any of the functions below needs for so many samples.
template <class T>
Index few_scratch(const ConvGeometry& g, Index samples) {
  if (dense(g)) return std::max(samples * g.in_c, g.out_c);
  const ConvGeometry whole = padded(g);
  const InputGradientPlan<T> plan{g};
  return std::max({samples * whole.in_h * whole.in_w * g.in_c, g.out_h * g.out_c, plan.kernel_size + samples * plan.sum_size});
}

/// y = conv(x, kernel) + bias: outputs in the vector, which cut large ones into whole vectors, or, where a pixel has few, pixels, and
/// then x is copied as [row][channel][column]. The samples of a dense layer are the pixels of one.
/// Padding is multiplied too, so that here an infinite weight makes NaN of it.
template <class T>
void convolve_few(const T* x, Index samples, const T* kernel, const T* bias, const ConvGeometry& geometry, T* y, T* scratch) {
  ConvGeometry g = geometry;
  const Index lanes = cpu::lanes<T>(), vectors = ceil_divide(g.out_c, lanes), pixel = g.depth() * g.out_c;
  if (dense(g) && (samples * pixel <= serial_work || g.out_c % lanes == 0)) g.in_w = g.out_w = std::exchange(samples, 1);
  const ConvGeometry whole = padded(g);
  const bool planes = TARN_CPU_FEW_BODY(takes_planes, T)(g);
  const bool copied = needs_padding(g) || whole.in_h != g.in_h || whole.in_w != g.in_w || (planes && g.in_c > 1);
  const Index work = g.pixels() * pixel;
  const bool uncut = work <= serial_work || (g.pixels() > 1 && g.out_c % lanes != 0);  // parts would write into each other
  const Index parts = uncut ? 1 : std::min<Index>(vectors, 16),
              x_size = (copied ? whole : g).in_h * (copied ? whole : g).in_w * g.in_c;
  if (copied) x = pad(x, samples, g, planes, scratch);
  const auto body = TARN_CPU_FEW_BODY(conv2d, T, false);
  run(samples * work, samples * parts, [&](Index item) {
    const Index sample = item / parts;
    const auto [first, last] = parallel::piece(vectors, parts, item % parts);
    body(whole, {x + sample * x_size, 0, 1, kernel, false, g.out_c, 1, bias, 0, g.out_h, first, last, vectors,
                 y + sample * g.pixels() * g.out_c, 0, 0, 0});
  });
}

/// The block of a kernel's gradient that sums over all pixels of dy; what is left to say are x and the sums.
template <class T>
cpu::KernelGradientBlock<T> few_block(const T* dy, Index samples, const ConvGeometry& g) {
  cpu::KernelGradientBlock<T> block{};
  block.dy = dy;
  block.dy_group = g.pixels() * g.out_c;
  block.dy_row = g.out_w * g.out_c;
  block.dy_pixel = g.out_c;
  block.groups = samples;
  block.rows = g.out_h, block.columns = g.out_w;
  block.sums_row = block.last_output = g.out_c;
  block.overwrite = true;
  return block;
}
/// dkernel = sum over samples and pixels of x dy. Work is cut by kernel rows, weights (by sixes, as tiles are) and outputs.
template <class T>
void kernel_gradient_few(const T* x, const T* dy, Index samples, const ConvGeometry& g, T* dkernel, T* scratch) {
  const bool copied = needs_padding(g);
  const ConvGeometry in = copied ? padded(g) : g;
  if (copied) x = pad(x, samples, g, false, scratch);
  const Index width = 2 * cpu::lanes<T>(), columns = std::max<Index>(g.out_c / width, 1), sixes = ceil_divide(g.run(), 6);
  const Index strips = std::max(g.run() / 48, std::min(ceil_divide(sixes, 2), ceil_divide(16, g.kernel_h * columns)));
  run(samples * g.pixels() * g.depth() * g.out_c, g.kernel_h * strips * columns, [&](Index item) {
    const Index row = item / (strips * columns), column = item % columns;
    const auto [begin, end] = parallel::piece(sixes, strips, item / columns % strips);
    const Index first = begin * 6, last = std::min(end * 6, g.run());
    auto block = few_block(dy, samples, g);
    block.x = x + row * in.in_w * in.in_c + first;
    block.x_group = in.in_h * in.in_w * in.in_c;
    block.x_row = g.stride_h * in.in_w * in.in_c;
    block.x_pixel = g.stride_w * in.in_c;
    block.sums = dkernel + (row * g.run() + first) * g.out_c;
    block.count = last - first;
    block.first_output = column * width;
    if (column + 1 < columns) block.last_output = block.first_output + width;
    TARN_CPU_FEW_BODY(conv2d_kernel_gradient, T)(block);
  });
}
/// sums[out] = sum of dy over samples and rows [first, first + rows): the gradient of a weight whose input is 1 everywhere.
template <class T>
void sum_rows_few(const T* dy, Index samples, const ConvGeometry& g, Index first, Index rows, T* sums) {
  const T ones[cpu::max_lanes<float>] = {1};
  auto block = few_block(dy + first * g.out_w * g.out_c, samples, g);
  block.x = ones;
  block.rows = rows;
  block.sums = sums;
  block.count = 1;
  TARN_CPU_FEW_BODY(conv2d_kernel_gradient, T)(block);
}
/// taps[tap][out] = sum of those dy whose tap lies inside the input: of whole rows, less the columns where it does not.
template <class T>
void sum_taps_few(const T* dy, Index samples, const ConvGeometry& g, T* taps, T* row_sums) {
  for (Index row = 0; row < g.out_h; ++row) sum_rows_few(dy, samples, g, row, Index{1}, row_sums + row * g.out_c);
  const Index line = g.out_w * g.out_c, row_size = g.kernel_w * g.out_c;
  std::fill_n(taps, g.kernel_h * row_size, T(0));
  for (Index j = 0; j < g.kernel_w; ++j) {
    const auto columns = ConvGeometry::outputs_inside(j, g.in_w, g.out_w, g.stride_w, g.pad_left);
    for (Index row = 0; row < g.out_h; ++row)
      for (Index o = 0; o < g.out_c; ++o) {
        T inside = row_sums[row * g.out_c + o];
        for (Index sample = 0; sample < samples; ++sample)
          for (Index column = 0; column < g.out_w; ++column) {
            if (column == columns.first) column = columns.last;
            if (column < g.out_w) inside -= dy[(sample * g.out_h + row) * line + column * g.out_c + o];
          }
        for (Index i = 0; i < g.kernel_h; ++i) {
          const Index in = row * g.stride_h + i - g.pad_top;
          if (in >= 0 && in < g.in_h) taps[i * row_size + j * g.out_c + o] += inside;
        }
      }
  }
}

/// dx = dy W^T of a dense layer, W as it lies in memory.
template <class T>
void dense_input_gradient_few(const T* dy, Index samples, const T* kernel, const ConvGeometry& g, T* dx) {
  const Index lanes = cpu::lanes<T>(), vectors = g.in_c / lanes, parts = std::clamp<Index>(vectors, 1, 16);
  const auto body = TARN_CPU_FEW_BODY(dense_input_gradient, T);
  run(samples * g.in_c * g.out_c, parts, [&](Index part) {
    const auto [first, last] = parallel::piece(vectors, parts, part);
    body(kernel, g.in_c, g.out_c, first * lanes, part + 1 < parts ? last * lanes : g.in_c, dy, samples, dx);
  });
}
/// dx: dy of each pixel, times the weights, added to the pixels under the kernel. Work is cut by samples and rows of dx.
template <class T>
void input_gradient_few(const T* dy, Index samples, const T* kernel, const ConvGeometry& g, T* dx, T* scratch) {
  if (dense(g)) return dense_input_gradient_few(dy, samples, kernel, g, dx);
  const InputGradientPlan<T> plan{g};
  T *const flipped = scratch, *const sums = scratch + plan.kernel_size;
  const auto transpose = TARN_CPU_FEW_BODY(transpose_rows, T);
  run(16 * g.depth() * g.out_c, g.kernel_h, [&](Index row) {
    transpose(kernel + row * g.run() * g.out_c, g.run(), g.out_c, plan.width, flipped + row * g.out_c * plan.width);
  });
  const Index work = g.pixels() * g.depth() * g.out_c, parts = work <= serial_work ? 1 : std::clamp<Index>(g.in_h / 8, 1, 16);
  const Index line = plan.whole.in_w * g.in_c, row_size = g.in_w * g.in_c;
  const Index width = std::min(g.in_w, g.span_w() - g.pad_left) * g.in_c;
  const auto body = TARN_CPU_FEW_BODY(conv2d_input_gradient, T);
  run(samples * work, samples * parts, [&](Index item) {
    const Index sample = item / parts;
    const auto [first, last] = parallel::piece(g.in_h, parts, item % parts);
    const Index begin = std::min(first + g.pad_top, plan.whole.in_h), end = std::min(last + g.pad_top, plan.whole.in_h);
    T* const sum = sums + sample * plan.sum_size;
    std::fill(sum + begin * line, sum + end * line, T(0));
    body(plan.whole, dy + sample * g.pixels() * g.out_c, flipped, begin, end, sum);
    for (Index row = first; row < last; ++row) {
      const Index from = row + g.pad_top, count = from < end ? width : 0;  // no output looks at what lies behind
      T* const to = dx + (sample * g.in_h + row) * row_size;
      std::copy_n(sum + from * line + g.pad_left * g.in_c, count, to);
      std::fill(to + count, to + row_size, T(0));
    }
  });
}

}  // namespace tarn::ops::detail
