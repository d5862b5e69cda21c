// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/batch.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/cpu/geometry.hpp>
#include <tarn/ops/gpu.hpp>

namespace tarn::ops::detail {

/// Scalars that one part of an elementwise operation handles: enough to hide the cost of handing it out, small enough to
/// share a single group among threads.
inline constexpr Index grain = 8192;

/// Calls `body(first, last)` on ranges that together are [0, size), borders at multiples of `unit`, from several threads.
/// Only for operations whose elements do not depend on each other.
template <class Body>
void for_ranges(Index size, Index unit, Body body) {
  const Index units = (size + unit - 1) / unit;
  Index parts = size / grain;
  parts = parts < 1 ? 1 : parts > 64 ? 64 : parts;
  if (parts > units) parts = units;
  parallel::run(parts, [&](Index part) {
    const auto [first, last] = parallel::piece(units, parts, part);
    const Index end = last * unit;
    if (first < last) body(first * unit, end < size ? end : size);
  });
}

/// Extents of the last axis, and of all before it together, of one sample.
struct Rows {
  Index rows, channels;
};
template <class T, class D>
Rows rows_of(const Batch<T, D>& x) {
  const Shape& sample = x.sample();
  const Index channels = sample.rank() == 0 ? 1 : sample.back();
  return {channels == 0 ? 0 : sample.size() / channels, channels};
}

/// Throws ShapeError unless `found` is `expected`.
inline void check_shape(const char* where, const char* what, const Shape& found, const Shape& expected) {
  if (found != expected) throw ShapeError(where, ": ", what, " is ", found.to_string(), ", expected ", expected.to_string());
}
/// The same of two batches, whose shapes are formed for the message alone. They must have as many lanes, too.
template <class T, class D>
void check_same_shape(const char* where, const char* what, const Batch<T, D>& found, const Batch<T, D>& expected) {
  if (found.count() != expected.count() || found.sample() != expected.sample())
    check_shape(where, what, found.shape(), expected.shape());
  if (found.lanes() != expected.lanes())
    throw ShapeError(where, ": ", what, " has ", found.lanes(), " lanes, expected ", expected.lanes(),
                     "; give a batch beside another that one's lanes()");
}
/// Throws ShapeError unless a tensor has that many elements.
inline void check_size(const char* where, const char* what, Index size, Index expected) {
  if (size != expected) throw ShapeError(where, ": ", what, " has ", size, " elements, expected ", expected);
}
/// Throws StateError if a layer did not ask its Setup for enough.
template <class T, class D>
void check_scratch(const char* where, const TensorView<T, D>& scratch, Index needed) {
  if (scratch.scalars() < needed) throw StateError(where, ": scratch holds ", scratch.scalars(), " scalars, needs ", needed);
}

/// Whether each lane is a model of its own, so that weights have lanes too and no sum runs over them.
template <class D>
inline constexpr bool models = std::is_same_v<D, CpuModels>;

/// A size rounded up to whole vectors, for which there is room in a batch of few samples.
template <class T>
Index whole_vectors(Index size) {
  const Index lanes = cpu::lanes<T>();
  return (size + lanes - 1) / lanes * lanes;
}

inline Index ceil_divide(Index a, Index b) { return (a + b - 1) / b; }
/// Scalars of a buffer, such that the next one behind it is aligned too.
inline Index padded_size(Index size) { return ceil_divide(size, 16) * 16; }

/// Multiplications or copies that cost less than waking other threads.
inline constexpr Index serial_work = 262144;
/// Calls `part(i)` for i in [0, parts), from several threads if there is more work than that.
template <class Part>
void run(Index work, Index parts, const Part& part) {
  if (work > serial_work) return parallel::run(parts, part);
  for (Index i = 0; i < parts; ++i) part(i);
}

/// Of y = conv(x, kernel) + bias or, with `gradients`, of dy, dkernel and dbias, on any device. Throws ShapeError where sizes do not
/// fit the geometry.
template <class T, class D>
void check_convolution(const Batch<T, D>& x, const Batch<T, D>& y, Index kernel, Index bias, const cpu::ConvGeometry& g,
                       bool gradients = false) {
  const char* const where = gradients ? "conv2d_parameter_gradients" : "conv2d";
  check_size(where, "a sample of x", x.sample().size(), g.in_h * g.in_w * g.in_c);
  check_size(where, gradients ? "a sample of dy" : "a sample of y", y.sample().size(), g.pixels() * g.out_c);
  check_size(where, gradients ? "dkernel" : "kernel", kernel, g.depth() * g.out_c);
  check_size(where, gradients ? "batch dy" : "batch y", y.count(), x.count());
  if (bias != 0) check_size(where, gradients ? "dbias" : "bias", bias, g.out_c);
}

}  // namespace tarn::ops::detail
