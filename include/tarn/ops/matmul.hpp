// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/plain/narrow.hpp>
#include <tarn/ops/conv2d.hpp>

namespace tarn::ops {

namespace detail {

/// A product with a [in, out] kernel is the convolution of one pixel.
inline cpu::ConvGeometry dense_geometry(Index in, Index out) {
  cpu::ConvGeometry geometry;
  geometry.in_c = in;
  geometry.out_c = out;
  return geometry;
}

/// Whether a product of a few samples of an ensemble goes by the narrow bodies.
template <class D>
bool is_narrow(Index samples, Index lanes, Index inputs, Index outputs) {
  return models<D> && inputs >= 1 && inputs <= cpu::narrow_inputs && samples * lanes * inputs * outputs <= serial_work;
}

}  // namespace detail

/// Scalars of scratch that the products below need for a kernel of this shape.
template <class T, OnCpu D = Cpu>
Index matmul_scratch(const Shape& kernel) {
  return conv2d_scratch<T, D>(detail::dense_geometry(kernel[0], kernel[1]));
}

/// y = f(x W + b). x [batch, in], W [in, out], b [out] or empty, y [batch, out].
template <class T, OnCpu D>
void matmul(const Batch<T, D>& x, const TensorView<const T, D>& kernel, const TensorView<const T, D>& bias,
            const Activation& activation, Batch<T, D>& y, const TensorView<T, D>& scratch) {
  const Index in = kernel.shape()[0], out = kernel.shape()[1], lanes = x.lanes();
  const auto geometry = detail::dense_geometry(in, out);
  if (!detail::is_narrow<D>(x.count(), lanes, in, out)) return conv2d(x, kernel, bias, geometry, activation, y, scratch);
  if constexpr (detail::models<D>) {
    detail::check_convolution(x, y, kernel.size(), bias.size(), geometry);
    const Activation f = activation.is_elementwise() ? activation : Activation{};
    TARN_CPU_BODY(narrow_product, T)
    ({x.data(), kernel.data(), out * lanes, lanes, bias.size() ? bias.data() : nullptr, nullptr, y.data(), x.count(), in, out,
      f.kind(), static_cast<T>(f.slope())});
    if (!activation.is_elementwise()) activate(activation, y, y);
  }
}
/// The gradients of y = f(x W + b): dy becomes dz = dy f'(z), dW = x^T dz, db = sum of dz.
template <class T, OnCpu D>
void matmul_parameter_gradients(const Batch<T, D>& x, const Batch<T, D>& y, const Activation& activation, Batch<T, D>& dy,
                                const TensorView<T, D>& dkernel, const TensorView<T, D>& dbias, const TensorView<T, D>& scratch) {
  const Index in = dkernel.shape()[0], out = dkernel.shape()[1];
  const auto geometry = detail::dense_geometry(in, out);
  if (!detail::is_narrow<D>(x.count(), x.lanes(), in, out))
    return conv2d_parameter_gradients(x, y, activation, dy, geometry, dkernel, dbias, scratch);
  if constexpr (detail::models<D>) {
    detail::check_convolution(x, dy, dkernel.size(), dbias.size(), geometry, true);
    if (activation != Activation{}) activation_gradient(activation, y, dy);
    TARN_CPU_BODY(narrow_gradients, T)
    ({x.data(), dy.data(), x.count(), in, out, dkernel.data(), dbias.size() ? dbias.data() : nullptr});
  }
}
/// dx = dy W^T; with `below`, the elementwise function that x went through last, times its derivative.
template <class T, OnCpu D>
void matmul_input_gradient(const Batch<T, D>& dy, const TensorView<const T, D>& kernel, Batch<T, D>& dx,
                           const TensorView<T, D>& scratch, const Activation& below = Linear{}, const Batch<T, D>* x = nullptr) {
  const Index in = kernel.shape()[0], out = kernel.shape()[1], lanes = dy.lanes();
  if (!detail::is_narrow<D>(dy.count(), lanes, out, in))
    return conv2d_input_gradient(dy, kernel, detail::dense_geometry(in, out), dx, scratch, below, x);
  if constexpr (detail::models<D>) {
    detail::check_size("conv2d_input_gradient", "a sample of dy", dy.sample().size(), out);
    detail::check_size("conv2d_input_gradient", "a sample of dx", dx.sample().size(), in);
    detail::check_size("conv2d_input_gradient", "batch dx", dx.count(), dy.count());
    const bool scaled = x && below != Activation{} && below.is_elementwise();
    const Activation f = scaled ? below : Activation{};
    TARN_CPU_BODY(narrow_product, T)
    ({dy.data(), kernel.data(), lanes, out * lanes, nullptr, scaled ? x->data() : nullptr, dx.data(), dy.count(), out, in,
      f.kind(), static_cast<T>(f.slope())});
  }
}

}  // namespace tarn::ops
