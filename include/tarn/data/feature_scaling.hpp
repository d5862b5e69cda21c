// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/data/dataset.hpp>

namespace tarn::data {

/// What is scaled together, with the same numbers.
enum class Per {
  feature,  ///< each element of a sample by itself
  channel,  ///< all elements that share the position along the last axis: a colour of an image
  whole     ///< all elements
};

namespace detail {

/// What is known of one group of elements, as they are seen.
struct GroupStatistics {
  double minimum, maximum, mean, deviation;  // deviation: sqrt of the mean of (x - mean)^2
};

inline Index group_count(Per per, const Shape& sample) {
  if (per == Per::whole) return 1;
  return per == Per::feature || sample.rank() == 0 ? sample.size() : sample.back();
}

/// A sum of doubles whose error does not grow with their number: what each addition rounds off is kept and added at the end.
/// Source: A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974 (Kahan's with larger terms).
class CompensatedSum {
 public:
  void add(double value) {
    const double sum = sum_ + value;
    rest_ += std::abs(sum_) >= std::abs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
    sum_ = sum;
  }
  /// Infinite where the sum is beyond double.
  double value() const { return std::isfinite(sum_) ? sum_ + rest_ : sum_; }

 private:
  double sum_ = 0, rest_ = 0;
};

[[gnu::cold]] inline ArgumentError not_finite(const char* where, Index element, Index stride, double value) {
  return ArgumentError(where, ": element ", element % stride, " of sample ", element / stride, " is ", value,
                       ", expected finite numbers");
}

/// One pass for mean and extremes and one for the deviation, over the stored values: sums of integers are exact, others compensated.
template <class T>
std::vector<GroupStatistics> stored_statistics(const char* where, const Tensor<T>& values, Index groups) {
  constexpr bool whole = std::is_integral_v<T>;
  using Sum = std::conditional_t<whole, std::int64_t, CompensatedSum>;
  const auto size = static_cast<std::size_t>(groups);
  const Index stride = values.shape().without_first().size(), repeats = values.size() / groups;
  const double count = static_cast<double>(repeats);
  std::vector<Sum> sums(size);
  std::vector<T> minimum(size, values[0]), maximum(size, values[0]);
  Index i = 0;
  for (Index repeat = 0; repeat < repeats; ++repeat)
    for (std::size_t group = 0; group < size; ++group, ++i) {
      const T value = values[i];
      if constexpr (whole) {
        sums[group] += value;
      } else {
        if (!std::isfinite(value)) throw not_finite(where, i, stride, static_cast<double>(value));
        sums[group].add(static_cast<double>(value));
      }
      if (repeat == 0) minimum[group] = maximum[group] = value;
      minimum[group] = std::min(minimum[group], value);
      maximum[group] = std::max(maximum[group], value);
    }
  std::vector<GroupStatistics> result(size);
  for (std::size_t group = 0; group < size; ++group) {
    auto& [low, high, mean, deviation] = result[group];
    low = static_cast<double>(minimum[group]);
    high = static_cast<double>(maximum[group]);
    if constexpr (whole)
      mean = static_cast<double>(sums[group]) / count;
    else
      mean = low == high ? low : sums[group].value() / count;  // equal values are their mean, whatever a quotient is rounded to
  }
  std::vector<CompensatedSum> squares(size);
  i = 0;
  for (Index repeat = 0; repeat < repeats; ++repeat)
    for (std::size_t group = 0; group < size; ++group, ++i) {
      const double distance = static_cast<double>(values[i]) - result[group].mean;
      squares[group].add(distance * distance);
    }
  for (std::size_t group = 0; group < size; ++group) result[group].deviation = std::sqrt(squares[group].value() / count);
  return result;
}

/// Statistics of the groups, as they are seen. Throws ArgumentError for no samples and for numbers that are not finite.
inline std::vector<GroupStatistics> statistics(const char* where, const Samples& samples, Per per) {
  if (samples.shape().size() == 0)
    throw ArgumentError(where, ": samples are ", samples.shape().to_string(), ", expected at least one with elements");
  const Index groups = group_count(per, samples.sample());
  std::vector<GroupStatistics> result =
      std::visit([&](const auto& values) { return stored_statistics(where, values, groups); }, samples.values());
  for (GroupStatistics& group : result) {
    const double low = samples.scale() * group.minimum + samples.offset(),
                 high = samples.scale() * group.maximum + samples.offset();
    group = {std::min(low, high), std::max(low, high), samples.scale() * group.mean + samples.offset(),
             std::abs(samples.scale()) * group.deviation};
    if (!std::isfinite(group.minimum) || !std::isfinite(group.maximum) || !std::isfinite(group.mean) ||
        !std::isfinite(group.deviation))
      throw ArgumentError(where, ": mean ", group.mean, " and deviation ", group.deviation, ", expected numbers within double");
  }
  return result;
}

/// y = (x - center) / width + base, where every group has its center and width.
struct GroupScaling {
  Per per;
  Shape sample;
  std::vector<double> center, width;
  double base = 0;

  void check(const char* where, const Samples& samples) const {
    const bool fits = per == Per::whole || (per == Per::feature && samples.sample() == sample) ||
                      (per == Per::channel && group_count(per, samples.sample()) == static_cast<Index>(center.size()));
    if (!fits)
      throw ShapeError(where, ": samples are ", samples.sample().to_string(), ", expected those it was fitted to, ",
                       sample.to_string());
  }

  /// Whole sets keep their stored values; others are stored anew, as double if they were, else as float.
  Samples apply(const char* where, const Samples& samples) const {
    check(where, samples);
    if (per == Per::whole) {
      check_finite(where, samples);
      return samples.scaled(1 / width[0], base - center[0] / width[0]);
    }
    return each(where, samples, [&](double x, std::size_t group) { return (x - center[group]) / width[group] + base; });
  }
  /// x = (y - base) width + center.
  Samples inverse(const char* where, const Samples& samples) const {
    check(where, samples);
    if (per == Per::whole) {
      check_finite(where, samples);
      return samples.scaled(width[0], center[0] - base * width[0]);
    }
    return each(where, samples, [&](double y, std::size_t group) { return (y - base) * width[group] + center[group]; });
  }

 private:
  static void check_finite(const char* where, const Samples& samples) {
    std::visit(
        [&]<class T>(const Tensor<T>& values) {
          if constexpr (std::is_floating_point_v<T>)
            for (Index i = 0; i < values.size(); ++i)
              if (!std::isfinite(values[i])) throw not_finite(where, i, samples.sample().size(), static_cast<double>(values[i]));
        },
        samples.values());
  }

  template <class Formula>
  Samples each(const char* where, const Samples& samples, Formula formula) const {
    return std::visit(
        [&]<class T>(const Tensor<T>& values) -> Samples {
          using Result = std::conditional_t<std::is_same_v<T, double>, double, float>;
          Tensor<Result> result{values.shape()};
          Index i = 0;
          while (i < values.size())
            for (std::size_t group = 0; group < center.size(); ++group, ++i) {
              result[i] =
                  static_cast<Result>(formula(samples.scale() * static_cast<double>(values[i]) + samples.offset(), group));
              if (!std::isfinite(result[i])) throw not_finite(where, i, samples.sample().size(), static_cast<double>(result[i]));
            }
          return result;
        },
        samples.values());
  }
};

}  // namespace detail

}  // namespace tarn::data
