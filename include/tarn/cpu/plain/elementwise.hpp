// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <tarn/cpu/geometry.hpp>
#include <tarn/formulas/activations.hpp>

namespace tarn::cpu::plain {

// Loops over scalars, here and in the files beside this one: as Eigen's expressions they would cost every program 2 s and 150 MB
// to compile, whichever bodies it runs.

template <class T>
void activate(Activation::Kind kind, T slope, const T* x, T* y, Index size) {
  using Kind = Activation::Kind;
  for (Index i = 0; i < size; ++i) {
    const T z = x[i];
    if (kind == Kind::tanh) y[i] = std::tanh(z);
    if (kind == Kind::sigmoid) y[i] = z > 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
    if (kind == Kind::relu) y[i] = z < 0 ? T(0) : z;
    if (kind == Kind::leaky_relu) y[i] = z < 0 ? z * slope : z;
  }
}
template <class T>
void activation_gradient(Activation::Kind kind, T slope, const T* y, const T* dy, T* dx, Index size) {
  using Kind = Activation::Kind;
  for (Index i = 0; i < size; ++i) {
    if (kind == Kind::tanh) dx[i] = dy[i] * (1 - y[i] * y[i]);
    if (kind == Kind::sigmoid) dx[i] = dy[i] * y[i] * (1 - y[i]);
    if (kind == Kind::relu || kind == Kind::leaky_relu) dx[i] = y[i] > 0 ? dy[i] : dy[i] * slope;
  }
}

template <class T>
void add(const T* x, T* y, Index size) {
  for (Index i = 0; i < size; ++i) y[i] += x[i];
}

template <class T>
T map_input(MapElements<T> input, Index element, Index) {
  return input.data[element];
}
template <class T, bool Models>
T map_input(MapChannels<T, Models> input, Index, Index channel) {
  return input.data[channel];
}
template <class T, class F, class... Inputs>
void map(T* y, Index pixels, Index channels, const F& f, Inputs... inputs) {
  for (Index element = 0; element < pixels * channels; ++element)
    y[element] = f(map_input<T>(inputs, element, element % channels)...);
}
template <class T, bool Models, class F, class... Inputs>
void reduce(T* sums, Index pixels, Index channels, int, const F& f, Inputs... inputs) {
  for (Index element = 0; element < pixels * channels; ++element)
    sums[element % channels] += f(map_input<T>(inputs, element, element % channels)...);
}

}  // namespace tarn::cpu::plain
