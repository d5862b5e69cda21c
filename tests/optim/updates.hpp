// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <vector>

#include <tarn/core/tensor.hpp>

namespace support {

/// Weights and the optimizer that moves them.
template <class T, class Optimizer>
struct Updates {
  tarn::Tensor<T> weights;
  typename Optimizer::template Updater<T, tarn::Cpu> updater;
  std::vector<tarn::Range> ranges;  ///< none: all weights
  tarn::Index iteration = 0;

  Updates(const Optimizer& optimizer, const std::vector<T>& start)
      : weights{{static_cast<tarn::Index>(start.size())}, start}, updater{optimizer, weights.size()} {}

  void update(tarn::Tensor<T> gradients) {
    const tarn::Range all{0, weights.size()};
    const auto trained = ranges.empty() ? std::span{&all, 1} : std::span<const tarn::Range>{ranges};
    updater.update(weights.view(), gradients.view(), trained, updater.learning_rate({iteration, 0}), iteration);
    ++iteration;
  }
  void update(const std::vector<T>& gradients) { update(tarn::Tensor<T>{weights.shape(), gradients}); }

  std::vector<std::string> slot_names() {
    std::vector<std::string> names;
    for (const auto& slot : updater.slots()) names.push_back(slot.name);
    return names;
  }
};

/// The weights after one update for each of these gradients.
template <class T, class Optimizer>
std::vector<double> weights_after(const Optimizer& optimizer, const std::vector<T>& start,
                                  const std::vector<std::vector<T>>& gradients) {
  Updates<T, Optimizer> run{optimizer, start};
  for (const auto& gradient : gradients) run.update(gradient);
  return {run.weights.begin(), run.weights.end()};
}

}  // namespace support
