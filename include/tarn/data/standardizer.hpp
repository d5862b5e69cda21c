// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include <tarn/data/feature_scaling.hpp>

namespace tarn::data {

struct StandardizerOptions {
  Per per = Per::feature;  ///< what shares one mean and deviation
};

/// Standardisation y = (x - mean) / deviation, with the mean and deviation of the training data, which then serve the test data too:
/// `const auto standardizer = Standardizer::fit(train.inputs); test.inputs = standardizer.apply(test.inputs);`
/// deviation = sqrt(sum (x - mean)^2 / n), n the elements of a group: one position of all samples, one channel, or all. A constant
/// group has deviation 0 and is divided by 1, so it becomes 0. Computed in double; means of integers are exact.
/// Cost: with `Per::whole` the stored values stay as they are and are seen scaled; else they are stored anew, 4 bytes an element (8 for
/// double), so that images of bytes take four times the memory.
class Standardizer {
 public:
  /// Throws ArgumentError for no samples, and for a number that is not finite, with its place.
  static Standardizer fit(const Samples& samples, const StandardizerOptions& options = {}) {
    detail::GroupScaling scaling{options.per, samples.sample(), {}, {}};
    std::vector<double> deviation;
    for (const detail::GroupStatistics& group : detail::statistics("Standardizer", samples, options.per)) {
      scaling.center.push_back(group.mean);
      scaling.width.push_back(group.deviation > 0 ? group.deviation : 1);
      deviation.push_back(group.deviation);
    }
    return {std::move(scaling), std::move(deviation)};
  }

  /// By feature (row-major), by channel, or one.
  const std::vector<double>& mean() const { return scaling_.center; }
  /// The same; 0 where all values were equal.
  const std::vector<double>& deviation() const { return deviation_; }

  /// Throws ShapeError for samples of another shape (or, by channel, another number of channels) than fitted to, and ArgumentError for
  /// numbers that are not finite, before or after, with their place.
  Samples apply(const Samples& samples) const { return scaling_.apply("Standardizer", samples); }
  /// What `apply` was given, up to rounding: y deviation + mean. Throws as `apply`.
  Samples inverse(const Samples& samples) const { return scaling_.inverse("Standardizer", samples); }

 private:
  Standardizer(detail::GroupScaling scaling, std::vector<double> deviation)
      : scaling_{std::move(scaling)}, deviation_{std::move(deviation)} {}

  detail::GroupScaling scaling_;
  std::vector<double> deviation_;
};

}  // namespace tarn::data
