// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include <tarn/data/atomic_file.hpp>
#include <tarn/train/history.hpp>

namespace tarn::io {

namespace detail {

inline nlohmann::ordered_json metrics_json(const Metrics& metrics, const std::vector<std::string>& names) {
  nlohmann::ordered_json result{{"samples", metrics.samples}, {"loss", metrics.loss}};
  if (metrics.accuracy) result["accuracy"] = *metrics.accuracy;
  for (std::size_t i = 0; i < names.size(); ++i) result[names[i]] = metrics.values[i];
  return result;
}

}  // namespace detail

/// {"epochs": [{"epoch", "steps", "learning_rate", "seconds", "training": {...}, "validation": {...}}, ...],
/// "steps": [{"iteration", "epoch", "batch", "learning_rate", "loss", "running": {...}}, ...]}, where {...} is {"samples", "loss",
/// "accuracy"} and the trainer's other metrics by name. What was not measured is left out, "steps" where none were recorded. Numbers
/// read back as they were, but for those that are not finite: JSON has none, they become null.
inline nlohmann::ordered_json to_json(const History& history) {
  nlohmann::ordered_json result{{"epochs", nlohmann::ordered_json::array()}};
  for (const EpochRecord& record : history.epochs) {
    nlohmann::ordered_json epoch{{"epoch", record.epoch},
                                 {"steps", record.steps},
                                 {"learning_rate", record.learning_rate},
                                 {"seconds", record.seconds},
                                 {"training", detail::metrics_json(record.training, history.metrics)}};
    if (record.validation) epoch["validation"] = detail::metrics_json(*record.validation, history.metrics);
    result["epochs"].push_back(std::move(epoch));
  }
  for (const StepInfo& step : history.steps)
    result["steps"].push_back({{"iteration", step.iteration},
                               {"epoch", step.epoch},
                               {"batch", step.batch},
                               {"learning_rate", step.learning_rate},
                               {"loss", step.loss},
                               {"running", detail::metrics_json(step.running, history.metrics)}});
  return result;
}

/// Writes `to_json(history)` as a file, which appears whole or not at all, over one that was there. A metric's name that is not UTF-8
/// gets replacement characters. Throws IoError where the file cannot be written.
inline void write_history(const std::filesystem::path& path, const History& history) {
  const std::string text = to_json(history).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
  data::detail::AtomicFile file{path};
  file.write(text.data(), static_cast<Index>(text.size()));
  file.commit();
}

}  // namespace tarn::io
