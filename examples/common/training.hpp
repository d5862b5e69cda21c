// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <tarn/gpu.hpp>
#include <tarn/layers/sequential.hpp>
#include <tarn/train/callbacks.hpp>
#include <tarn/train/history.hpp>
#include "common/program.hpp"
#include "common/results.hpp"

#include <nlohmann/json.hpp>

namespace examples {

/// "On the GPU." or "On the CPU.", with the reason where it is not the GPU that auto looked for.
inline std::string place(const tarn::DeviceChoice& device) {
  return (device.gpu ? "On the GPU" : "On the CPU") + (device.reason.empty() ? "" : " (" + device.reason + ")") + '.';
}

/// Gives a model on the CPU the weights and moving statistics of one of the same layers, wherever that is.
template <class D>
void copy_values(const tarn::Sequential<float, D>& from, tarn::Sequential<float>& to) {
  const auto weights = tarn::ops::to_host(from.parameters().trainable()), state = tarn::ops::to_host(from.parameters().state());
  tarn::ops::copy(tarn::TensorView<const float, tarn::Cpu>{weights}, to.parameters().trainable());
  tarn::ops::copy(tarn::TensorView<const float, tarn::Cpu>{state}, to.parameters().state());
}

/// A callback that ends a training when Ctrl-C is pressed.
struct StopOnInterrupt {
  bool wants_step() const { return false; }
  tarn::Training on_step_end(const tarn::StepInfo&) const { return interrupted() ? tarn::Training::stop : tarn::Training::go_on; }
};

/// An epoch with the published figures' keys.
inline Json to_json(const tarn::EpochRecord& record) {
  Json epoch{{"epoch", record.epoch},
             {"seconds", record.seconds},
             {"ms_per_step", 1000 * record.seconds / static_cast<double>(record.steps)},
             {"loss", record.training.loss},
             {"accuracy", record.training.accuracy.value_or(0)}};
  if (record.validation) {
    epoch["val_loss"] = record.validation->loss;
    epoch["val_accuracy"] = record.validation->accuracy.value_or(0);
  }
  return epoch;
}

inline Json to_json(const tarn::History& history) {
  Json epochs = Json::array();
  for (const auto& record : history.epochs) epochs.push_back(to_json(record));
  return epochs;
}

}  // namespace examples
