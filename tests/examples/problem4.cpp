// SPDX-License-Identifier: MIT
#include <cmath>

#include "program.hpp"

using namespace support;

namespace {

bool no_data(const Outcome& outcome) {
  return outcome.code == 3 && outcome.error.find("dataset-fashion-mnist") != std::string::npos;
}

/// The published form's rate at an iteration, by the formula: base 0.1, max 1e-9, step size 1000, exp_range with gamma 0.99994.
double published_rate(double i) {
  const double cycle = std::floor(1 + i / 2000), x = std::abs(i / 1000 - 2 * cycle + 1);
  return 0.1 + (1e-9 - 0.1) * std::max(0.0, 1 - x) * std::pow(0.99994, i);
}

}  // namespace

TEST_CASE("problem4_schedules --quick gives the published keys, counts, batch sizes and learning rates", "[examples][problem4]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem4_schedules", "--quick --seed 3");
  if (no_data(outcome)) return skip("Fashion-MNIST is not on this machine");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.out.find("QUICK RUN") != std::string::npos);
  const Json result = support::result(folder, "problem4"), expected = published("problem4");
  const Json &ours = result["published"]["problem4"], &corrected = result["corrected"]["problem4"];

  CHECK(ours["dataset"]["training"] == 60000);
  CHECK(ours["dataset"]["test"] == 10000);
  CHECK(ours["dataset"]["classes"] == 10);
  CHECK(ours["dataset"]["training_by_class"] == Json(std::vector<int>(10, 6000)));
  CHECK(ours["dataset"]["test_by_class"] == Json(std::vector<int>(10, 1000)));

  REQUIRE(ours["learning_rate_sweep"]["by_rate"].size() == 11);
  CHECK(ours["learning_rate_sweep"]["runs"] == expected["learning_rate_sweep"]["runs"]);
  for (std::size_t i = 0; i < 11; ++i)
    CHECK(ours["learning_rate_sweep"]["by_rate"][i]["rate"].get<double>() == Approx(std::pow(10, static_cast<double>(i) - 9)));
  REQUIRE(ours["batch_size_sweep"]["by_size"].size() == 8);
  CHECK(ours["batch_size_sweep"]["runs"] == expected["batch_size_sweep"]["runs"]);
  for (std::size_t i = 0; i < 8; ++i) CHECK(ours["batch_size_sweep"]["by_size"][i]["size"] == 64 << i);
  CHECK(ours["batch_size_choice"]["min"] < ours["batch_size_choice"]["max"]);

  for (const char* part : {"learning_rate_sweep", "cyclic_lr", "batch_size_sweep", "cyclic_batch_size", "batch_size_choice"}) {
    INFO(part);
    for (const auto& [key, value] : expected[part].items()) {
      INFO(key);
      CHECK(ours[part].contains(key));
    }
  }
  for (const Json& epoch : ours["cyclic_lr"]["epochs"]) {
    for (const auto& [key, value] : expected["cyclic_lr"]["epochs"][0].items()) CHECK(epoch.contains(key));
    CHECK(epoch["val_accuracy"] >= 0);
    CHECK(epoch["val_accuracy"] <= 1);
  }
  REQUIRE(ours["cyclic_lr"]["learning_rates"].size() > 2);
  for (const Json& point : ours["cyclic_lr"]["learning_rates"])
    CHECK(point[1].get<double>() == Approx(published_rate(point[0].get<double>())).epsilon(1e-9));

  CHECK(ours["cyclic_batch_size"]["trace"] == expected["cyclic_batch_size"]["trace"]);
  CHECK(ours["cyclic_batch_size"]["trace_from"] == "the schedule alone");
  CHECK(corrected["range_test"]["base"] < corrected["range_test"]["max"]);
  for (const char* policy : {"triangular", "triangular2", "exp_range"}) {
    CHECK(corrected["cyclic_lr"]["policies"].contains(policy));
    CHECK(corrected["cyclic_batch_size"]["policies"].contains(policy));
  }
  for (const char* equal : {"equal_epochs", "equal_updates", "equal_time"})
    for (const char* kind : {"cyclic_lr", "cyclic_batch_size"}) CHECK(corrected["comparison"][equal][kind]["updates"] > 0);
  CHECK(corrected["comparison"]["equal_updates"]["cyclic_lr"]["updates"] ==
        corrected["comparison"]["equal_updates"]["cyclic_batch_size"]["updates"]);
  CHECK(result["run"]["fingerprints"].size() > 20);
  check_files(folder, result);
}

TEST_CASE("problem4_schedules takes the published batch sizes one by one when all of 4.6 is run", "[examples][problem4]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem4_schedules", "--only 4.6 --form published --repeats 1");
  if (no_data(outcome)) return skip("Fashion-MNIST is not on this machine");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  const Json result = support::result(folder, "problem4"), expected = published("problem4")["cyclic_batch_size"];
  const Json& ours = result["published"]["problem4"]["cyclic_batch_size"];
  CHECK(ours["trace"] == expected["trace"]);
  CHECK(ours["trace_from"] == "the steps taken");
  CHECK(ours["updates"] == 94);
  REQUIRE(ours["correct_of_seen"].size() == 5);
  for (std::size_t epoch = 0; epoch < 5; ++epoch) {
    CHECK(ours["correct_of_seen"][epoch][1] == expected["correct_of_seen"][epoch][1]);
    CHECK(ours["accuracy_by_epoch"][epoch].get<double>() ==
          Approx(expected["accuracy_by_epoch"][epoch].get<double>()).margin(0.06));
  }
  CHECK_FALSE(result.contains("corrected"));
  CHECK(result["run"]["only"] == "4.6");
}
