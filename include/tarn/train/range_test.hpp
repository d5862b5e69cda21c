// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <tarn/train/trainer.hpp>

namespace tarn {

/// How a learning-rate range test goes.
struct RangeTestOptions {
  double lowest = 1e-7, highest = 10;  ///< rates; they grow by one factor from step to step
  Index steps = 100;                   ///< at least 2
  Index batch_size = 64;               ///< at least 1
  double diverged = 4;                 ///< ends where the smoothed loss exceeds this many times its lowest value
  double smoothing = 0.9;              ///< weight of the past in the smoothed loss, in [0, 1)
  std::uint64_t seed = 0;              ///< of data order and dropout
};

/// What a learning-rate range test found.
struct RangeTest {
  struct Point {
    double learning_rate, loss, smoothed;
  };
  std::vector<Point> points;
  bool diverged = false;  ///< ended because the loss grew too large, or was no longer finite
  double base = 0;        ///< where the smoothed loss has a tenth of its whole fall behind it: a lower edge for CyclicLR
  double max = 0;         ///< where it is lowest: an upper edge. Equal to `base` where the loss never falls
};

namespace detail {

/// Finds base and max, each earlier by the steps that the smoothed loss lags behind: smoothing / (1 - smoothing).
inline void find_edges(RangeTest& test, double smoothing) {
  const auto& points = test.points;
  const std::size_t lag = static_cast<std::size_t>(std::lround(smoothing / (1 - smoothing)));
  const auto rate = [&](std::size_t i) { return points[i > lag ? i - lag : 0].learning_rate; };
  std::size_t bottom = 0, first = (points.size() + 9) / 10;
  double start = 0;  // mean of the first tenth
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].smoothed < points[bottom].smoothed) bottom = i;
    if (i < first) start += points[i].loss / static_cast<double>(first);
  }
  test.base = test.max = rate(bottom);
  if (bottom < first) return;
  std::size_t last = bottom;
  while (last > 0 && points[last].smoothed < start - 0.1 * (start - points[bottom].smoothed)) --last;
  test.base = rate(last);
}

}  // namespace detail

/// Trains a copy of the model for some steps while the rate grows, and watches the loss. The model stays as it is, the
/// optimizer's own rate is not used.
/// Source: Smith, "Cyclical Learning Rates for Training Neural Networks", section 3.3; the rate grows by factors instead of
/// linearly, so that one test covers all magnitudes. Throws as `fit` does, ArgumentError for options out of range; a loss that is
/// no longer finite ends the test.
template <class T, class D, class Loss, class Optimizer>
RangeTest learning_rate_range_test(const Sequential<T, D>& model, const Loss& loss, Optimizer optimizer, const Dataset& data,
                                   const RangeTestOptions& options = {}) {
  if (!(options.lowest > 0) || !(options.highest > options.lowest) || std::isinf(options.highest))
    throw ArgumentError("range test: rates from ", options.lowest, " to ", options.highest, ", expected 0 < lowest < highest");
  if (options.steps < 2) throw ArgumentError("range test: steps is ", options.steps, ", expected at least 2");
  if (!(options.smoothing >= 0 && options.smoothing < 1))
    throw ArgumentError("range test: smoothing is ", options.smoothing, ", expected at least 0 and below 1");
  if (!(options.diverged > 1)) throw ArgumentError("range test: diverged is ", options.diverged, ", expected above 1");
  const double growth = (std::log(options.highest) - std::log(options.lowest)) / static_cast<double>(options.steps - 1);
  optimizer.learning_rate = [options, growth](Index iteration) {
    return options.lowest * std::exp(growth * static_cast<double>(iteration));
  };
  Sequential<T, D> copy = model;
  Trainer trainer{copy, loss, optimizer, {.seed = options.seed}};
  RangeTest result;
  double average = 0, weight = 0, lowest = 0;
  const auto watch = [&](const StepInfo& step) {
    average = options.smoothing * average + (1 - options.smoothing) * step.loss;
    weight = options.smoothing * weight + (1 - options.smoothing);  // of the steps so far in the average
    const double smoothed = average / weight;
    result.points.push_back({step.learning_rate, step.loss, smoothed});
    if (result.points.size() == 1 || smoothed < lowest) lowest = smoothed;
    result.diverged = smoothed > options.diverged * std::max(std::abs(lowest), 1e-3 * std::abs(result.points[0].loss));
    return result.diverged ? Training::stop : Training::go_on;
  };
  try {
    trainer.fit(data, {.steps = options.steps, .batch_size = options.batch_size, .callbacks = {AtStepEnd{watch}}});
  } catch (const StateError&) {
    if (result.points.empty()) throw;
    result.diverged = true;
  }
  detail::find_edges(result, options.smoothing);
  return result;
}

}  // namespace tarn
