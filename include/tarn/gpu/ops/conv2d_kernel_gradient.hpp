// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/conv2d.hpp>
#include <tarn/ops/conv2d_kernel_gradient.hpp>

namespace tarn::ops {

/// On the GPU dx is always formed, and no sums stand in for it.
template <class T, std::same_as<Gpu> D>
bool can_sum_taps(const cpu::ConvGeometry&) {
  return false;
}

/// As on the CPU, without sums over taps.
template <class T>
void conv2d_parameter_gradients(const Batch<T, Gpu>& x, const Batch<T, Gpu>& y, const Activation& f, Batch<T, Gpu>& dy,
                                const cpu::ConvGeometry& geometry, std::type_identity_t<TensorView<T, Gpu>> dkernel,
                                std::type_identity_t<TensorView<T, Gpu>> dbias, std::type_identity_t<TensorView<T, Gpu>> scratch,
                                std::type_identity_t<TensorView<T, Gpu>> taps) {
  const auto g = geometry.simplified();
  detail::check_convolution(x, dy, dkernel.size(), dbias.size(), g, true);
  if (taps.size() != 0) throw StateError("conv2d_parameter_gradients: there are no sums over taps on the GPU");
  if (f.kind() != Activation::Kind::linear) activation_gradient(f, y, dy);
  gpu::Context& context = gpu::Context::current();
  if (x.size() == 0 || dy.size() == 0) {
    for (const auto& values : {dkernel, dbias})
      if (values.size() != 0) context.zero(values.data(), static_cast<std::size_t>(values.size()) * sizeof(T));
    return;
  }
  if (detail::is_product(g)) return detail::multiply_rows(x.data(), g.in_c, dy, x.count() * g.pixels(), dkernel, dbias);
  detail::check_scratch("conv2d_parameter_gradients", scratch, dkernel.size());
  T* const gradient = scratch.data();  // [out_c, kernel_h, kernel_w, in_c]
  gpu::convolve(context,
                detail::convolution(gpu::Convolution::Pass::kernel_gradient, gpu::scalar_type<T>, x.count(), g,
                                    gpu::common_alignment(x.data(), gradient, dy.data())),
                {x.data(), gradient, dy.data()});
  detail::transpose(gradient, dkernel.data(), g.out_c, g.depth());
  if (dbias.size() != 0) sum_rows(dy, dbias);
}

}  // namespace tarn::ops
