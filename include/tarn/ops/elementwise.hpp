// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/elementwise.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/softmax.hpp>

namespace tarn::ops {

/// Whether an activation looks at one element at a time, so that it can be applied to any range while that is in the cache.
inline bool is_elementwise(const Activation& activation) { return !std::holds_alternative<Softmax>(activation); }

/// data = f(data) on a range of a batch; for elementwise activations alone.
template <class T>
void activate_range(const Activation& activation, T* data, Index size) {
  if (std::holds_alternative<Tanh>(activation)) TARN_CPU_BODY(activate, T, Tanh)(Tanh{}, data, size);
}

/// y = f(y) in place.
template <class T>
void activate(const Activation& activation, Batch<T, Cpu>& y) {
  if (std::holds_alternative<Linear>(activation)) return;
  if (!is_elementwise(activation)) return softmax(y, y);
  detail::for_ranges(y.size(), y.lanes(),
                     [&](Index first, Index last) { activate_range(activation, y.data() + first, last - first); });
}

/// dy *= f'(z) in place, from y = f(z): dL/dy becomes dL/dz.
template <class T>
void activation_gradient(const Activation& activation, const Batch<T, Cpu>& y, Batch<T, Cpu>& dy) {
  if (std::holds_alternative<Linear>(activation)) return;
  if (!is_elementwise(activation)) return softmax_gradient(y, dy, dy);
  detail::check_shape("activation_gradient", "dy", dy.shape(), y.shape());
  const auto body = TARN_CPU_BODY(activation_gradient, T, Tanh);
  detail::for_ranges(y.size(), y.lanes(),
                     [&](Index first, Index last) { body(Tanh{}, y.data() + first, dy.data() + first, last - first); });
}

namespace detail {

template <class T>
cpu::MapElements<T> map_source(const Batch<T, Cpu>& x, Index group) {
  return {x.group(group)};
}
template <class T>
cpu::MapChannels<T> map_source(const TensorView<const T, Cpu>& x, Index) {
  return {x.data()};
}
template <class T>
cpu::MapChannels<T> map_source(const TensorView<T, Cpu>& x, Index) {
  return {x.data()};
}
template <class T, class U>
void check_map_input(const char* where, const Batch<U, Cpu>& input, const Batch<T, Cpu>& y) {
  static_assert(std::is_same_v<T, U>, "all batches of a map have one scalar type");
  if (input.shape() != y.shape())
    throw ShapeError(where, ": input ", input.shape().to_string(), ", expected ", y.shape().to_string());
}
template <class T, class U>
void check_map_input(const char* where, const TensorView<U, Cpu>& input, const Batch<T, Cpu>& y) {
  static_assert(std::is_same_v<T, std::remove_const_t<U>>, "all inputs of a map have one scalar type");
  const Index channels = rows_of(y).channels;
  if (input.size() != channels)
    throw ShapeError(where, ": ", input.size(), " values, expected one for each of the ", channels, " channels of ",
                     y.shape().to_string());
}

}  // namespace detail

/// y = f(inputs...) element by element. An input is a Batch of y's shape (y itself too), or a tensor with one value for each
/// index of the last axis; f takes and returns scalars and should be a small inlinable function object: the compiler makes
/// vectors of it. Below v4, g++ does so with a condition in f only under -fno-trapping-math (a PReLU on v3: 0.10 ns an element
/// then, 1.0 ns without). Throws ShapeError where shapes differ.
template <class T, class F, class... Inputs>
void map(Batch<T, Cpu>& y, const F& f, const Inputs&... inputs) {
  (detail::check_map_input("map", inputs, y), ...);
  const auto body = TARN_CPU_BODY(map, T, F, decltype(detail::map_source<T>(inputs, 0))...);
  const auto [rows, channels] = detail::rows_of(y);
  parallel::run(y.groups(), [&, rows = rows, channels = channels](Index group) {
    body(y.group(group), rows, channels, f, detail::map_source<T>(inputs, group)...);
  });
}

/// Scalars of scratch that a reduce over this many channels needs.
inline Index reduce_scratch(Index channels) { return parallel::max_sum_parts * channels; }

/// sums[c] = sum of f(inputs...) over the batch and all but the last axis; inputs as for `map`, the first one a Batch.
/// scratch: `reduce_scratch(channels)`. Throws ShapeError where shapes differ, StateError for too little scratch.
template <class T, class F, class... Inputs>
void reduce(const TensorView<T, Cpu>& sums, const F& f, const TensorView<T, Cpu>& scratch, const Batch<T, Cpu>& first_input,
            const Inputs&... inputs) {
  detail::check_map_input("reduce", sums, first_input);
  (detail::check_map_input("reduce", inputs, first_input), ...);
  const auto body = TARN_CPU_BODY(reduce, T, F, cpu::MapElements<T>, decltype(detail::map_source<T>(inputs, 0))...);
  const auto [rows, channels] = detail::rows_of(first_input);
  detail::check_scratch("reduce", scratch, reduce_scratch(channels));
  const Index parts = parallel::sum_parts(first_input.groups());
  parallel::run(parts, [&, rows = rows, channels = channels](Index part) {
    T* total = scratch.data() + part * channels;
    std::fill_n(total, channels, T(0));
    const auto [first, last] = parallel::piece(first_input.groups(), parts, part);
    for (Index group = first; group < last; ++group)
      body(total, rows, channels, first_input.used_lanes(group), f, detail::map_source<T>(first_input, group),
           detail::map_source<T>(inputs, group)...);
  });
  for (Index c = 0; c < channels; ++c) {
    sums[c] = 0;
    for (Index part = 0; part < parts; ++part) sums[c] += scratch[part * channels + c];
  }
}

}  // namespace tarn::ops
