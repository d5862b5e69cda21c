// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <type_traits>

#include <Eigen/Core>

#include <tarn/cpu/geometry.hpp>
#include <tarn/formulas/activations.hpp>

namespace tarn::cpu::plain {

/// A range of scalars as an Eigen array, at no cost.
template <class T>
auto elements(T* data, Index size) {
  using Array = Eigen::Array<std::remove_const_t<T>, Eigen::Dynamic, 1>;
  return Eigen::Map<std::conditional_t<std::is_const_v<T>, const Array, Array>>(data, size);
}

template <class T>
void activate(Activation::Kind kind, T slope, const T* x, T* y, Index size) {
  using Kind = Activation::Kind;
  const auto z = elements(x, size);
  auto out = elements(y, size);
  if (kind == Kind::tanh) out = z.unaryExpr([](T v) { return std::tanh(v); });
  if (kind == Kind::sigmoid)
    out = z.unaryExpr([](T v) { return v > 0 ? 1 / (1 + std::exp(-v)) : std::exp(v) / (1 + std::exp(v)); });
  if (kind == Kind::relu) out = (z < 0).select(T(0), z);
  if (kind == Kind::leaky_relu) out = (z < 0).select(z * slope, z);
}
template <class T>
void activation_gradient(Activation::Kind kind, T slope, const T* y, const T* dy, T* dx, Index size) {
  using Kind = Activation::Kind;
  const auto f = elements(y, size), gradient = elements(dy, size);
  auto out = elements(dx, size);
  if (kind == Kind::tanh) out = gradient * (1 - f.square());
  if (kind == Kind::sigmoid) out = gradient * f * (1 - f);
  if (kind == Kind::relu || kind == Kind::leaky_relu) out = (f > 0).select(gradient, gradient * slope);
}

template <class T>
void add(const T* x, T* y, Index size) {
  elements(y, size) += elements(x, size);
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
