// SPDX-License-Identifier: MIT
#pragma once

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
  conv2d(x, kernel, bias, detail::dense_geometry(kernel.shape()[0], kernel.shape()[1]), activation, y, scratch);
}
/// The gradients of y = f(x W + b): dy becomes dz = dy f'(z), dW = x^T dz, db = sum of dz.
template <class T, OnCpu D>
void matmul_parameter_gradients(const Batch<T, D>& x, const Batch<T, D>& y, const Activation& activation, Batch<T, D>& dy,
                                const TensorView<T, D>& dkernel, const TensorView<T, D>& dbias, const TensorView<T, D>& scratch) {
  conv2d_parameter_gradients(x, y, activation, dy, detail::dense_geometry(dkernel.shape()[0], dkernel.shape()[1]), dkernel, dbias,
                             scratch);
}
/// dx = dy W^T; with `below`, the elementwise function that x went through last, times its derivative.
template <class T, OnCpu D>
void matmul_input_gradient(const Batch<T, D>& dy, const TensorView<const T, D>& kernel, Batch<T, D>& dx,
                           const TensorView<T, D>& scratch, const Activation& below = Linear{}, const Batch<T, D>* x = nullptr) {
  conv2d_input_gradient(dy, kernel, detail::dense_geometry(kernel.shape()[0], kernel.shape()[1]), dx, scratch, below, x);
}

}  // namespace tarn::ops
