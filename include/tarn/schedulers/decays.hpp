// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <tarn/schedulers/schedule.hpp>

/// Schedules that go from one value to another: pure functions of the iteration i, counted from 0. Wherever a number is
/// expected, `LearningRate` or `BatchSize`, they are taken too; `ByEpoch` makes them count epochs. All throw ArgumentError for
/// options out of range.
namespace tarn {

namespace detail {

/// Throws ArgumentError unless `value` is at least 0 and finite.
inline void expect_rate(const char* schedule, const char* option, double value) {
  if (!(value >= 0) || !std::isfinite(value))
    throw ArgumentError(schedule, ": ", option, " is ", value, ", expected at least 0 and finite");
}
/// Throws ArgumentError unless `value` is above 0 and finite.
inline void expect_factor(const char* schedule, const char* option, double value) {
  if (!(value > 0) || !std::isfinite(value))
    throw ArgumentError(schedule, ": ", option, " is ", value, ", expected above 0 and finite");
}
/// Throws ArgumentError unless `value` is at least 1.
inline void expect_steps(const char* schedule, const char* option, Index value) {
  if (value < 1) throw ArgumentError(schedule, ": ", option, " is ", value, ", expected at least 1");
}

}  // namespace detail

/// initial factor^floor(i / steps). (PyTorch: StepLR.)
struct StepDecay {
  double initial = 0.01;
  double factor = 0.1;  ///< above 0
  Index steps = 1000;   ///< at least 1

  void check() const {
    detail::expect_rate("StepDecay", "initial", initial);
    detail::expect_factor("StepDecay", "factor", factor);
    detail::expect_steps("StepDecay", "steps", steps);
  }
  double operator()(Progress progress) const {
    check();
    return initial * std::pow(factor, static_cast<double>(progress.iteration / steps));
  }
};

/// values[k] up to and with iteration boundaries[k], then the next; the last value for good.
/// Source: the definition of Keras's PiecewiseConstantDecay.
struct PiecewiseConstant {
  std::vector<Index> boundaries = {};  ///< at least 0, increasing
  std::vector<double> values = {};     ///< one more than boundaries

  void check() const {
    if (values.size() != boundaries.size() + 1)
      throw ArgumentError("PiecewiseConstant: ", boundaries.size(), " boundaries and ", values.size(), " values, expected ",
                          boundaries.size() + 1, " values");
    for (const double value : values) detail::expect_rate("PiecewiseConstant", "a value", value);
    Index last = -1;
    for (const Index boundary : boundaries) {
      if (boundary <= last)
        throw ArgumentError("PiecewiseConstant: boundary ", boundary, " after ", last, ", expected increasing ones from 0 on");
      last = boundary;
    }
  }
  double operator()(Progress progress) const {
    check();
    std::size_t k = 0;
    while (k < boundaries.size() && progress.iteration > boundaries[k]) ++k;
    return values[k];
  }
};

/// initial factor^(i / steps); a factor above 1 grows, as a learning-rate range test asks for. As a staircase it is StepDecay.
/// Source: the definition of Keras's ExponentialDecay.
struct ExponentialDecay {
  double initial = 0.01;
  double factor = 0.96;  ///< reached after `steps`; above 0
  Index steps = 1000;    ///< at least 1
  bool staircase = false;

  void check() const {
    detail::expect_rate("ExponentialDecay", "initial", initial);
    detail::expect_factor("ExponentialDecay", "factor", factor);
    detail::expect_steps("ExponentialDecay", "steps", steps);
  }
  double operator()(Progress progress) const {
    check();
    const double share = static_cast<double>(progress.iteration) / static_cast<double>(steps);
    return initial * std::pow(factor, staircase ? static_cast<double>(progress.iteration / steps) : share);
  }
};

/// initial / (1 + rate i / steps), i / steps rounded down as a staircase. Source: the definition of Keras's InverseTimeDecay.
struct InverseTimeDecay {
  double initial = 0.01;
  double rate = 1;     ///< at least 0
  Index steps = 1000;  ///< at least 1
  bool staircase = false;

  void check() const {
    detail::expect_rate("InverseTimeDecay", "initial", initial);
    detail::expect_rate("InverseTimeDecay", "rate", rate);
    detail::expect_steps("InverseTimeDecay", "steps", steps);
  }
  double operator()(Progress progress) const {
    check();
    const double share = static_cast<double>(progress.iteration) / static_cast<double>(steps);
    return initial / (1 + rate * (staircase ? static_cast<double>(progress.iteration / steps) : share));
  }
};

/// end + (initial - end) (1 - p)^power with p = min(i, steps) / steps. With `cycle`, from `steps` on p = i / (k steps), k the
/// least whole number that keeps p at 1 or below. Source: the definition of Keras's PolynomialDecay.
struct PolynomialDecay {
  double initial = 0.01;
  double end = 0.0001;
  Index steps = 1000;  ///< at least 1
  double power = 1;    ///< above 0
  bool cycle = false;

  void check() const {
    detail::expect_rate("PolynomialDecay", "initial", initial);
    detail::expect_rate("PolynomialDecay", "end", end);
    detail::expect_steps("PolynomialDecay", "steps", steps);
    detail::expect_factor("PolynomialDecay", "power", power);
  }
  double operator()(Progress progress) const {
    check();
    const double i = static_cast<double>(progress.iteration), n = static_cast<double>(steps);
    const double p = cycle ? i / (n * std::max(1.0, std::ceil(i / n))) : std::min(i, n) / n;
    return end + (initial - end) * std::pow(1 - p, power);
  }
};

/// initial ((1 - alpha) (1 + cos(pi p)) / 2 + alpha) with p = min(i, steps) / steps: half a wave down to alpha initial.
/// Source: the definition of Keras's CosineDecay; its warm-up is `WarmUp{.steps = .., .then = CosineDecay{..}}`.
struct CosineDecay {
  double initial = 0.01;
  Index steps = 1000;  ///< at least 1
  double alpha = 0;    ///< share of the initial value that is left, at least 0

  void check() const {
    detail::expect_rate("CosineDecay", "initial", initial);
    detail::expect_steps("CosineDecay", "steps", steps);
    detail::expect_rate("CosineDecay", "alpha", alpha);
  }
  double operator()(Progress progress) const {
    check();
    const double p = static_cast<double>(std::min(progress.iteration, steps)) / static_cast<double>(steps);
    return initial * ((1 - alpha) * (1 + std::cos(std::numbers::pi * p)) / 2 + alpha);
  }
};

/// CosineDecay again and again: run k (0, 1, ...) takes steps length_factor^k iterations, and its wave is rate_factor^k high:
/// initial ((1 - alpha) rate_factor^k (1 + cos(pi p)) / 2 + alpha), p the share of the run that is done.
/// Source: the definition of Keras's CosineDecayRestarts (Loshchilov and Hutter, arXiv 1608.03983).
struct CosineRestarts {
  double initial = 0.01;
  Index steps = 1000;        ///< of the first run, at least 1
  double length_factor = 2;  ///< at least 1
  double rate_factor = 1;    ///< above 0
  double alpha = 0;          ///< share of `initial` that is left at the end of every run, at least 0

  void check() const {
    detail::expect_rate("CosineRestarts", "initial", initial);
    detail::expect_steps("CosineRestarts", "steps", steps);
    if (!(length_factor >= 1) || !std::isfinite(length_factor))
      throw ArgumentError("CosineRestarts: length_factor is ", length_factor, ", expected at least 1 and finite");
    detail::expect_factor("CosineRestarts", "rate_factor", rate_factor);
    detail::expect_rate("CosineRestarts", "alpha", alpha);
  }
  double operator()(Progress progress) const {
    check();
    const double done = static_cast<double>(progress.iteration) / static_cast<double>(steps);  // in lengths of the first run
    double run = std::floor(done), start = run;
    if (length_factor > 1) {
      const auto start_of = [&](double k) { return (std::pow(length_factor, k) - 1) / (length_factor - 1); };
      run = std::floor(std::log1p(done * (length_factor - 1)) / std::log(length_factor));
      if (run > 0 && start_of(run) > done) --run;  // the logarithms' rounding
      if (start_of(run + 1) <= done) ++run;
      start = start_of(run);
    }
    const double p = (done - start) / std::pow(length_factor, run);
    return initial * ((1 - alpha) * std::pow(rate_factor, run) * (1 + std::cos(std::numbers::pi * p)) / 2 + alpha);
  }
};

}  // namespace tarn
