// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
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

struct Interval {
  double low = 0, high = 0;
  bool contains(double value) const { return low <= value && value <= high; }
};

/// Where one more run falls with 95 % probability if runs are normal: mean +- t s sqrt(1 + 1/n). None below five runs.
inline std::optional<Interval> prediction_interval(const std::vector<double>& values) {
  // Student's t at 97.5 % for 1 to 30 degrees of freedom; beyond, the normal value with its first correction.
  constexpr std::array quantiles{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                 2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                 2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  const std::size_t n = values.size();
  if (n < 5) return std::nullopt;
  const double freedom = static_cast<double>(n - 1);
  const double t = n - 1 <= quantiles.size() ? quantiles[n - 2] : 1.960 + 2.372 / freedom;
  const double reach = t * deviation(values) * std::sqrt(1 + 1 / static_cast<double>(n));
  return Interval{mean(values) - reach, mean(values) + reach};
}

}  // namespace examples
