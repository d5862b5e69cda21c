// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <functional>
#include <string>

#include <tarn/core/shape.hpp>

namespace tarn {

/// How far a training has come: what schedules are functions of.
struct Progress {
  Index iteration = 0;  ///< updates made so far
  Index epoch = 0;      ///< epochs completed so far
};

namespace detail {

/// Whether F is a schedule: callable with the progress, or with the iteration, for a number.
template <class F>
concept Schedule = !std::is_arithmetic_v<F> &&
                   (std::is_invocable_r_v<double, const F&, Progress> || std::is_invocable_r_v<double, const F&, Index>);

/// What a schedule says.
template <class F>
auto at(const F& schedule, Progress progress) {
  if constexpr (std::is_invocable_v<const F&, Progress>)
    return schedule(progress);
  else
    return schedule(progress.iteration);
}
/// Throws ArgumentError for options out of range, where a schedule has any to check, before it is ever asked.
template <class F>
const F& checked(const F& schedule) {
  if constexpr (requires { schedule.check(); }) schedule.check();
  return schedule;
}

}  // namespace detail

/// A learning rate: a number, or a pure function of `Index iteration` (updates made so far, from 0 on) or of `Progress`.
class LearningRate {
 public:
  LearningRate(double rate) : value_{rate} {}  // NOLINT: implicit, so that `.learning_rate = 0.01` reads well
  template <detail::Schedule F>
    requires(!std::is_same_v<F, LearningRate>)
  LearningRate(const F& schedule)  // NOLINT
      : function_{[schedule = detail::checked(schedule)](Progress p) { return static_cast<double>(detail::at(schedule, p)); }} {}

  /// Throws ArgumentError for a rate that is negative or not finite.
  double operator()(Progress progress) const {
    const double rate = function_ ? function_(progress) : value_;
    if (!(rate >= 0) || !std::isfinite(rate))
      throw ArgumentError("learning rate: ", rate, " at iteration ", progress.iteration, ", expected at least 0 and finite");
    return rate;
  }
  /// In the first epoch.
  double operator()(Index iteration) const { return (*this)(Progress{iteration, 0}); }

 private:
  double value_ = 0;
  std::function<double(Progress)> function_;
};

/// A batch size: a number of samples, or a pure function of `Index iteration` or of `Progress`, which may change it at every
/// step. What a function gives as a floating-point number is rounded to the nearest whole one.
class BatchSize {
 public:
  template <std::integral Number>
  BatchSize(Number size) : value_{static_cast<Index>(size)} {}  // NOLINT: implicit, so that `.batch_size = 128` reads well
  template <detail::Schedule F>
    requires(!std::is_same_v<F, BatchSize>)
  BatchSize(const F& schedule)  // NOLINT
      : function_{[schedule = detail::checked(schedule)](Progress p) { return whole(detail::at(schedule, p)); }} {}

  bool is_constant() const { return !function_; }

  /// Throws ArgumentError for a size below 1.
  Index operator()(Progress progress) const {
    const Index size = function_ ? function_(progress) : value_;
    if (size < 1) throw ArgumentError("batch size: ", size, " at iteration ", progress.iteration, ", expected at least 1");
    return size;
  }
  /// In the first epoch.
  Index operator()(Index iteration) const { return (*this)(Progress{iteration, 0}); }

 private:
  template <std::integral Number>
  static Index whole(Number size) {
    return static_cast<Index>(size);
  }
  static Index whole(double size) {
    if (!(std::abs(size) < 0x1p62)) throw ArgumentError("batch size: ", size, ", expected a number below 2^62");
    return static_cast<Index>(std::llround(size));
  }

  Index value_ = 0;
  std::function<Index(Progress)> function_;
};

}  // namespace tarn
