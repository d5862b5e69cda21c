// SPDX-License-Identifier: MIT
#include <tarn/train/history.hpp>

#include <cstdlib>
#include <limits>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;

namespace {

Metrics metrics(double loss, std::optional<double> accuracy, double first = 0, double second = 0) {
  Metrics result{10, loss, accuracy};
  result.values[0] = first;
  result.values[1] = second;
  return result;
}

/// Two epochs, the second validated, and a step.
History recorded() {
  History history;
  history.metrics = {"top 5", "a \"b\", c"};
  history.epochs.push_back({1, 3, metrics(0.1, 0.5, 0.75, 2), {}, 0.01, 1.5});
  history.epochs.push_back({2, 2, metrics(1.0 / 3, {}, 1, 1e-300), metrics(0.25, 1, 0, -4), 0.001, 2});
  history.steps.push_back({1, 7, 32, 0.01, 0.3, metrics(0.1, 0.5, 0.75, 2)});
  return history;
}

/// A line of CSV without quotes, as numbers; NaN where a field is empty.
std::vector<double> fields(const std::string& csv, int line) {
  std::size_t at = 0;
  for (int i = 0; i < line; ++i) at = csv.find('\n', at) + 1;
  std::vector<double> values;
  for (std::string rest = csv.substr(at, csv.find('\n', at) - at) + ','; !rest.empty(); rest.erase(0, rest.find(',') + 1))
    values.push_back(rest[0] == ',' ? std::numeric_limits<double>::quiet_NaN() : std::strtod(rest.c_str(), nullptr));
  return values;
}

}  // namespace

TEST_CASE("Epochs become lines of CSV, what was not measured an empty field", "[train][history]") {
  CHECK(epochs_csv(recorded()) ==
        "epoch,steps,samples,learning_rate,seconds,loss,accuracy,top 5,\"a \"\"b\"\", c\",validation_loss,validation_accuracy,"
        "validation_top 5,\"validation_a \"\"b\"\", c\"\n"
        "1,3,10,0.01,1.5,0.1,0.5,0.75,2,,,,\n"
        "2,2,10,0.001,2,0.3333333333333333,,1,1e-300,0.25,1,0,-4\n");
  CHECK(epochs_csv({}) == "epoch,steps,samples,learning_rate,seconds,loss,accuracy,validation_loss,validation_accuracy\n");
}

TEST_CASE("Steps become lines of CSV", "[train][history]") {
  CHECK(steps_csv(recorded()) ==
        "iteration,epoch,batch,learning_rate,loss,running_loss,running_accuracy,running_top 5,\"running_a \"\"b\"\", c\"\n"
        "7,1,32,0.01,0.3,0.1,0.5,0.75,2\n");
  CHECK(steps_csv({}) == "iteration,epoch,batch,learning_rate,loss,running_loss,running_accuracy\n");
}

TEST_CASE("Numbers in CSV read back as they were", "[train][history]") {
  History history;
  const double odd[]{0.1 + 0.2, 1e-310, 123456789.123456789, -1.0 / 3};
  for (const double loss : odd) history.epochs.push_back({1, 1, Metrics{1, loss, {}}, {}, loss, loss});
  const std::string csv = epochs_csv(history);
  for (int i = 0; i < 4; ++i) {
    const auto values = fields(csv, i + 1);
    REQUIRE(values.size() == 9);
    for (const std::size_t column : {std::size_t{3}, std::size_t{4}, std::size_t{5}}) CHECK(values[column] == odd[i]);
    CHECK(std::isnan(values[6]));
  }
}

TEST_CASE("A metric's value is found by name", "[train][history]") {
  const History history = recorded();
  CHECK(history.value(history.epochs[0].training, "top 5") == 0.75);
  CHECK(history.value(*history.epochs[1].validation, "a \"b\", c") == -4);
  CHECK(support::error_of<ArgumentError>([&] { history.value(history.epochs[0].training, "top 3"); }) ==
        "history: no metric 'top 3', there are: top 5, a \"b\", c");
}
