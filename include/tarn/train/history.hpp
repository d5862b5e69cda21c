// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include <tarn/core/shape.hpp>

namespace tarn {

/// What one pass over a data set found: means over its samples.
struct Metrics {
  Index samples = 0;
  double loss = 0;
  std::optional<double> accuracy;  ///< share of samples classified right; where the loss classifies
};

/// One epoch. `training` is the running mean over the epoch's samples, measured in training mode while the weights changed;
/// `validation` is measured after it in inference mode.
struct EpochRecord {
  Index epoch = 0;  ///< from 1 on
  Index steps = 0;
  Metrics training;
  std::optional<Metrics> validation;
  double learning_rate = 0;  ///< of the last step
  double seconds = 0;        ///< training and validation
};

/// What `fit` returns: a record an epoch.
struct History {
  std::vector<EpochRecord> epochs;
};

}  // namespace tarn
