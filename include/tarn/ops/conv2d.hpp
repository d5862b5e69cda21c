// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>

#include <tarn/core/batch.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/conv2d.hpp>
#include <tarn/ops/conv2d_few.hpp>
#include <tarn/ops/conv2d_kernel_gradient.hpp>
#include <tarn/ops/conv2d_winograd.hpp>
#include <tarn/ops/elementwise.hpp>
#include <tarn/ops/matmul_panels.hpp>

namespace tarn::ops {

namespace detail {

using cpu::ConvGeometry;

/// A kernel as the bodies read it: in place, or packed.
template <class T>
struct Weights {
  const T* data;
  bool packed;
  Index k_stride, output_stride;
};

/// Packs a kernel [taps, in, out] for the convolution `g`.
template <class T>
Weights<T> pack(const T* kernel, const ConvGeometry& g, T* packed) {
  const Index taps = g.kernel_h * g.kernel_w, chunk = 64, chunks = ceil_divide(g.in_c, chunk);
  const auto body = TARN_CPU_BODY(pack_kernel, T);
  parallel::run(taps * chunks, [&](Index item) {
    const Index tap = item / chunks, first = item % chunks * chunk;
    body(kernel + (tap * g.in_c + first) * g.out_c, g.out_c, 1, tap * g.in_c + first, std::min(chunk, g.in_c - first), g.depth(),
         g.out_c, packed);
  });
  return {packed, true, 0, 0};
}
/// Packs those taps of a kernel [kernel_h, kernel_w, in, out] that belong to a phase (its first tap in rows and columns), flipped,
/// for the transposed convolution `t`.
template <class T>
Weights<T> pack_flipped(const T* kernel, const ConvGeometry& g, const ConvGeometry& t, Index first_row, Index first_column,
                        T* packed) {
  const Index taps = t.kernel_h * t.kernel_w, chunk = 64, chunks = ceil_divide(t.in_c, chunk);
  const auto body = TARN_CPU_BODY(pack_kernel, T);
  parallel::run(taps * chunks, [&](Index item) {
    const Index tap = item / chunks, first = item % chunks * chunk;
    const Index row = first_row + (t.kernel_h - 1 - tap / t.kernel_w) * g.stride_h;
    const Index column = first_column + (t.kernel_w - 1 - tap % t.kernel_w) * g.stride_w;
    body(kernel + (row * g.kernel_w + column) * g.in_c * g.out_c + first, 1, g.out_c, tap * t.in_c + first,
         std::min(chunk, t.in_c - first), t.depth(), t.out_c, packed);
  });
  return {packed, true, 0, 0};
}

/// The same where a weight is one number a model: [tap][in][out][lane].
template <class T>
Weights<T> pack_models(const T* kernel, const ConvGeometry& g, const ConvGeometry& t, Index first_row, Index first_column,
                       Index lanes, T* packed) {
  T* to = packed;
  for (Index tap = 0; tap < t.kernel_h * t.kernel_w; ++tap) {
    const Index row = first_row + (t.kernel_h - 1 - tap / t.kernel_w) * g.stride_h;
    const Index column = first_column + (t.kernel_w - 1 - tap % t.kernel_w) * g.stride_w;
    const T* from = kernel + (row * g.kernel_w + column) * g.in_c * g.out_c * lanes;
    for (Index in = 0; in < t.in_c; ++in)
      for (Index out = 0; out < t.out_c; ++out, to += lanes) std::copy_n(from + (out * g.out_c + in) * lanes, lanes, to);
  }
  return {packed, false, t.out_c * lanes, lanes};
}

/// Whether rows of weights that far apart are worth packing, though they could be read in place.
inline bool wide(const ConvGeometry& g) { return g.out_c >= 256; }

/// Where a convolution writes: strides in pixels.
template <class T>
struct Output {
  T* data;
  Index image, row, pixel;
};

/// The forward pass; with `Models` a lane is a model. Items are cut by groups and rows or, of a dense layer, outputs; little work
/// is one item. Borders depend on shapes alone.
template <class T, bool Models>
void convolve(const T* x, Index groups, Index lanes, const Weights<T>& weights, const T* bias, const ConvGeometry& g,
              const Output<T>& y, const Finish<T>& finish) {
  const Index x_group = g.in_h * g.in_w * g.in_c * lanes, pixel = g.out_c * lanes, y_group = y.image * pixel;
  const Index tiles = ceil_divide(g.out_c, TARN_CPU_BODY(conv_tile_outputs, T)());
  const bool finished = finish.any();
  const auto body = TARN_CPU_BODY(conv2d, T, Models);
  const auto compute = [&](Index first, Index count, Index first_row, Index last_row, Index first_tile, Index last_tile) {
    const Index first_output = g.out_c * first_tile / tiles, last_output = g.out_c * last_tile / tiles;
    T* const to = y.data + first * y_group;
    for (Index row = first_row; row < last_row; ++row) {
      body(g, {x + first * x_group, x_group, count, weights.data, weights.packed, weights.k_stride, weights.output_stride, bias,
               row, row + 1, first_tile, last_tile, tiles, to, y_group, y.row * pixel, y.pixel * pixel});
      const Index size = ((g.out_w - 1) * g.out_c + last_output - first_output) * lanes;
      T* const range = to + row * y.row * pixel + first_output * lanes;
      if (finished && size == y_group)  // whole groups, one behind the other
        finish(range, range - y.data, count * size);
      else
        for (Index group = 0; finished && group < count; ++group)
          finish(range + group * y_group, range + group * y_group - y.data, size);
    }
  };
  const Index work = groups * lanes * g.pixels() * std::max<Index>(g.depth(), 1) * g.out_c;
  if (work <= serial_work) return compute(0, groups, 0, g.out_h, 0, tiles);
  // Two blocks at least, so that two threads have the same samples here as in the layers around, and do not exchange activations;
  // of large products they would rather exchange those than both read all weights.
  const Index fewest = g.pixels() == 1 && g.depth() * g.out_c > 65536 ? 1 : 2;
  const Index block = lanes == 1 ? 16 : std::clamp<Index>(groups / fewest, 1, 4), blocks = ceil_divide(groups, block);
  const Index items = ceil_divide(std::min<Index>(32, 2 * work / serial_work), blocks);
  const Index row_parts = std::min(items, g.out_h), tile_parts = g.pixels() == 1 ? std::min(items, tiles) : 1;
  parallel::run(blocks * row_parts * tile_parts, [&](Index item) {
    const Index first = item / (row_parts * tile_parts) * block;
    const auto [first_row, last_row] = parallel::piece(g.out_h, row_parts, item / tile_parts % row_parts);
    const auto [first_tile, last_tile] = parallel::piece(tiles, tile_parts, item % tile_parts);
    compute(first, std::min(block, groups - first), first_row, last_row, first_tile, last_tile);
  });
}

/// `conv2d_scratch` with the instruction set in use.
template <class T, OnCpu D>
Index scratch_in_use(const ConvGeometry& g) {
  const Index lanes = cpu::lanes<T>();
  const Index packed = dense(g)                                 ? wide(g) ? PanelPlan{g}.scratch() : 0
                       : g.kernel_h * g.kernel_w > 1 || wide(g) ? g.depth() * g.out_c
                                                                : 0;
  const Index bias_sums = parallel::max_sum_parts * padded_size(g.out_c * lanes);
  const KernelGradientPlan gradient{g, lanes, models<D>};
  const Index panels = gradient.panels(g) ? GradientPanelPlan{g}.scratch() : 0;
  Index winograd_scratch = 0;
  if (!models<D> && suits_winograd(g)) {
    const WinogradPlan plan{g, lanes};
    winograd_scratch = std::max(plan.scratch(), plan.gradient_scratch(g));
  }
  if (!models<D> && g.stride_h == 1 && g.stride_w == 1 && suits_winograd(transposed(g)))
    winograd_scratch = std::max(winograd_scratch, WinogradPlan{transposed(g), lanes}.scratch());
  const Index scalars = std::max(
      {bias_sums, winograd_scratch, few_scratch<T>(g, std::max<Index>(few_samples<T>(), 1)), gradient.scratch(), panels});
  return std::max(packed, ceil_divide(scalars, scalars_per_number<T, D>()));
}

}  // namespace detail

/// Numbers of scratch that any of the functions below needs, whatever the batch size and the number of threads.
template <class T, OnCpu D = Cpu>
Index conv2d_scratch(const cpu::ConvGeometry& geometry) {
  const auto g = geometry.simplified();
  Index scratch = detail::scratch_in_use<T, D>(g);
  if constexpr (!detail::models<D>) {
    const cpu::UseInstructionSet use{step_instruction_set<T>(cpu::lanes<T>() / 2)};
    scratch = std::max(scratch, detail::scratch_in_use<T, D>(g));
  }
  return scratch;
}

/// y = f(conv(x, kernel) + bias). An elementwise f is applied to each range of y while that is in the cache.
/// x [batch, in_h, in_w, in_c], kernel [kernel_h, kernel_w, in_c, out_c], bias [out_c] or empty, y [batch, out_h, out_w, out_c].
/// In `training` a 3x3 kernel may go by Winograd's algorithm, which rounds otherwise; predictions have the same bits however many
/// samples are predicted at once. Cost: 2 batch out_h out_w kernel_h kernel_w in_c out_c flops, of which the algorithm spares up to
/// 56 %. Throws ShapeError where sizes do not fit the geometry.
template <class T, OnCpu D>
void conv2d(const Batch<T, D>& x, std::type_identity_t<TensorView<const T, D>> kernel,
            std::type_identity_t<TensorView<const T, D>> bias, const cpu::ConvGeometry& geometry, const Activation& activation,
            Batch<T, D>& y, std::type_identity_t<TensorView<T, D>> scratch, bool training = false) {
  const auto g = geometry.simplified();
  detail::check_convolution(x, y, kernel.size(), bias.size(), g);
  constexpr bool models = detail::models<D>;
  const Index width = models ? x.lanes() : 1;  // scalars of a weight
  detail::Weights<T> weights{kernel.data(), false, g.out_c * width, width};
  const T* const start = bias.size() ? bias.data() : nullptr;
  if (x.few()) {
    detail::check_scratch("conv2d", scratch, detail::few_scratch<T>(g, x.count()));
    detail::convolve_few(x.data(), x.count(), kernel.data(), start, g, y.data(), scratch.data());
    return activate(activation, y, y);
  }
  if (!models && training && detail::suits_winograd(g, x.groups())) {
    detail::check_scratch("conv2d", scratch, detail::WinogradPlan{g, x.lanes()}.scratch());
    detail::convolve_winograd(x.data(), x.groups(), Index{x.lanes()}, kernel.data(), false, start, g, y.data(), {activation},
                              scratch.data());
  } else if (!models && detail::dense(g) && detail::wide(g)) {
    detail::check_scratch("conv2d", scratch, detail::PanelPlan{g}.scratch());
    detail::multiply_panels(x.data(), x.groups(), Index{x.lanes()}, kernel.data(), start, g, y.data(), {activation},
                            scratch.data());
  } else {
    if (width == 1 && detail::wide(g) && x.groups() * g.pixels() > 4) {
      detail::check_scratch("conv2d", scratch, kernel.size());
      weights = detail::pack(kernel.data(), g, scratch.data());
    }
    detail::convolve<T, models>(x.data(), x.groups(), Index{x.lanes()}, weights, start, g, {y.data(), g.pixels(), g.out_w, 1},
                                {activation});
  }
  if (!activation.is_elementwise()) activate(activation, y, y);
}

/// dx = the convolution of dy with the flipped kernel, inputs and outputs exchanged; with a stride, one for each phase of
/// input positions, on the taps that reach them. With `below`, the elementwise function that x went through last, dx is
/// multiplied by its derivative: it is then the gradient before that function. 3x3 kernels may go by Winograd's algorithm.
/// dy [batch, out_h, out_w, out_c], kernel [kernel_h, kernel_w, in_c, out_c], dx [batch, in_h, in_w, in_c].
template <class T, OnCpu D>
void conv2d_input_gradient(const Batch<T, D>& dy, std::type_identity_t<TensorView<const T, D>> kernel,
                           const cpu::ConvGeometry& geometry, Batch<T, D>& dx, std::type_identity_t<TensorView<T, D>> scratch,
                           const Activation& below = Linear{}, const Batch<T, D>* x = nullptr) {
  const auto g = geometry.simplified();
  detail::check_size("conv2d_input_gradient", "a sample of dy", dy.sample().size(), g.pixels() * g.out_c);
  detail::check_size("conv2d_input_gradient", "a sample of dx", dx.sample().size(), g.in_h * g.in_w * g.in_c);
  detail::check_size("conv2d_input_gradient", "kernel", kernel.size(), g.depth() * g.out_c);
  detail::check_size("conv2d_input_gradient", "batch dx", dx.count(), dy.count());
  if (dy.few()) {
    detail::check_scratch("conv2d_input_gradient", scratch, detail::few_scratch<T>(g, dy.count()));
    detail::input_gradient_few(dy.data(), dy.count(), kernel.data(), g, dx.data(), scratch.data());
    return x ? activation_gradient(below, *x, dx) : void();
  }
  constexpr bool models = detail::models<D>;
  const Index lanes = dy.lanes(), width = models ? lanes : 1;
  const detail::Finish<T> finish{below, x ? x->data() : nullptr};
  const bool one_phase = g.stride_h == 1 && g.stride_w == 1;
  if (const auto t = detail::transposed(g); !models && one_phase && detail::suits_winograd(t, dy.groups())) {
    detail::check_scratch("conv2d_input_gradient", scratch, detail::WinogradPlan{t, lanes}.scratch());
    return detail::convolve_winograd<T>(dy.data(), dy.groups(), lanes, kernel.data(), true, nullptr, t, dx.data(), finish,
                                        scratch.data());
  }
  const bool packed = g.kernel_h * g.kernel_w > 1;  // a 1x1 kernel is its own flip
  if (packed) detail::check_scratch("conv2d_input_gradient", scratch, kernel.scalars());
  for (Index i = 0; i < std::min(g.stride_h, g.in_h + g.pad_top); ++i)  // phases behind hold no input position
    for (Index j = 0; j < std::min(g.stride_w, g.in_w + g.pad_left); ++j) {
      const auto rows = g.phase(i, g.in_h, g.kernel_h, g.stride_h, g.pad_top);
      const auto columns = g.phase(j, g.in_w, g.kernel_w, g.stride_w, g.pad_left);
      if (rows.count == 0 || columns.count == 0) continue;
      const auto t = g.transposed(rows, columns);
      detail::Weights<T> weights{kernel.data(), false, width, g.out_c * width};
      if (packed && models && lanes > 1)
        weights = detail::pack_models(kernel.data(), g, t, i, j, lanes, scratch.data());
      else if (packed)
        weights = detail::pack_flipped(kernel.data(), g, t, i, j, scratch.data());
      T* const to = dx.data() + (rows.start * g.in_w + columns.start) * g.in_c * lanes;
      detail::convolve<T, models>(dy.data(), dy.groups(), lanes, weights, nullptr, t,
                                  {to, g.in_h * g.in_w, g.stride_h * g.in_w, g.stride_w},
                                  one_phase ? finish : detail::Finish<T>{});
    }
  if (!one_phase && finish.any()) activation_gradient(below, *x, dx);
}

/// Sums [2, in_c] over samples and pixels of dx, and of dx x, without forming dx: x is multiplied by each weight as often as it
/// is in the kernel's gradient, so that the sum of dx x is that of W dW; that of dx follows from the sums of dz over `taps`.
/// kernel and dkernel [kernel_h, kernel_w, in_c, out_c], taps [kernel_h, kernel_w, out_c] of `conv2d_parameter_gradients`.
template <class T, OnCpu D>
void conv2d_input_gradient_sums(std::type_identity_t<TensorView<const T, D>> kernel,
                                std::type_identity_t<TensorView<const T, D>> dkernel,
                                std::type_identity_t<TensorView<const T, D>> taps, const cpu::ConvGeometry& geometry,
                                const TensorView<T, D>& sums) {
  const Index in = geometry.in_c, out = geometry.out_c;
  detail::check_size("conv2d_input_gradient_sums", "sums", sums.size(), 2 * in);
  for (Index c = 0; c < in; ++c) {
    double of_dx = 0, of_products = 0;
    for (Index tap = 0; tap < geometry.kernel_h * geometry.kernel_w; ++tap)
      for (Index o = 0; o < out; ++o) {
        const Index at = (tap * in + c) * out + o;
        of_dx += static_cast<double>(kernel[at]) * static_cast<double>(taps[tap * out + o]);
        of_products += static_cast<double>(kernel[at]) * static_cast<double>(dkernel[at]);
      }
    sums[c] = static_cast<T>(of_dx);
    sums[in + c] = static_cast<T>(of_products);
  }
}

}  // namespace tarn::ops
