// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <tarn/data/feature_scaling.hpp>

namespace tarn::data {

struct MinMaxOptions {
  Per per = Per::feature;    ///< what shares one minimum and maximum
  double low = 0, high = 1;  ///< where the minimum and the maximum go; low < high
};

/// Scaling to a range, y = low + (x - minimum) (high - low) / (maximum - minimum), with the minimum and maximum of the training data:
/// other data may leave the range. A constant group goes to `low`. Computed in double; memory as for `Standardizer`.
class MinMaxScaler {
 public:
  /// Throws ArgumentError for no samples, for a number that is not finite, with its place, and unless low < high, both finite.
  static MinMaxScaler fit(const Samples& samples, const MinMaxOptions& options = {}) {
    const double range = options.high - options.low;
    if (!(range > 0) || !std::isfinite(range))
      throw ArgumentError("MinMaxScaler: range ", options.low, " to ", options.high,
                          ", expected finite numbers, the first the smaller");
    MinMaxScaler scaler{{options.per, samples.sample(), {}, {}, options.low}};
    for (const detail::GroupStatistics& group : detail::statistics("MinMaxScaler", samples, options.per)) {
      scaler.scaling_.center.push_back(group.minimum);
      scaler.maximum_.push_back(group.maximum);
      scaler.scaling_.width.push_back(group.maximum > group.minimum ? (group.maximum - group.minimum) / range : 1);
      if (!std::isfinite(scaler.scaling_.width.back()))
        throw ArgumentError("MinMaxScaler: values from ", group.minimum, " to ", group.maximum,
                            ", expected a difference within double");
    }
    return scaler;
  }

  /// By feature (row-major), by channel, or one.
  const std::vector<double>& minimum() const { return scaling_.center; }
  const std::vector<double>& maximum() const { return maximum_; }

  /// Throws ShapeError for samples of another shape (or, by channel, another number of channels) than fitted to, and ArgumentError for
  /// numbers that are not finite, before or after, with their place.
  Samples apply(const Samples& samples) const { return scaling_.apply("MinMaxScaler", samples); }
  /// What `apply` was given, up to rounding. Throws as `apply`.
  Samples inverse(const Samples& samples) const { return scaling_.inverse("MinMaxScaler", samples); }

 private:
  explicit MinMaxScaler(detail::GroupScaling scaling) : scaling_{std::move(scaling)} {}

  detail::GroupScaling scaling_;
  std::vector<double> maximum_;
};

}  // namespace tarn::data
