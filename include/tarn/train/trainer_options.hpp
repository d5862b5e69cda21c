// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <tarn/layers/profile.hpp>
#include <tarn/train/metrics.hpp>

namespace tarn {

/// What a trainer is made with beside model, loss and optimizer.
template <class T, class D = Cpu>
struct TrainerOptions {
  std::uint64_t seed = 0;                  ///< of data order and dropout; weights are the model's own
  std::vector<Metric<T, D>> metrics = {};  ///< at most `max_metrics`, measured beside loss and accuracy
  Profile* profile = nullptr;              ///< where the time of steps and evaluations goes; must outlive the trainer
};

/// Where a training stands, beside its tensors.
struct TrainingPosition {
  Index iteration = 0;  ///< updates made
  Index epoch = 0;      ///< epochs finished
  Index sample = 0;     ///< samples seen of the epoch that is under way
  std::uint64_t seed = 0;
  bool operator==(const TrainingPosition&) const = default;
};

}  // namespace tarn
