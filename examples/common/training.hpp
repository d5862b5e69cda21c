// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/train/callbacks.hpp>
#include <tarn/train/history.hpp>
#include "common/program.hpp"
#include "common/results.hpp"

#include <nlohmann/json.hpp>

namespace examples {

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
