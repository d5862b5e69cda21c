// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/cublas/multiply.hpp>
#include <tarn/gpu/ops/elementwise.hpp>
#include <tarn/ops/matmul.hpp>

namespace tarn::ops {

namespace detail {

/// y = f(y + b), b a number a channel or empty: after a product whose library could not do it in one go.
template <class T>
void add_bias_and_activate(const TensorView<const T, Gpu>& bias, const Activation& f, Batch<T, Gpu>& y) {
  const bool elementwise = f.is_elementwise();
  if (bias.size() != 0)
    launch(gpu::kernel::activate<T>, y.size(), elementwise ? f.kind() : Activation::Kind::linear, static_cast<T>(f.slope()),
           y.data(), bias.data(), y.data(), kernel_size(y.size()), kernel_size(bias.size()));
  if (bias.size() == 0 || !elementwise) activate(f, y, y);
}

/// Whether a convolution is the product of rows [rows, in_c], one a pixel, and a kernel [in_c, out_c].
inline bool is_product(const cpu::ConvGeometry& g) {
  return g.kernel_h * g.kernel_w == 1 && g.out_h == g.in_h && g.out_w == g.in_w && g.pad_top == 0 && g.pad_left == 0;
}

template <class T>
gpu::Product product(Index rows, Index columns, Index depth, int alignment) {
  gpu::Product product;
  product.memory = gpu::scalar_type<T>;
  product.computation = gpu::computation_type(product.memory);
  product.rows = rows, product.columns = columns, product.depth = depth;
  product.alignment = alignment;
  return product;
}

/// y [rows, out] = f(x [rows, in] kernel [in, out] + bias).
template <class T>
void multiply(const T* x, Index rows, Index in, const TensorView<const T, Gpu>& kernel, const TensorView<const T, Gpu>& bias,
              const Activation& f, Batch<T, Gpu>& y) {
  using Epilogue = gpu::Product::Epilogue;
  gpu::Context& context = gpu::Context::current();
  gpu::Product p = product<T>(rows, kernel.size() / in, in, gpu::common_alignment(x, kernel.data(), bias.data(), y.data()));
  const bool linear = f.kind() == Activation::Kind::linear, relu = f.kind() == Activation::Kind::relu;
  p.epilogue = bias.size() == 0 ? Epilogue::none : linear ? Epilogue::bias : relu ? Epilogue::relu : Epilogue::none;
  const bool fused = p.epilogue != Epilogue::none;
  if (fused && gpu::multiply(context, p, x, kernel.data(), y.data(), const_cast<T*>(bias.data()))) return;
  p.epilogue = Epilogue::none;
  gpu::multiply(context, p, x, kernel.data(), y.data());
  add_bias_and_activate(bias, f, y);
}
/// dx [rows, in] = dy [rows, out] kernel^T.
template <class T>
void multiply_transposed(const T* dy, Index rows, Index out, const TensorView<const T, Gpu>& kernel, T* dx) {
  gpu::Product p = product<T>(rows, kernel.size() / out, out, gpu::common_alignment(dy, kernel.data(), dx));
  p.transpose_b = true;
  gpu::multiply(gpu::Context::current(), p, dy, kernel.data(), dx);
}
/// dkernel [in, out] = x^T dy, dbias [out] = sum of dy over rows, where it is not empty.
template <class T>
void multiply_rows(const T* x, Index in, const Batch<T, Gpu>& dy, Index rows, const TensorView<T, Gpu>& dkernel,
                   const TensorView<T, Gpu>& dbias) {
  using Epilogue = gpu::Product::Epilogue;
  gpu::Context& context = gpu::Context::current();
  gpu::Product p = product<T>(in, dkernel.size() / in, rows, gpu::common_alignment(x, dy.data(), dkernel.data(), dbias.data()));
  p.transpose_a = true;
  p.epilogue = dbias.size() == 0 ? Epilogue::none : Epilogue::bias_gradient;
  if (dbias.size() != 0 && gpu::multiply(context, p, x, dy.data(), dkernel.data(), dbias.data())) return;
  p.epilogue = Epilogue::none;
  gpu::multiply(context, p, x, dy.data(), dkernel.data());
  if (dbias.size() != 0) sum_rows(dy, dbias);
}

}  // namespace detail

template <class T, std::same_as<Gpu> D>
Index matmul_scratch(const Shape&) {
  return 0;
}

/// y = f(x W + b). x [batch, in], W [in, out], b [out] or empty, y [batch, out].
template <class T>
void matmul(const Batch<T, Gpu>& x, std::type_identity_t<TensorView<const T, Gpu>> kernel,
            std::type_identity_t<TensorView<const T, Gpu>> bias, const Activation& activation, Batch<T, Gpu>& y,
            std::type_identity_t<TensorView<T, Gpu>> scratch) {
  conv2d(x, kernel, bias, detail::dense_geometry(kernel.shape()[0], kernel.shape()[1]), activation, y, scratch);
}
/// The gradients of y = f(x W + b): dy becomes dz = dy f'(z), dW = x^T dz, db = sum of dz.
template <class T>
void matmul_parameter_gradients(const Batch<T, Gpu>& x, const Batch<T, Gpu>& y, const Activation& activation, Batch<T, Gpu>& dy,
                                std::type_identity_t<TensorView<T, Gpu>> dkernel, std::type_identity_t<TensorView<T, Gpu>> dbias,
                                std::type_identity_t<TensorView<T, Gpu>> scratch) {
  conv2d_parameter_gradients(x, y, activation, dy, detail::dense_geometry(dkernel.shape()[0], dkernel.shape()[1]), dkernel, dbias,
                             scratch);
}
/// dx = dy W^T; with `below`, the elementwise function that x went through last, times its derivative.
template <class T>
void matmul_input_gradient(const Batch<T, Gpu>& dy, std::type_identity_t<TensorView<const T, Gpu>> kernel, Batch<T, Gpu>& dx,
                           std::type_identity_t<TensorView<T, Gpu>> scratch, const Activation& below, const Batch<T, Gpu>* x) {
  conv2d_input_gradient(dy, kernel, detail::dense_geometry(kernel.shape()[0], kernel.shape()[1]), dx, scratch, below, x);
}

}  // namespace tarn::ops
