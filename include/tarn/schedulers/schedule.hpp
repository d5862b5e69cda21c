// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <functional>
#include <string>

#include <tarn/core/shape.hpp>

namespace tarn {

/// A learning rate: a number, or a pure function of the iteration (updates made so far, from 0 on).
class LearningRate {
 public:
  LearningRate(double rate) : value_{rate} {}  // NOLINT: implicit, so that `.learning_rate = 0.01` reads well
  template <class Schedule>
    requires(std::is_invocable_r_v<double, Schedule, Index> && !std::is_arithmetic_v<Schedule> &&
             !std::is_same_v<Schedule, LearningRate>)
  LearningRate(Schedule schedule) : function_{std::move(schedule)} {}  // NOLINT

  /// Throws ArgumentError for a rate that is negative or not finite.
  double operator()(Index iteration) const {
    const double rate = function_ ? function_(iteration) : value_;
    if (!(rate >= 0) || !std::isfinite(rate))
      throw ArgumentError("learning rate: ", rate, " at iteration ", iteration, ", expected at least 0 and finite");
    return rate;
  }

 private:
  double value_ = 0;
  std::function<double(Index)> function_;
};

/// A batch size: a number of samples, or a pure function of the iteration, which may change it at every step.
class BatchSize {
 public:
  template <std::integral Number>
  BatchSize(Number size) : value_{static_cast<Index>(size)} {}  // NOLINT: implicit, so that `.batch_size = 128` reads well
  template <class Schedule>
    requires(std::is_invocable_r_v<Index, Schedule, Index> && !std::is_arithmetic_v<Schedule> &&
             !std::is_same_v<Schedule, BatchSize>)
  BatchSize(Schedule schedule) : function_{std::move(schedule)} {}  // NOLINT

  bool is_constant() const { return !function_; }

  /// Throws ArgumentError for a size below 1.
  Index operator()(Index iteration) const {
    const Index size = function_ ? function_(iteration) : value_;
    if (size < 1) throw ArgumentError("batch size: ", size, " at iteration ", iteration, ", expected at least 1");
    return size;
  }

 private:
  Index value_ = 0;
  std::function<Index(Index)> function_;
};

}  // namespace tarn
