// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/norm.hpp>
#include <tarn/ops/detail.hpp>
#include <tarn/ops/elementwise.hpp>
#include <tarn/ops/norm_plan.hpp>

namespace tarn::ops {

/// Scratch that the functions below need for this many channels.
inline Index norm_scratch(Index channels) { return 6 * parallel::max_sum_parts * channels; }

namespace detail {

/// Count, mean and sum of squares around the mean of some values, to be joined with those of others.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void add(const Moments& other) {
    if (count == 0) {
      *this = other;
      return;
    }
    const double total = count + other.count, distance = other.mean - mean;
    squares += other.squares + distance * distance * count * other.count / total;
    mean += distance * other.count / total;
    count = total;
  }
};

/// Calls `body(part's sums, part's products, plan, chunk)` for each chunk of the batch, then adds the parts in order, in double:
/// `total(statistic, sum, product)`, `count` statistics in all.
template <class T, OnCpu D, class Body, class Total>
void channel_sums(const Batch<T, D>& x, Index count, T* scratch, Body body, Total total) {
  const NormPlan<T, D> plan{x};
  const Index parts = plan.parts;
  run_parts(x, parts, [&](Index part) {
    T* sums = scratch + part * 2 * count;
    std::fill_n(sums, 2 * count, T(0));
    plan.for_chunks(part, [&](const auto& chunk) { body(sums, sums + count, plan, chunk); });
  });
  for (Index c = 0; c < count; ++c) {
    double sum = 0, product = 0;
    for (Index part = 0; part < parts; ++part) {
      sum += static_cast<double>(scratch[part * 2 * count + c]);
      product += static_cast<double>(scratch[part * 2 * count + count + c]);
    }
    total(c, sum, product);
  }
}

/// `moments`; calls `then(group)` for each group while it is in the cache, unless groups are cut into pieces.
template <class T, OnCpu D, class Then>
void moments(const Batch<T, D>& x, const TensorView<T, D>& mean, const TensorView<T, D>& variance,
             const TensorView<T, D>& scratch, Then then) {
  const auto [rows, channels] = rows_of(x);
  check_size("moments", "mean", mean.size(), channels);
  check_size("moments", "variance", variance.size(), channels);
  const Index statistics = detail::statistics(x, channels);
  check_scratch("moments", scratch, norm_scratch(statistics));
  const NormPlan<T, D> plan{x};
  const auto body = x.few() ? TARN_CPU_FEW_BODY(moments, T, models<D>) : TARN_CPU_BODY(moments, T, models<D>);
  run_parts(x, plan.parts, [&, channels = channels](Index part) {
    T* const center = scratch.data() + part * 6 * statistics;  // the mean so far, less
    T* const base = center + statistics;                       // that of the part's first chunk
    T* const squares = base + statistics;
    T* const chunk_center = squares + statistics;
    T* const chunk_sums = chunk_center + statistics;
    T* const chunk_squares = chunk_sums + statistics;
    std::fill_n(center, 3 * statistics, T(0));
    double seen = 0;
    plan.for_chunks(part, [&](const auto& chunk) {
      const T* const values = x.data() + plan.start(chunk);
      const double count = static_cast<double>(plan.count(chunk));
      std::fill_n(chunk_center, 3 * statistics, T(0));
      const Index some = ceil_divide(chunk.rows, 16), from = (chunk.rows - some) / 2;  // from the middle
      body(values + from * channels * x.lanes(), 1, some, channels, x.used_lanes(chunk.group), chunk_squares, chunk_center,
           chunk_sums);
      for (Index c = 0; c < statistics; ++c) chunk_center[c] /= static_cast<T>(samples_of(x, chunk.group) * some);
      bool near = false;
      for (int attempt = 0; attempt < 2 && !near; ++attempt) {
        std::fill_n(chunk_sums, 2 * statistics, T(0));
        body(values, chunk.groups, chunk.rows, channels, plan.used_lanes(chunk), chunk_center, chunk_sums, chunk_squares);
        near = true;
        for (Index c = 0; c < statistics; ++c) {
          const double sum = static_cast<double>(chunk_sums[c]);
          near &= !(sum * sum > static_cast<double>(chunk_squares[c]) * count / 2);
        }
        for (Index c = 0; !near && attempt == 0 && c < statistics; ++c) chunk_center[c] += chunk_sums[c] / static_cast<T>(count);
      }
      for (Index c = 0; c < statistics; ++c) {
        const double offset = static_cast<double>(chunk_sums[c]) / count;  // what the center lies off the mean
        Moments joined{seen, static_cast<double>(center[c]), static_cast<double>(squares[c])};
        if (seen == 0) base[c] = chunk_center[c];
        const double distance = static_cast<double>(chunk_center[c]) - static_cast<double>(base[c]);
        joined.add({count, distance + offset, static_cast<double>(chunk_squares[c]) - count * offset * offset});
        center[c] = static_cast<T>(joined.mean);
        squares[c] = static_cast<T>(joined.squares);
      }
      seen += count;
      for (Index done = 0; plan.pieces == 1 && done < chunk.groups; ++done) then(chunk.group + done);
    });
  });
  for (Index c = 0; c < statistics; ++c) {
    Moments all;
    for (Index part = 0; part < plan.parts; ++part) {
      Index count = 0;
      plan.for_chunks(part, [&](const auto& chunk) { count += plan.count(chunk); });
      const T* sums = scratch.data() + part * 6 * statistics;
      all.add({static_cast<double>(count), static_cast<double>(sums[statistics + c]) + static_cast<double>(sums[c]),
               static_cast<double>(sums[2 * statistics + c])});
    }
    mean[c] = static_cast<T>(all.mean);
    variance[c] = static_cast<T>(all.squares > 0 || std::isnan(all.squares) ? all.squares / all.count : 0);
  }
}

}  // namespace detail

/// mean[c] and (biased) variance[c] of x over the batch and all but the last axis; neither is finite where x holds NaN or
/// infinity, both are 0 for an empty batch. A chunk of groups is read once, as differences to a mean guessed from some of its
/// pixels, and, where that lies more than a deviation off, again from the better mean; chunks, then parts, are joined in order.
/// So neither a large mean nor an outlier costs digits of the variance.
template <class T, OnCpu D>
void moments(const Batch<T, D>& x, const TensorView<T, D>& mean, const TensorView<T, D>& variance,
             const TensorView<T, D>& scratch) {
  detail::moments(x, mean, variance, scratch, [](Index) {});
}

/// value += share (target - value): one step of a moving average, share in [0, 1].
template <class T, OnCpu D>
void move_towards(const TensorView<T, D>& value, const TensorView<const T, D>& target, double share) {
  detail::check_size("move_towards", "target", target.size(), value.size());
  for (Index i = 0; i < value.scalars(); ++i) value[i] += static_cast<T>(share) * (target[i] - value[i]);
}

/// y = (x - mean) / sqrt(variance + epsilon) gamma + beta, a channel of the last axis; y is not x.
template <class T, OnCpu D>
void normalize(const Batch<T, D>& x, const TensorView<const T, D>& mean, const TensorView<const T, D>& variance, double epsilon,
               const TensorView<const T, D>& gamma, const TensorView<const T, D>& beta, Batch<T, D>& y,
               const TensorView<T, D>& scratch) {
  const auto [rows, channels] = detail::rows_of(x);
  detail::check_same_shape("normalize", "y", y, x);
  for (const auto& values : {mean, variance, gamma, beta})
    detail::check_size("normalize", "a value a channel", values.size(), channels);
  const Index statistics = detail::statistics(x, channels);
  detail::check_scratch("normalize", scratch, norm_scratch(statistics));
  T* scale = scratch.data();
  TARN_CPU_BODY(normalize_scale, T)(variance.data(), gamma.data(), static_cast<T>(epsilon), statistics, scale);
  const auto body = x.few() ? TARN_CPU_FEW_BODY(normalize, T, detail::models<D>) : TARN_CPU_BODY(normalize, T, detail::models<D>);
  detail::for_pixels(x, [&, channels = channels](Index first, Index pixels) {
    body(x.data() + first, y.data() + first, 1, pixels, channels, mean.data(), scale, beta.data());
  });
}

/// dx = dy gamma / sqrt(variance + epsilon), a channel: the gradient where mean and variance do not depend on x.
template <class T, OnCpu D>
void normalize_input_gradient(const Batch<T, D>& dy, const TensorView<const T, D>& variance, double epsilon,
                              const TensorView<const T, D>& gamma, Batch<T, D>& dx, const TensorView<T, D>& scratch) {
  const Index channels = detail::rows_of(dy).channels, statistics = detail::statistics(dy, channels);
  detail::check_scratch("normalize_input_gradient", scratch, norm_scratch(statistics));
  T* const zeros = scratch.data() + 2 * statistics;  // behind what normalize uses
  std::fill_n(zeros, statistics, T(0));
  const TensorView<const T, D> none{zeros, {channels}};
  normalize(dy, none, variance, epsilon, gamma, none, dx, scratch);
}

namespace detail {

/// dx = scale dy + offset + (x - mean) slope: a value a channel of each.
template <class T>
struct NormalizeSlopes {
  const T *scale, *offset, *slope;
};
/// dgamma and dbeta of `normalize` from x and dy, or from their means over windows, and what dx follows from; `count` values of
/// x have the same mean and variance.
template <class T, OnCpu D>
NormalizeSlopes<T> normalize_parameter_gradients(const Batch<T, D>& x, const Batch<T, D>& dy, double count,
                                                 const TensorView<const T, D>& mean, const TensorView<const T, D>& variance,
                                                 double epsilon, const TensorView<const T, D>& gamma,
                                                 const TensorView<T, D>& dgamma, const TensorView<T, D>& dbeta,
                                                 const TensorView<T, D>& scratch) {
  const auto [rows, channels] = rows_of(x);
  check_same_shape("normalize_gradient", "dy", dy, x);
  for (const auto& values : {mean, variance, gamma})
    check_size("normalize_gradient", "a value a channel", values.size(), channels);
  for (const auto& values : {dgamma, dbeta}) check_size("normalize_gradient", "a value a channel", values.size(), channels);
  const Index statistics = detail::statistics(x, channels);
  check_scratch("normalize_gradient", scratch, norm_scratch(statistics));
  T* scale = scratch.data() + 2 * parallel::max_sum_parts * statistics;
  T* offset = scale + statistics;
  T* slope = offset + statistics;
  const auto sums_body = x.few() ? TARN_CPU_FEW_BODY(normalize_sums, T, models<D>) : TARN_CPU_BODY(normalize_sums, T, models<D>);
  channel_sums(
      x, statistics, scratch.data(),
      [&, channels = channels](T* sums, T* products, const auto& plan, const auto& chunk) {
        sums_body(x.data() + plan.start(chunk), dy.data() + plan.start(chunk), chunk.groups, chunk.rows, channels,
                  plan.used_lanes(chunk), mean.data(), sums, products);
      },
      [&](Index c, double sum, double product) {
        const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon);
        dbeta[c] = static_cast<T>(sum);                                                      // dbeta = sum dy
        dgamma[c] = static_cast<T>(product * inverse);                                       // dgamma = sum dy xhat
        scale[c] = static_cast<T>(static_cast<double>(gamma[c]) * inverse);                  // dx = scale (dy - mean of dy
        offset[c] = static_cast<T>(-static_cast<double>(gamma[c]) * inverse * sum / count);  //   - xhat (mean of dy xhat))
        slope[c] = static_cast<T>(-static_cast<double>(gamma[c]) * inverse * inverse * inverse * product / count);
      });
  return {scale, offset, slope};
}

}  // namespace detail

/// Whether dgamma can be had from sums of dy y: y must not be almost all beta.
template <class T, OnCpu D>
bool can_use_sums(const TensorView<const T, D>& gamma, const TensorView<const T, D>& beta) {
  bool can = true;
  for (Index c = 0; c < gamma.scalars(); ++c) can &= std::abs(gamma[c]) > T(0.03) && std::abs(beta[c]) < 30 * std::abs(gamma[c]);
  return can;
}
/// dgamma = sum dy xhat and dbeta = sum dy from sums [2, c] of dy and of dy y, y = gamma xhat + beta, where no dx is wanted.
template <class T, OnCpu D>
void normalize_gradient_of_sums(const TensorView<const T, D>& sums, const TensorView<const T, D>& gamma,
                                const TensorView<const T, D>& beta, const TensorView<T, D>& dgamma,
                                const TensorView<T, D>& dbeta) {
  const Index channels = gamma.size();
  detail::check_size("normalize_gradient_of_sums", "sums", sums.size(), 2 * channels);
  for (Index c = 0; c < channels; ++c) {
    dbeta[c] = sums[c];
    dgamma[c] = (sums[channels + c] - beta[c] * sums[c]) / gamma[c];
  }
}

/// The gradients of `normalize` where mean and variance are those of x itself: dgamma, dbeta, and dx where it is wanted; with
/// `below`, the elementwise function that x went through last, times its derivative.
template <class T, OnCpu D>
void normalize_gradient(const Batch<T, D>& x, const Batch<T, D>& dy, const TensorView<const T, D>& mean,
                        const TensorView<const T, D>& variance, double epsilon, const TensorView<const T, D>& gamma,
                        const TensorView<T, D>& dgamma, const TensorView<T, D>& dbeta, Batch<T, D>* dx,
                        const TensorView<T, D>& scratch, const Activation& below = Linear{}) {
  const auto [rows, channels] = detail::rows_of(x);
  if (dx) detail::check_same_shape("normalize_gradient", "dx", *dx, x);
  const auto slopes = detail::normalize_parameter_gradients(x, dy, static_cast<double>(x.count() * rows), mean, variance, epsilon,
                                                            gamma, dgamma, dbeta, scratch);
  if (!dx) return;
  const auto body = x.few() ? TARN_CPU_FEW_BODY(normalize_gradient, T, detail::models<D>)
                            : TARN_CPU_BODY(normalize_gradient, T, detail::models<D>);
  const detail::Finish<T> finish{below, x.data()};
  detail::for_pixels(x, [&, channels = channels](Index first, Index pixels) {
    body(x.data() + first, dy.data() + first, dx->data() + first, 1, pixels, channels, mean.data(), slopes.scale, slopes.offset,
         slopes.slope);
    if (finish.any() && !x.few()) finish(dx->data() + first, first, pixels * channels * x.lanes());
  });
  if (finish.any() && x.few()) activation_gradient(below, x, *dx);
}

}  // namespace tarn::ops
