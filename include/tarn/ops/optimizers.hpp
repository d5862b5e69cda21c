// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cmath>
#include <span>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/optimizers.hpp>
#include <tarn/ops/detail.hpp>

/// Updates work on flat buffers of one layout: weights, gradients, slots. Only what stands in `ranges` is read and written. All
/// throw ShapeError for a buffer of another size and ArgumentError for ranges that are not sorted and disjoint.
namespace tarn::ops {

namespace detail {

/// Elements in all ranges. Throws ArgumentError unless they are sorted, disjoint and within [0, size).
inline Index count_of(const char* where, std::span<const Range> ranges, Index size) {
  Index end = 0, count = 0;
  for (const Range& range : ranges) {
    if (range.first < end || range.last < range.first || range.last > size)
      throw ArgumentError(where, ": range [", range.first, ", ", range.last, ") after ", end,
                          ", expected sorted and disjoint ranges within [0, ", size, ")");
    end = range.last;
    count += range.last - range.first;
  }
  return count;
}
/// Calls `body(first, last)` on pieces of scalars that together are the ranges of these weights, from several threads.
template <class T, class D, class Body>
void for_pieces(const char* where, std::span<const Range> ranges, const TensorView<T, D>& weights, Body body) {
  const Index width = scalars_per_number<T, D>();
  count_of(where, ranges, weights.size());
  for (const Range& range : ranges)
    for_ranges((range.last - range.first) * width, 64,
               [&](Index first, Index last) { body(range.first * width + first, range.first * width + last); });
}
/// Where a slot's element stands; a slot that is not kept has no elements, and stays null.
template <class T, class D>
T* slot_at(const TensorView<T, D>& slot, Index element) {
  return slot.size() == 0 ? nullptr : slot.data() + element;
}
template <class T, class D>
void check_slot(const char* where, const char* what, const TensorView<T, D>& slot, Index size) {
  if (slot.size() != 0) check_size(where, what, slot.size(), size);
}

}  // namespace detail

/// w = keep w - rate g, in the ranges.
template <class T, OnCpu D>
void sgd(const TensorView<T, D>& weights, const TensorView<const T, D>& gradients, std::span<const Range> ranges,
         const UpdateTerms<double>& terms) {
  detail::check_size("sgd", "gradients", gradients.size(), weights.size());
  const auto body = TARN_CPU_BODY(sgd, T);
  const auto own_terms = terms.as<T>();
  detail::for_pieces("sgd", ranges, weights, [&](Index first, Index last) {
    body(weights.data() + first, gradients.data() + first, last - first, own_terms);
  });
}

/// v = momentum v - rate g; w = keep w + v, with Nesterov w = keep w + momentum v - rate g; in the ranges.
template <class T, OnCpu D>
void sgd_momentum(const TensorView<T, D>& weights, const TensorView<T, D>& velocities, const TensorView<const T, D>& gradients,
                  std::span<const Range> ranges, const UpdateTerms<double>& terms, double momentum, bool nesterov) {
  detail::check_size("sgd_momentum", "gradients", gradients.size(), weights.size());
  detail::check_size("sgd_momentum", "velocities", velocities.size(), weights.size());
  const auto body = TARN_CPU_BODY(sgd_momentum, T);
  const auto own_terms = terms.as<T>();
  detail::for_pieces("sgd_momentum", ranges, weights, [&](Index first, Index last) {
    body(weights.data() + first, velocities.data() + first, gradients.data() + first, last - first, own_terms,
         static_cast<T>(momentum), nesterov);
  });
}

/// s = rho s + (1 - rho) g^2; m = rho m + (1 - rho) g; v = momentum v + rate g / sqrt(max(s - m^2, 0) + epsilon); w = keep w - v,
/// in the ranges. Without `means` m is 0; without `velocities` the momentum is.
template <class T, OnCpu D>
void rmsprop(const TensorView<T, D>& weights, const TensorView<T, D>& squares, const TensorView<T, D>& means,
             const TensorView<T, D>& velocities, const TensorView<const T, D>& gradients, std::span<const Range> ranges,
             const UpdateTerms<double>& terms, double rho, double momentum, double epsilon) {
  detail::check_size("rmsprop", "gradients", gradients.size(), weights.size());
  detail::check_size("rmsprop", "squares", squares.size(), weights.size());
  detail::check_slot("rmsprop", "means", means, weights.size());
  detail::check_slot("rmsprop", "velocities", velocities, weights.size());
  const auto body = TARN_CPU_BODY(rmsprop, T);
  const auto own_terms = terms.as<T>();
  const RMSpropTerms<T> own{static_cast<T>(rho), static_cast<T>(1 - rho), static_cast<T>(momentum), static_cast<T>(epsilon),
                            means.size() != 0};
  detail::for_pieces("rmsprop", ranges, weights, [&](Index first, Index last) {
    body(weights.data() + first, squares.data() + first, detail::slot_at(means, first), detail::slot_at(velocities, first),
         gradients.data() + first, last - first, own_terms, own);
  });
}

/// m += (1 - beta_1) (g - m); v += (1 - beta_2) (g^2 - v); u = v, with `largest` u = largest = max(largest, v);
/// w = keep w - rate m / (sqrt(u) + epsilon), in the ranges. The rate is already corrected for the step.
template <class T, OnCpu D>
void adam(const TensorView<T, D>& weights, const TensorView<T, D>& momentums_1, const TensorView<T, D>& momentums_2,
          const TensorView<T, D>& largest, const TensorView<const T, D>& gradients, std::span<const Range> ranges,
          const UpdateTerms<double>& terms, double beta_1, double beta_2, double epsilon) {
  detail::check_size("adam", "gradients", gradients.size(), weights.size());
  detail::check_size("adam", "momentums_1", momentums_1.size(), weights.size());
  detail::check_size("adam", "momentums_2", momentums_2.size(), weights.size());
  detail::check_slot("adam", "largest", largest, weights.size());
  const auto body = TARN_CPU_BODY(adam, T);
  const auto own_terms = terms.as<T>();
  const AdamTerms<T> own{static_cast<T>(1 - beta_1), static_cast<T>(1 - beta_2), static_cast<T>(epsilon)};
  detail::for_pieces("adam", ranges, weights, [&](Index first, Index last) {
    body(weights.data() + first, momentums_1.data() + first, momentums_2.data() + first, detail::slot_at(largest, first),
         gradients.data() + first, last - first, own_terms, own);
  });
}

/// Sum of the squares of the values in the ranges, in double. Parts and their order depend on the ranges alone.
template <class T>
double sum_of_squares(const TensorView<const T, Cpu>& values, std::span<const Range> ranges) {
  const Index count = detail::count_of("sum_of_squares", ranges, values.size());
  const Index parts = parallel::sum_parts(detail::ceil_divide(count, detail::grain));
  const auto body = TARN_CPU_BODY(sum_of_squares, T);
  std::array<double, parallel::max_sum_parts> sums{};
  parallel::run(parts, [&](Index part) {
    const auto [first, last] = parallel::piece(count, parts, part);
    double sum = 0;
    Index before = 0;  // elements of the ranges gone by
    for (const Range& range : ranges) {
      const Index size = range.last - range.first;
      const Index begin = first > before ? first - before : 0, end = last < before + size ? last - before : size;
      if (begin < end) sum += body(values.data() + range.first + begin, end - begin);
      before += size;
    }
    sums[static_cast<std::size_t>(part)] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}
/// Of all values.
template <class T>
double sum_of_squares(const TensorView<const T, Cpu>& values) {
  const Range all{0, values.size()};
  return sum_of_squares(values, std::span{&all, 1});
}

/// With a model a lane: shortens the gradient of each model whose norm over the ranges is larger than `limit` to that.
template <class T>
void clip_models(const TensorView<T, CpuModels>& gradients, std::span<const Range> ranges, double limit) {
  const Index lanes = scalars_per_number<T, CpuModels>();
  for (Index lane = 0; lane < lanes; ++lane) {
    double squares = 0;
    if (lanes == 1) {
      squares = sum_of_squares(TensorView<const T, Cpu>{gradients.data(), gradients.shape()}, ranges);
    } else {
      detail::count_of("clip_models", ranges, gradients.size());
      for (const Range& range : ranges)
        for (Index i = range.first; i < range.last; ++i) {
          const double g = static_cast<double>(gradients[i * lanes + lane]);
          squares += g * g;
        }
    }
    if (!(std::sqrt(squares) > limit)) continue;
    const T scale = static_cast<T>(limit / std::sqrt(squares));
    for (const Range& range : ranges)
      for (Index i = range.first; i < range.last; ++i) gradients[i * lanes + lane] *= scale;
  }
}

/// Whether no element is infinite or NaN.
template <class T>
bool all_finite(const TensorView<const T, Cpu>& values) {
  const auto body = TARN_CPU_BODY(all_finite, T);
  std::atomic<bool> all{true};
  detail::for_ranges(values.size(), 64, [&](Index first, Index last) {
    if (!body(values.data() + first, last - first)) all.store(false, std::memory_order_relaxed);
  });
  return all.load(std::memory_order_relaxed);
}

}  // namespace tarn::ops
