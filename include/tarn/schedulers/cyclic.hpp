// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>

#include <tarn/schedulers/decays.hpp>

namespace tarn {

/// How the height of a cycle changes: not at all, halved with each cycle, or by gamma^i with each iteration.
enum class CycleMode { triangular, triangular2, exp_range };
/// What a scale function of one's own is a function of: the cycle's number, from 1 on, or the iteration.
enum class ScaleOf { cycle, iteration };

namespace detail {

/// What the cyclic schedules share: the share of the way from base to max, in `step_size` iterations up, in as many down.
struct Cycle {
  Index step_size;
  CycleMode mode;
  double gamma;
  const std::function<double(Index)>& scale;
  ScaleOf scale_of;

  void check(const char* schedule) const {
    expect_steps(schedule, "step_size", step_size);
    expect_factor(schedule, "gamma", gamma);
  }
  double share(Index iteration) const {
    const Index halves = iteration / step_size, cycle = 1 + halves / 2;
    const double along = static_cast<double>(iteration % step_size) / static_cast<double>(step_size);
    const double height = halves % 2 == 0 ? along : 1 - along;
    if (scale) return height * scale(scale_of == ScaleOf::cycle ? cycle : iteration);
    if (mode == CycleMode::triangular2) return std::ldexp(height, -static_cast<int>(std::min<Index>(cycle - 1, 2000)));
    if (mode == CycleMode::exp_range) return height * std::pow(gamma, static_cast<double>(iteration));
    return height;
  }
};

}  // namespace detail

/// A rate that rises and falls in a line: with cycle = floor(1 + i / (2 step_size)) and x = |i / step_size - 2 cycle + 1|,
/// base + (max - base) max(0, 1 - x) s, s = 1 (triangular), 1 / 2^(cycle - 1) (triangular2), gamma^i (exp_range), or what a
/// function of one's own gives. A base above max is allowed. Source: Smith, arXiv 1506.01186.
/// Throws ArgumentError for options out of range.
struct CyclicLR {
  double base = 0.001, max = 0.006;  ///< at least 0
  Index step_size = 2000;            ///< iterations from base to max; the source advises 2 to 8 epochs
  CycleMode mode = CycleMode::triangular;
  double gamma = 1;                              ///< of exp_range, above 0
  std::function<double(Index)> scale = nullptr;  ///< in the place of `mode`
  ScaleOf scale_of = ScaleOf::cycle;             ///< what `scale` is called with

  void check() const {
    detail::expect_rate("CyclicLR", "base", base);
    detail::expect_rate("CyclicLR", "max", max);
    cycle().check("CyclicLR");
  }
  double operator()(Progress progress) const {
    check();
    return base + (max - base) * cycle().share(progress.iteration);
  }

 private:
  detail::Cycle cycle() const { return {step_size, mode, gamma, scale, scale_of}; }
};

/// A batch size that rises and falls as CyclicLR's rate does, rounded to the nearest whole number (to a multiple of `multiple`, or
/// in its logarithm to a power of two), then capped. Throws ArgumentError for options out of range.
struct CyclicBatchSize {
  Index base = 32, max = 512;  ///< at least 1
  Index step_size = 100;       ///< iterations from base to max
  CycleMode mode = CycleMode::triangular;
  double gamma = 1;                              ///< of exp_range, above 0
  std::function<double(Index)> scale = nullptr;  ///< in the place of `mode`
  ScaleOf scale_of = ScaleOf::cycle;             ///< what `scale` is called with
  Index multiple = 1;                            ///< at least 1
  bool power_of_two = false;                     ///< instead of `multiple`
  Index cap = Index{1} << 40;                    ///< at least 1

  void check() const {
    detail::expect_steps("CyclicBatchSize", "base", base);
    detail::expect_steps("CyclicBatchSize", "max", max);
    detail::expect_steps("CyclicBatchSize", "multiple", multiple);
    detail::expect_steps("CyclicBatchSize", "cap", cap);
    if (power_of_two && multiple != 1)
      throw ArgumentError("CyclicBatchSize: multiple is ", multiple, " beside power_of_two, expected one of the two");
    cycle().check("CyclicBatchSize");
  }
  Index operator()(Progress progress) const {
    check();
    const double low = static_cast<double>(base), high = static_cast<double>(max);
    double size = low + (high - low) * cycle().share(progress.iteration);
    if (std::isnan(size)) throw ArgumentError("CyclicBatchSize: scale is nan at iteration ", progress.iteration);
    size = std::clamp(size, 1.0, static_cast<double>(cap));
    const double step = static_cast<double>(multiple);
    size = power_of_two ? std::exp2(std::round(std::log2(size))) : std::max(1.0, std::round(size / step)) * step;
    return size < static_cast<double>(cap) ? static_cast<Index>(size) : cap;
  }

 private:
  detail::Cycle cycle() const { return {step_size, mode, gamma, scale, scale_of}; }
};

/// Batch sizes that double at every iteration from `min` up to a maximum, then halve down to `min`; at the end of such a cycle
/// the maximum doubles. Going up, the size becomes the maximum where twice it would reach it; going down, `min` where half of
/// it (rounded down) would. The first cycle's maximum is `max`; the last doubling is the one that reaches `limit`.
/// Throws ArgumentError for options out of range.
struct DoublingBatchSize {
  Index min = 64, max = 512;     ///< 1 <= min < max
  Index limit = Index{1} << 40;  ///< of the growing maximum: at least `max`, at most 2^61

  void check() const {
    detail::expect_steps("DoublingBatchSize", "min", min);
    if (max <= min) throw ArgumentError("DoublingBatchSize: max is ", max, ", expected above min, ", min);
    if (limit < max || limit > Index{1} << 61)
      throw ArgumentError("DoublingBatchSize: limit is ", limit, ", expected at least max, ", max, ", and at most 2^61");
  }
  Index operator()(Progress progress) const {
    check();
    Index i = progress.iteration, top = max, up = 0, down = 0;  // up, down: steps from min to top and back
    while ((min << up) < top) ++up;
    while ((top >> down) > min) ++down;
    for (; i >= up + down; ++up, ++down, top *= 2) {
      if (top >= limit) {  // from here on all cycles are alike
        i %= up + down;
        break;
      }
      i -= up + down;
    }
    return i < up ? min << i : top >> (i - up);
  }
};

}  // namespace tarn
