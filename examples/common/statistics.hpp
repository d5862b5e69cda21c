// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <vector>

namespace examples {

inline double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// The sample's standard deviation (n - 1 below); 0 for a single value.
inline double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double center = mean(values);
  double squares = 0;
  for (double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// Quantile q, 0 to 1, of sorted values, in a line between neighbours (NumPy's default).
inline double quantile_of_sorted(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}
inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return quantile_of_sorted(values, q);
}

struct Interval {
  double low = 0, high = 0;
  bool contains(double value) const { return low <= value && value <= high; }
};

/// Student's t at 97.5 % for this many degrees of freedom, at least 1.
inline double student_t(std::size_t freedom) {
  constexpr std::array quantiles{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                 2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  // Beyond the table, the normal value with its first correction.
  return freedom <= quantiles.size() ? quantiles[freedom - 1] : 1.960 + 2.372 / static_cast<double>(freedom);
}

/// Where one more run falls with 95 % probability if runs are normal: mean +- t s sqrt(1 + 1/n). None below five runs.
inline std::optional<Interval> prediction_interval(const std::vector<double>& values) {
  const std::size_t n = values.size();
  if (n < 5) return std::nullopt;
  const double reach = student_t(n - 1) * deviation(values) * std::sqrt(1 + 1 / static_cast<double>(n));
  return Interval{mean(values) - reach, mean(values) + reach};
}

/// Where the mean lies with 95 % confidence: mean +- t s / sqrt(n). None below two values. Of the differences between runs that
/// share their seeds, it says whether one kind is better than the other: where it does not contain 0.
inline std::optional<Interval> confidence_interval(const std::vector<double>& values) {
  const std::size_t n = values.size();
  if (n < 2) return std::nullopt;
  const double reach = student_t(n - 1) * deviation(values) / std::sqrt(static_cast<double>(n));
  return Interval{mean(values) - reach, mean(values) + reach};
}

/// Two kinds of run, compared by the differences of those that share their seeds: as many as both have.
struct Paired {
  std::size_t runs = 0;
  double first = 0, second = 0, difference = 0;  ///< means; difference = first - second
  std::optional<Interval> interval;              ///< of the difference; none below two runs

  bool told_apart() const { return interval && !interval->contains(0); }
  bool first_is_higher() const { return told_apart() && difference > 0; }
};
inline Paired paired(std::vector<double> first, std::vector<double> second) {
  first.resize(std::min(first.size(), second.size()));
  second.resize(first.size());
  if (first.empty()) return {};
  std::vector<double> differences;
  for (std::size_t i = 0; i < first.size(); ++i) differences.push_back(first[i] - second[i]);
  return {first.size(), mean(first), mean(second), mean(differences), confidence_interval(differences)};
}

/// Wilson's 95 % interval for the probability behind `count` of `n`.
inline Interval wilson_interval(double count, double n) {
  constexpr double z = 1.959964;
  const double p = count / n, center = p + z * z / (2 * n), reach = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
               scale = 1 + z * z / n;
  return {std::max(0.0, (center - reach) / scale), std::min(1.0, (center + reach) / scale)};
}

/// Where the share of another `other_n` trials falls with 95 % probability, if its probability is the one behind `count` of `n`: the
/// interval for two proportions with their common variance.
inline Interval share_interval(double count, double n, double other_share, double other_n) {
  const double pooled = (count + other_share * other_n) / (n + other_n);
  const double reach = 1.959964 * std::sqrt(pooled * (1 - pooled) * (1 / n + 1 / other_n));
  return {std::max(0.0, count / n - reach), std::min(1.0, count / n + reach)};
}

/// Half the width of a violin at a height.
struct DensityPoint {
  double value = 0, density = 0;
};

/// The density of values as a normal kernel (Silverman's width) smooths it, on `points` heights from the smallest to the largest
/// value; its largest value is 1. Values are first counted in 512 bins, so that many cost little.
inline std::vector<DensityPoint> smoothed_density(const std::vector<double>& values, int points = 80) {
  const auto [low_at, high_at] = std::minmax_element(values.begin(), values.end());
  const double low = *low_at, range = *high_at - low;
  if (!(range > 0)) return {{low, 0}, {low, 1}, {low, 0}};
  constexpr int bins = 512;
  std::vector<double> counts(bins);
  for (const double value : values)
    counts[static_cast<std::size_t>(std::min<double>(bins - 1, (value - low) / range * bins))] += 1;
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const double quartiles = (quantile_of_sorted(sorted, 0.75) - quantile_of_sorted(sorted, 0.25)) / 1.34, s = deviation(values);
  const double width = std::max(
      0.9 * (quartiles > 0 ? std::min(s, quartiles) : s) * std::pow(static_cast<double>(values.size()), -0.2), range / 200);
  std::vector<DensityPoint> result(static_cast<std::size_t>(points));
  double largest = 0;
  for (int i = 0; i < points; ++i) {
    DensityPoint& point = result[static_cast<std::size_t>(i)];
    point.value = low + range * i / (points - 1);
    for (int bin = 0; bin < bins; ++bin) {
      const double distance = (low + range * (bin + 0.5) / bins - point.value) / width;
      if (std::abs(distance) < 5) point.density += counts[static_cast<std::size_t>(bin)] * std::exp(-0.5 * distance * distance);
    }
    largest = std::max(largest, point.density);
  }
  for (DensityPoint& point : result) point.density /= largest;
  return result;
}

}  // namespace examples
