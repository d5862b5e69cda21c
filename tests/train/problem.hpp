// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <tarn/train/callbacks.hpp>

#include "../support/compare.hpp"
#include "../support/models.hpp"

/// A small problem and what happened in training, for the tests of trainers.
namespace problem {

using namespace tarn;

using support::from_logits;

/// Points on the plane, class 1 above the diagonal, none near it.
inline Dataset separable(Index n, std::uint64_t seed) {
  Tensor<float> points{Shape{n, 2}};
  Tensor<std::int32_t> labels{Shape{n}};
  const Stream stream{seed, Purpose::initial_weights, 5};
  for (Index i = 0; i < n; ++i) {
    const float along = static_cast<float>(4 * stream.uniform(i, 0) - 2), above = i % 2 ? 1.0F : -1.0F;
    points[2 * i] = along - above * static_cast<float>(0.3 + stream.uniform(i, 1));
    points[2 * i + 1] = along + above * static_cast<float>(0.3 + stream.uniform(i, 2));
    labels[i] = static_cast<std::int32_t>(i % 2);
  }
  return {points, labels};
}

inline Sequential<float> small_model(std::uint64_t seed = 0) {
  auto model = support::model<float>(Input{2}, {Dense{.units = 6, .activation = Tanh{}}, Dense{.units = 2}});
  model.initialize(seed);
  return model;
}

/// Writes down what happens.
struct Recorder {
  std::vector<std::string>& log;
  std::string tag = "";
  void on_fit_begin(const FitInfo& info) {
    log.push_back(tag + "fit " + std::to_string(info.epochs) + " " + std::to_string(info.samples));
  }
  void on_epoch_begin(Index epoch) { log.push_back(tag + "epoch " + std::to_string(epoch)); }
  void on_step_end(const StepInfo& step) {
    log.push_back(tag + "step " + std::to_string(step.iteration) + " of " + std::to_string(step.batch));
  }
  void on_epoch_end(const EpochRecord& record) {
    log.push_back(tag + "end " + std::to_string(record.epoch) + " " + std::to_string(record.steps));
  }
  void on_fit_end(const History& history) { log.push_back(tag + "done " + std::to_string(history.epochs.size())); }
};

inline std::vector<double> weights_of(const Sequential<float>& model) {
  auto values = support::doubles(model.parameters().trainable());
  for (double value : support::doubles(model.parameters().state())) values.push_back(value);
  return values;
}

}  // namespace problem
