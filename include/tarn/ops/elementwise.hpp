// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/elementwise.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/softmax.hpp>

namespace tarn::ops {

/// y = f(x) on a range of a batch, y may be x; for elementwise activations alone.
template <class T>
void activate_range(const Activation& f, const T* x, T* y, Index size) {
  if (f.kind() != Activation::Kind::linear)
    TARN_CPU_BODY(activate, T)(f.kind(), static_cast<T>(f.slope()), x, y, size);
  else if (x != y)
    std::copy_n(x, size, y);
}

namespace detail {

/// What is done to each range of a result while that is in the cache: y = f(y) or, of a gradient dx, dx *= f'(x's own input),
/// from x = f(its input).
template <class T>
struct Finish {
  Activation f;
  const T* x = nullptr;  ///< null for y = f(y)

  bool any() const { return f.is_elementwise() && f.kind() != Activation::Kind::linear; }
  /// `offset`: of the range in x.
  void operator()(T* range, Index offset, Index size) const {
    if (x)
      TARN_CPU_BODY(activation_gradient, T)(f.kind(), static_cast<T>(f.slope()), x + offset, range, range, size);
    else
      activate_range(f, range, range, size);
  }
};

}  // namespace detail

/// y = f(x); y may be x.
template <class T, OnCpu D>
void activate(const Activation& f, const Batch<T, D>& x, Batch<T, D>& y) {
  if (!f.is_elementwise()) return softmax(x, y);
  detail::check_same_shape("activate", "y", y, x);
  detail::for_ranges(detail::whole_vectors<T>(y.scalars()), cpu::lanes<T>(),
                     [&](Index first, Index last) { activate_range(f, x.data() + first, y.data() + first, last - first); });
}

/// dx = dy f'(z), from y = f(z): dL/dy becomes dL/dz. dx may be dy.
template <class T, OnCpu D>
void activation_gradient(const Activation& f, const Batch<T, D>& y, const Batch<T, D>& dy, Batch<T, D>& dx) {
  if (!f.is_elementwise()) return softmax_gradient(y, dy, dx);
  detail::check_same_shape("activation_gradient", "dy", dy, y);
  detail::check_same_shape("activation_gradient", "dx", dx, y);
  if (f.kind() == Activation::Kind::linear) {
    if (dx.data() != dy.data()) std::copy_n(dy.data(), dy.scalars(), dx.data());
    return;
  }
  const auto body = TARN_CPU_BODY(activation_gradient, T);
  detail::for_ranges(detail::whole_vectors<T>(y.scalars()), cpu::lanes<T>(), [&](Index first, Index last) {
    body(f.kind(), static_cast<T>(f.slope()), y.data() + first, dy.data() + first, dx.data() + first, last - first);
  });
}
/// dy *= f'(z) in place.
template <class T, OnCpu D>
void activation_gradient(const Activation& f, const Batch<T, D>& y, Batch<T, D>& dy) {
  activation_gradient(f, y, dy, dy);
}

namespace detail {

template <class T, OnCpu D>
cpu::MapElements<T> map_source(const Batch<T, D>& x, Index group) {
  return {x.group(group)};
}
template <class T, class U, OnCpu D>
cpu::MapChannels<T, models<D>> map_source(const TensorView<U, D>& x, Index) {
  return {x.data()};
}
template <class T, class U, OnCpu D>
void check_map_input(const char* where, const Batch<U, D>& input, const Batch<T, D>& y) {
  static_assert(std::is_same_v<T, U>, "all batches of a map have one scalar type");
  if (input.shape() != y.shape())
    throw ShapeError(where, ": input ", input.shape().to_string(), ", expected ", y.shape().to_string());
}
template <class T, class U, OnCpu D>
void check_map_input(const char* where, const TensorView<U, D>& input, const Batch<T, D>& y) {
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
template <class T, OnCpu D, class F, class... Inputs>
void map(Batch<T, D>& y, const F& f, const Inputs&... inputs) {
  (detail::check_map_input("map", inputs, y), ...);
  const auto body = y.few() ? TARN_CPU_FEW_BODY(map, T, F, decltype(detail::map_source<T>(inputs, 0))...)
                            : TARN_CPU_BODY(map, T, F, decltype(detail::map_source<T>(inputs, 0))...);
  const auto [rows, channels] = detail::rows_of(y);
  parallel::run(y.groups(), [&, rows = rows, channels = channels](Index group) {
    body(y.group(group), rows, channels, f, detail::map_source<T>(inputs, group)...);
  });
}

/// Scalars of scratch that a reduce over this many channels needs.
inline Index reduce_scratch(Index channels) { return parallel::max_sum_parts * channels; }

/// sums[c] = sum of f(inputs...) over the batch and all but the last axis; inputs as for `map`, the first one a Batch.
/// scratch: `reduce_scratch(channels)`. Throws ShapeError where shapes differ, StateError for too little scratch.
template <class T, OnCpu D, class F, class... Inputs>
void reduce(const TensorView<T, D>& sums, const F& f, const TensorView<T, D>& scratch, const Batch<T, D>& first_input,
            const Inputs&... inputs) {
  detail::check_map_input("reduce", sums, first_input);
  (detail::check_map_input("reduce", inputs, first_input), ...);
  auto body = TARN_CPU_BODY(reduce, T, detail::models<D>, F, cpu::MapElements<T>, decltype(detail::map_source<T>(inputs, 0))...);
  if (first_input.few())
    body = &cpu::plain::reduce<T, detail::models<D>, F, cpu::MapElements<T>, decltype(detail::map_source<T>(inputs, 0))...>;
  const auto [rows, channels] = detail::rows_of(first_input);
  const Index values = sums.scalars();
  detail::check_scratch("reduce", scratch, reduce_scratch(values));
  const Index parts = parallel::sum_parts(first_input.groups());
  parallel::run(parts, [&, rows = rows, channels = channels](Index part) {
    T* total = scratch.data() + part * values;
    std::fill_n(total, values, T(0));
    const auto [first, last] = parallel::piece(first_input.groups(), parts, part);
    for (Index group = first; group < last; ++group)
      body(total, rows, channels, first_input.used_lanes(group), f, detail::map_source<T>(first_input, group),
           detail::map_source<T>(inputs, group)...);
  });
  for (Index c = 0; c < values; ++c) {
    sums[c] = 0;
    for (Index part = 0; part < parts; ++part) sums[c] += scratch[part * values + c];
  }
}

}  // namespace tarn::ops
