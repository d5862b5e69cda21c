// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/narrow.hpp>
#include <tarn/cpu/plain/elementwise.hpp>

namespace tarn::cpu::plain {

template <class T>
void narrow_product(const NarrowProduct<T>& p) {
  for (Index s = 0; s < p.samples; ++s)
    for (Index o = 0; o < p.outputs; ++o) {
      T sum = p.bias ? p.bias[o] : T(0);
      for (Index k = 0; k < p.inputs; ++k) sum += p.x[s * p.inputs + k] * p.kernel[k * p.k_stride + o * p.output_stride];
      p.y[s * p.outputs + o] = sum;
    }
  if (p.f == Activation::Kind::linear) return;
  const Index size = p.samples * p.outputs;
  if (p.below)
    activation_gradient(p.f, p.slope, p.below, p.y, p.y, size);
  else
    activate(p.f, p.slope, p.y, p.y, size);
}

template <class T>
void narrow_gradients(const NarrowGradients<T>& g) {
  for (Index o = 0; o < g.outputs; ++o) {
    for (Index k = 0; k < g.inputs; ++k) {
      T sum = 0;
      for (Index s = 0; s < g.samples; ++s) sum += g.x[s * g.inputs + k] * g.dy[s * g.outputs + o];
      g.dkernel[k * g.outputs + o] = sum;
    }
    T sum = 0;
    for (Index s = 0; s < g.samples; ++s) sum += g.dy[s * g.outputs + o];
    if (g.dbias) g.dbias[o] = sum;
  }
}

}  // namespace tarn::cpu::plain
