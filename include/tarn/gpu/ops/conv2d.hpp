// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <tarn/gpu/cudnn/convolve.hpp>
#include <tarn/gpu/ops/matmul.hpp>
#include <tarn/ops/conv2d.hpp>

namespace tarn::ops {

namespace detail {

inline gpu::Convolution convolution(gpu::Convolution::Pass pass, gpu::ScalarType scalar, Index batch, const cpu::ConvGeometry& g,
                                    int alignment) {
  gpu::Convolution convolution;
  convolution.pass = pass;
  convolution.memory = scalar;
  convolution.computation = gpu::computation_type(scalar);
  convolution.batch = batch;
  convolution.geometry = g;
  convolution.alignment = std::min(alignment, 16);
  return convolution;
}

/// y [columns, rows] = x [rows, columns].
template <class T>
void transpose(const T* x, T* y, Index rows, Index columns) {
  launch(gpu::kernel::transpose<T>, rows * columns, x, y, kernel_size(rows * columns), kernel_size(rows), kernel_size(columns));
}
/// A kernel [kernel_h, kernel_w, in_c, out_c] as cuDNN reads it, [out_c, kernel_h, kernel_w, in_c]. Its engines take other strides
/// for these: they look at the order of channels alone.
template <class T>
T* outputs_first(const char* where, const TensorView<const T, Gpu>& kernel, const cpu::ConvGeometry& g,
                 const TensorView<T, Gpu>& scratch) {
  check_scratch(where, scratch, kernel.size());
  transpose(kernel.data(), scratch.data(), g.depth(), g.out_c);
  return scratch.data();
}

}  // namespace detail

/// Room for a kernel; cuDNN's own working memory is the context's.
template <class T, std::same_as<Gpu> D>
Index conv2d_scratch(const cpu::ConvGeometry& geometry) {
  const auto g = geometry.simplified();
  return detail::is_product(g) ? 0 : g.depth() * g.out_c;
}

/// As on the CPU, but cuDNN chooses the algorithm, in training as in prediction. Bias and ReLU are part of the convolution where an
/// engine has them.
template <class T>
void conv2d(const Batch<T, Gpu>& x, std::type_identity_t<TensorView<const T, Gpu>> kernel,
            std::type_identity_t<TensorView<const T, Gpu>> bias, const cpu::ConvGeometry& geometry, const Activation& activation,
            Batch<T, Gpu>& y, std::type_identity_t<TensorView<T, Gpu>> scratch, bool) {
  const auto g = geometry.simplified();
  detail::check_convolution(x, y, kernel.size(), bias.size(), g);
  if (y.size() == 0) return;
  if (detail::is_product(g)) return detail::multiply(x.data(), x.count() * g.pixels(), g.in_c, kernel, bias, activation, y);
  gpu::Context& context = gpu::Context::current();
  const T* const weights = detail::outputs_first("conv2d", kernel, g, scratch);
  auto c = detail::convolution(gpu::Convolution::Pass::forward, gpu::scalar_type<T>, x.count(), g,
                               gpu::common_alignment(x.data(), weights, bias.data(), y.data()));
  const gpu::ConvolutionMemory memory{x.data(), weights, y.data(), bias.data()};
  c.relu = activation.kind() == Activation::Kind::relu;
  c.bias = bias.size() != 0 && (c.relu || activation.kind() == Activation::Kind::linear);
  if (c.bias && gpu::convolve(context, c, memory)) return;
  c.bias = c.relu = false;
  gpu::convolve(context, c, memory);
  detail::add_bias_and_activate(bias, activation, y);
}

/// As on the CPU.
template <class T>
void conv2d_input_gradient(const Batch<T, Gpu>& dy, std::type_identity_t<TensorView<const T, Gpu>> kernel,
                           const cpu::ConvGeometry& geometry, Batch<T, Gpu>& dx, std::type_identity_t<TensorView<T, Gpu>> scratch,
                           const Activation& below, const Batch<T, Gpu>* x) {
  const auto g = geometry.simplified();
  detail::check_size("conv2d_input_gradient", "a sample of dy", dy.sample().size(), g.pixels() * g.out_c);
  detail::check_size("conv2d_input_gradient", "a sample of dx", dx.sample().size(), g.in_h * g.in_w * g.in_c);
  detail::check_size("conv2d_input_gradient", "kernel", kernel.size(), g.depth() * g.out_c);
  detail::check_size("conv2d_input_gradient", "batch dx", dx.count(), dy.count());
  if (dx.size() == 0) return;
  if (detail::is_product(g)) {
    detail::multiply_transposed(dy.data(), dy.count() * g.pixels(), g.out_c, kernel, dx.data());
  } else {
    const T* const weights = detail::outputs_first("conv2d_input_gradient", kernel, g, scratch);
    gpu::convolve(gpu::Context::current(),
                  detail::convolution(gpu::Convolution::Pass::input_gradient, gpu::scalar_type<T>, dx.count(), g,
                                      gpu::common_alignment(dx.data(), weights, dy.data())),
                  {dx.data(), weights, dy.data()});
  }
  if (x && below.kind() != Activation::Kind::linear) activation_gradient(below, *x, dx);
}

/// On the GPU dx is always formed.
template <class T, std::same_as<Gpu> D>
void conv2d_input_gradient_sums(std::type_identity_t<TensorView<const T, D>>, std::type_identity_t<TensorView<const T, D>>,
                                std::type_identity_t<TensorView<const T, D>>, const cpu::ConvGeometry&, const TensorView<T, D>&) {
  throw StateError("conv2d_input_gradient_sums: there are no sums over taps on the GPU");
}

}  // namespace tarn::ops
