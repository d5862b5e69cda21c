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

template <class T, class A>
void activate(A, T* y, Index size) {
  static_assert(std::is_same_v<A, Tanh> || std::is_same_v<A, Linear>);
  if constexpr (std::is_same_v<A, Tanh>) elements(y, size) = elements(y, size).unaryExpr([](T z) { return std::tanh(z); });
}
template <class T, class A>
void activation_gradient(A, const T* y, T* dy, Index size) {
  static_assert(std::is_same_v<A, Tanh> || std::is_same_v<A, Linear>);
  if constexpr (std::is_same_v<A, Tanh>) elements(dy, size) *= 1 - elements(y, size).square();
}

template <class T>
void sgd(T* weights, const T* gradients, Index size, T rate) {
  elements(weights, size) -= rate * elements(gradients, size);
}
template <class T>
void sgd_momentum(T* weights, T* velocities, const T* gradients, Index size, T rate, T momentum) {
  elements(velocities, size) = momentum * elements(velocities, size) - rate * elements(gradients, size);
  elements(weights, size) += elements(velocities, size);
}

template <class T>
bool all_finite(const T* data, Index size) {
  return elements(data, size).isFinite().all();
}

template <class T>
T map_input(MapElements<T> input, Index element, Index) {
  return input.data[element];
}
template <class T>
T map_input(MapChannels<T> input, Index, Index channel) {
  return input.data[channel];
}
template <class T, class F, class... Inputs>
void map(T* y, Index pixels, Index channels, const F& f, Inputs... inputs) {
  for (Index element = 0; element < pixels * channels; ++element)
    y[element] = f(map_input<T>(inputs, element, element % channels)...);
}
template <class T, class F, class... Inputs>
void reduce(T* sums, Index pixels, Index channels, int, const F& f, Inputs... inputs) {
  for (Index element = 0; element < pixels * channels; ++element)
    sums[element % channels] += f(map_input<T>(inputs, element, element % channels)...);
}

}  // namespace tarn::cpu::plain
