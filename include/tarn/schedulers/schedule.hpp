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

/// A learning rate: a number, or a pure function of `Index iteration` (updates made so far, from 0 on) or of `Progress`.
class LearningRate {
 public:
  LearningRate(double rate) : value_{rate} {}  // NOLINT: implicit, so that `.learning_rate = 0.01` reads well
  template <class Schedule>
    requires(std::is_invocable_r_v<double, Schedule, Progress> && !std::is_same_v<Schedule, LearningRate>)
  LearningRate(Schedule schedule) : function_{std::move(schedule)} {}  // NOLINT
  template <class Schedule>
    requires(std::is_invocable_r_v<double, Schedule, Index> && !std::is_invocable_v<Schedule, Progress> &&
             !std::is_arithmetic_v<Schedule>)
  LearningRate(Schedule schedule)  // NOLINT
      : function_{[schedule = std::move(schedule)](Progress progress) -> double { return schedule(progress.iteration); }} {}

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
/// step.
class BatchSize {
 public:
  template <std::integral Number>
  BatchSize(Number size) : value_{static_cast<Index>(size)} {}  // NOLINT: implicit, so that `.batch_size = 128` reads well
  template <class Schedule>
    requires(std::is_invocable_r_v<Index, Schedule, Progress> && !std::is_same_v<Schedule, BatchSize>)
  BatchSize(Schedule schedule) : function_{std::move(schedule)} {}  // NOLINT
  template <class Schedule>
    requires(std::is_invocable_r_v<Index, Schedule, Index> && !std::is_invocable_v<Schedule, Progress> &&
             !std::is_arithmetic_v<Schedule>)
  BatchSize(Schedule schedule)  // NOLINT
      : function_{[schedule = std::move(schedule)](Progress progress) -> Index { return schedule(progress.iteration); }} {}

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
  Index value_ = 0;
  std::function<Index(Progress)> function_;
};

}  // namespace tarn
