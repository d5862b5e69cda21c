// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tarn/train/metrics.hpp>

namespace tarn {

/// One step that was made.
struct StepInfo {
  Index epoch = 0;      ///< from 1 on
  Index iteration = 0;  ///< updates of this trainer before this one
  Index batch = 0;      ///< samples in it
  double learning_rate = 0;
  double loss = 0;       ///< mean over the batch
  Metrics running = {};  ///< of the epoch so far
};

/// One epoch. `training` is the running mean over the epoch's samples, measured in training mode while the weights changed;
/// `validation` is measured after it in inference mode.
struct EpochRecord {
  Index epoch = 0;  ///< from 1 on
  Index steps = 0;
  Metrics training = {};
  std::optional<Metrics> validation = {};
  double learning_rate = 0;  ///< of the last step
  double seconds = 0;        ///< training and validation
};

/// What `fit` returns: a record an epoch and, on request (`record_steps`), one a step.
struct History {
  std::vector<EpochRecord> epochs;
  std::vector<StepInfo> steps;
  std::vector<std::string> metrics;  ///< names of `Metrics::values`

  /// A metric's value by name. Throws ArgumentError that lists the names there are.
  double value(const Metrics& of, const std::string& metric) const {
    std::string known;
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      if (metrics[i] == metric) return of.values[i];
      known += (known.empty() ? "" : ", ") + metrics[i];
    }
    throw ArgumentError("history: no metric '", metric, "', there are: ", known);
  }
};

namespace detail {

inline void append_number(std::string& out, double value) { TextPart{value}.append_to(out); }

/// A name as a CSV field: in quotes where it holds a comma, a quote or a line's end.
inline std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
  return quoted + '"';
}

inline void append_metrics(std::string& out, const Metrics* m, std::size_t metrics) {
  const auto field = [&](const std::optional<double>& value) {
    out += ',';
    if (value) append_number(out, *value);
  };
  field(m ? std::optional{m->loss} : std::nullopt);
  field(m ? m->accuracy : std::nullopt);
  for (std::size_t i = 0; i < metrics; ++i) field(m ? std::optional{m->values[i]} : std::nullopt);
}
inline void append_metric_names(std::string& out, const std::string& prefix, const std::vector<std::string>& metrics) {
  out += ',' + prefix + "loss," + prefix + "accuracy";
  for (const auto& name : metrics) out += ',' + csv_field(prefix + name);
}

inline std::string epoch_csv_header(const std::vector<std::string>& metrics) {
  std::string out = "epoch,steps,samples,learning_rate,seconds";
  append_metric_names(out, "", metrics);
  append_metric_names(out, "validation_", metrics);
  return out + '\n';
}
inline std::string epoch_csv_line(const EpochRecord& record, std::size_t metrics) {
  std::string out =
      std::to_string(record.epoch) + ',' + std::to_string(record.steps) + ',' + std::to_string(record.training.samples) + ',';
  append_number(out, record.learning_rate);
  out += ',';
  append_number(out, record.seconds);
  append_metrics(out, &record.training, metrics);
  append_metrics(out, record.validation ? &*record.validation : nullptr, metrics);
  return out + '\n';
}

}  // namespace detail

/// The epochs as CSV (RFC 4180, numbers that read back as they were): a header, then a line an epoch; what was not measured is empty.
inline std::string epochs_csv(const History& history) {
  std::string out = detail::epoch_csv_header(history.metrics);
  for (const auto& record : history.epochs) out += detail::epoch_csv_line(record, history.metrics.size());
  return out;
}

/// The recorded steps as CSV, likewise; loss is that of the step's batch, the other metrics are those of the epoch so far.
inline std::string steps_csv(const History& history) {
  std::string out = "iteration,epoch,batch,learning_rate,loss";
  detail::append_metric_names(out, "running_", history.metrics);
  out += '\n';
  for (const auto& step : history.steps) {
    out += std::to_string(step.iteration) + ',' + std::to_string(step.epoch) + ',' + std::to_string(step.batch) + ',';
    detail::append_number(out, step.learning_rate);
    out += ',';
    detail::append_number(out, step.loss);
    detail::append_metrics(out, &step.running, history.metrics.size());
    out += '\n';
  }
  return out;
}

}  // namespace tarn
