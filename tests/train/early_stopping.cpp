// SPDX-License-Identifier: MIT
#include <tarn/train/early_stopping.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::not_a_number;

namespace {

Sequential<float> two_layers() { return support::model<float>(Input{2}, {BatchNorm{}, Dense{.units = 2}}); }

/// Writes the epoch's number into every weight and statistic.
void mark(Sequential<float>& model, Index epoch) {
  for (float& value : model.parameters().trainable()) value = static_cast<float>(epoch) + 0.1F;
  for (float& value : model.parameters().state()) value = static_cast<float>(epoch) + 0.2F;
}
bool is_marked(const Sequential<float>& model, Index epoch) {
  const auto all = [](const auto& values, float expected) {
    return std::all_of(values.begin(), values.end(), [&](float value) { return value == expected; });
  };
  return all(model.parameters().trainable(), static_cast<float>(epoch) + 0.1F) &&
         all(model.parameters().state(), static_cast<float>(epoch) + 0.2F);
}

struct Outcome {
  Index stopped = 0, best_epoch = 0;  ///< stopped: 0 if it went on to the end
  double best = 0;
  Index weights_of = 0;  ///< the epoch whose weights the model has afterwards
};

/// A training whose validation losses are these.
Outcome outcome(const std::vector<double>& losses, const EarlyStoppingOptions& options) {
  auto model = two_layers();
  EarlyStopping stopping{model, options};
  const Callback callback = std::ref(stopping);
  History history;
  Outcome result;
  callback.fit_begin({});
  for (const double loss : losses) {
    const Index epoch = static_cast<Index>(history.epochs.size()) + 1;
    mark(model, epoch);
    history.epochs.push_back({.epoch = epoch, .training = Metrics{1, -loss, 1 - loss}, .validation = Metrics{1, loss, loss}});
    if (callback.epoch_end(history.epochs.back()) == Training::go_on) continue;
    result.stopped = epoch;
    break;
  }
  callback.fit_end(history);
  result.best = stopping.best();
  result.best_epoch = stopping.best_epoch();
  for (Index epoch = 1; epoch <= static_cast<Index>(losses.size()); ++epoch)
    if (is_marked(model, epoch)) result.weights_of = epoch;
  return result;
}

void check(const Outcome& found, Index stopped, Index best_epoch, double best, Index weights_of) {
  CHECK(found.stopped == stopped);
  CHECK(found.best_epoch == best_epoch);
  CHECK((found.best == best || (std::isnan(found.best) && std::isnan(best))));
  CHECK(found.weights_of == weights_of);
}

}  // namespace

TEST_CASE("Training stops when the patience is used up, with the weights and state of the best epoch",
          "[train][early_stopping]") {
  const std::vector<double> losses{5, 3, 4, 3.5, 3, 2, 9, 9, 9};  // an equal loss is no improvement
  check(outcome(losses, {}), 3, 2, 3, 2);
  check(outcome(losses, {.patience = 1}), 3, 2, 3, 2);
  check(outcome(losses, {.patience = 2}), 4, 2, 3, 2);
  check(outcome(losses, {.patience = 3}), 5, 2, 3, 2);
  check(outcome(losses, {.patience = 4}), 0, 6, 2, 6);
  check(outcome(losses, {.patience = 2, .restore_best = false}), 4, 2, 3, 4);
}

TEST_CASE("An improvement must exceed the least change", "[train][early_stopping]") {
  check(outcome({4, 3.5, 3, 2.5}, {.patience = 2, .least_change = 0.5}), 0, 3, 3, 3);
  check(outcome({4, 3.75, 3.75, 1}, {.patience = 2, .least_change = 0.5}), 3, 1, 4, 1);
}

TEST_CASE("Early epochs are not looked at, neither as the best nor as waiting", "[train][early_stopping]") {
  check(outcome({1, 5, 4, 4, 3}, {.patience = 2, .start_from = 3}), 0, 5, 3, 5);
  check(outcome({1, 5, 4, 4, 4, 3}, {.patience = 2, .start_from = 3}), 5, 3, 4, 3);
  check(outcome({1, 2}, {.start_from = 3}), 0, 0, not_a_number, 2);
}

TEST_CASE("A figure of one's own, of which larger is better, can be monitored", "[train][early_stopping]") {
  const auto accuracy = [](const EpochRecord& record) { return *record.validation->accuracy; };
  check(outcome({1, 2, 3, 3, 2}, {.patience = 2, .larger_is_better = true, .monitor = accuracy}), 5, 3, 3, 3);
  check(outcome({1, 1.5, 2.5}, {.least_change = 1, .larger_is_better = true, .monitor = accuracy}), 2, 1, 1, 1);
}

TEST_CASE("Without validation the training loss is monitored", "[train][early_stopping]") {
  auto model = two_layers();
  EarlyStopping stopping{model};
  stopping.on_fit_begin({});
  CHECK(stopping.on_epoch_end({.epoch = 1, .training = Metrics{1, 4, {}}}) == Training::go_on);
  CHECK(stopping.on_epoch_end({.epoch = 2, .training = Metrics{1, 5, {}}}) == Training::stop);
  CHECK(stopping.best() == 4);
}

TEST_CASE("What is not a number never improves, and any number improves on it", "[train][early_stopping]") {
  check(outcome({not_a_number, not_a_number, 7, not_a_number, 6}, {.patience = 2}), 0, 5, 6, 5);
  check(outcome({3, not_a_number, not_a_number, 1}, {.patience = 2}), 3, 1, 3, 1);
}

TEST_CASE("A further training begins without a best epoch", "[train][early_stopping]") {
  auto model = two_layers();
  EarlyStopping stopping{model};
  const auto run = [&](double loss) {
    stopping.on_fit_begin({});
    stopping.on_epoch_end({.epoch = 1, .training = Metrics{1, loss, {}}});
    stopping.on_fit_end({});
    return stopping.best();
  };
  CHECK(run(1) == 1);
  CHECK(run(2) == 2);
}

TEST_CASE("Early stopping refuses options out of range", "[train][early_stopping]") {
  auto model = two_layers();
  const auto made = [&](const EarlyStoppingOptions& options) { return [&model, options] { EarlyStopping{model, options}; }; };
  CHECK(error_of<ArgumentError>(made({.patience = -1})) == "EarlyStopping: patience is -1, expected at least 0");
  CHECK(error_of<ArgumentError>(made({.least_change = -0.5})) ==
        "EarlyStopping: least_change is -0.5, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made({.least_change = not_a_number})) ==
        "EarlyStopping: least_change is nan, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made({.least_change = std::numeric_limits<double>::infinity()})) ==
        "EarlyStopping: least_change is inf, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made({.start_from = 0})) == "EarlyStopping: start_from is 0, expected at least 1");
}
