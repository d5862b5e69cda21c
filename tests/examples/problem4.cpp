// SPDX-License-Identifier: MIT
#include <cmath>

#include "program.hpp"

using namespace support;

namespace {

/// Whether the program could not run because Fashion-MNIST is not there; it then has said where to get it.
bool lacks_data(const Outcome& outcome) {
  if (outcome.code != 3) return false;
  CHECK(outcome.error.find("dataset-fashion-mnist") != std::string::npos);
  skip("Fashion-MNIST is not on this machine");
  return true;
}

/// The rate of the cyclic schedule, from its formula.
double cyclic_rate(double base, double max, double step_size, double iteration, double scale) {
  const double cycle = std::floor(1 + iteration / (2 * step_size)), x = std::abs(iteration / step_size - 2 * cycle + 1);
  return base + (max - base) * std::max(0.0, 1 - x) * scale;
}

/// What any training has to show.
void check_epochs(const Json& epochs, std::size_t count) {
  REQUIRE(epochs.size() == count);
  CHECK(epochs.back()["loss"] < epochs.front()["loss"]);
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(epochs[i]["epoch"] == i + 1);
    CHECK(epochs[i]["seconds"] > 0);
    CHECK(epochs[i]["val_loss"] > 0);
    CHECK(epochs[i]["accuracy"] > 0.3);
    CHECK(epochs[i]["accuracy"] <= 1);
    CHECK(epochs[i]["val_accuracy"] >= 0);
    CHECK(epochs[i]["val_accuracy"] <= 1);
  }
}

void check_sweeps(const Json& ours) {
  const Json &rates = ours["learning_rate_sweep"]["by_rate"], &sizes = ours["batch_size_sweep"]["by_size"];
  REQUIRE(rates.size() == 11);
  REQUIRE(sizes.size() == 8);
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(rates[i]["rate"].get<double>() == Approx(std::pow(10.0, static_cast<double>(i) - 9)));
    CHECK((rates[i].contains("diverged_at_step") || rates[i]["loss"] > 0));
    if (i < 10) CHECK(rates[i]["updates"] == 19);  // of 1200 images
  }
  // Next to nothing is learnt at the lowest rate; logits of ten classes start a little above a loss of ln 10.
  CHECK(rates[0]["loss"] > 2.2);
  CHECK(rates[0]["loss"] < 3.5);
  CHECK(rates[8]["loss"].get<double>() < 0.7 * rates[0]["loss"].get<double>());
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(sizes[i]["size"] == 64 << i);
    CHECK(sizes[i]["test_accuracy_renewed"] <= 1);
    CHECK(sizes[i]["updates"] == (1200 + (64 << i) - 1) / (64 << i));
  }
  CHECK(sizes[0]["loss"] < sizes[5]["loss"]);
  // The one training that both sweeps have.
  CHECK(sizes[0]["loss"] == rates[8]["loss"]);
}

}  // namespace

TEST_CASE("problem4_schedules --quick writes both forms with the published figures' structure", "[examples][problem4]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem4_schedules", "--quick --seed 2");
  if (lacks_data(outcome)) return;
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.error.empty());
  CHECK(outcome.out.find("QUICK RUN") != std::string::npos);
  CHECK(outcome.out.find("no judgement") != std::string::npos);

  const Json result = support::result(folder, "problem4"), theirs = published("problem4");
  CHECK(result["quick"] == true);
  const Json ours = result["published"]["problem4"], corrected = result["corrected"]["problem4"];
  check_has_form_of(theirs, ours);
  for (const char* key : {"learning_rate_sweep", "cyclic_lr", "batch_size_sweep", "batch_size_choice"})
    check_has_form_of(theirs[key], corrected[key], key);
  for (const Json& tree : {ours, corrected}) {
    const Json& dataset = tree["dataset"];
    CHECK(dataset["training"] == 60000);
    CHECK(dataset["test"] == 10000);
    CHECK(dataset["classes"] == 10);
    CHECK(dataset["training_by_class"] == Json(std::vector<int>(10, 6000)));
    CHECK(dataset["test_by_class"] == Json(std::vector<int>(10, 1000)));
    check_sweeps(tree);
    check_epochs(tree["cyclic_lr"]["epochs"], 5);
    REQUIRE(tree["cyclic_batch_size"]["accuracy_by_epoch"].size() == 5);
    for (const Json& seen : tree["cyclic_batch_size"]["correct_of_seen"]) {
      CHECK(seen[0] <= seen[1]);
      CHECK(seen[1] <= 1200);
    }
  }
  CHECK(ours["learning_rate_sweep"] == corrected["learning_rate_sweep"]);  // one training for both forms
  CHECK(ours["batch_size_sweep"] == corrected["batch_size_sweep"]);

  // In a quick run the trace is that of the schedule on all 60000 images, which is the published one; and it says so.
  CHECK(ours["cyclic_batch_size"]["trace"] == theirs["cyclic_batch_size"]["trace"]);
  CHECK(ours["cyclic_batch_size"]["trace_from"] == "the schedule alone");
  CHECK(result["findings"]["trace_taken"].get<std::string>().find("quick run") != std::string::npos);
  CHECK(result["findings"]["rule_trace"].get<std::string>().find("57, 17, 2, 16 and 2") != std::string::npos);
  CHECK(result["findings"]["rule_trace"].get<std::string>().find("size by size the published sequence") != std::string::npos);
  double kept = 1;
  for (const Json& share : ours["cyclic_batch_size"]["share_of_initial_statistics_by_epoch"]) {
    CHECK(share < kept);
    kept = share;
  }
  CHECK(kept == Approx(std::pow(0.99, ours["cyclic_batch_size"]["updates"].get<double>())));

  // The rates that the steps were made with.
  const Json& used = ours["cyclic_lr"]["learning_rates"];
  REQUIRE(used.size() == 2);
  for (const Json& pair : used) {
    const double i = pair[0].get<double>();
    CHECK(pair[1].get<double>() == Approx(cyclic_rate(0.1, 1e-9, 1000, i, std::pow(0.99994, i))).epsilon(1e-12));
  }
  const Json& cycle = corrected["cyclic_lr"];
  CHECK(cycle["base"] < cycle["max"]);
  CHECK(cycle["step_size"] == 24);  // a quarter of the 5 x 19 updates
  CHECK(corrected["range_test"]["base"] == cycle["base"]);
  REQUIRE(cycle["learning_rates"].size() == 2);
  for (const Json& pair : cycle["learning_rates"])
    CHECK(pair[1].get<double>() ==
          Approx(cyclic_rate(cycle["base"].get<double>(), cycle["max"].get<double>(), 24, pair[0].get<double>(), 1))
              .epsilon(1e-12));
  for (const char* policy : {"triangular", "triangular2", "exp_range"}) {
    INFO(policy);
    check_epochs(cycle["policies"][policy]["epochs"], 5);
    check_epochs(corrected["cyclic_batch_size"]["policies"][policy]["epochs"], 5);
  }

  // The sizes of the corrected cycle stay between their edges, or at the cap.
  const Json& choice = corrected["batch_size_choice"];
  CHECK(choice["min"] < choice["max"]);
  for (const Json& epoch : corrected["cyclic_batch_size"]["trace"])
    for (const Json& size : epoch) {
      CHECK(size >= choice["min"]);
      CHECK(size <= choice["max"]);
      CHECK(size <= 1200 / 16);
    }
  const Json& comparison = corrected["comparison"];
  CHECK(comparison["equal_epochs"]["cyclic_lr"]["updates"] == 95);
  CHECK(comparison["equal_epochs"]["cyclic_lr"] == comparison["equal_time"]["cyclic_lr"]);
  CHECK(comparison["equal_updates"]["cyclic_lr"]["updates"] == comparison["equal_updates"]["cyclic_batch_size"]["updates"]);
  CHECK(corrected["decay_and_growth"]["size_doubled"]["updates"] == 19 + 10 + 5 + 3 + 2);

  REQUIRE(result["repeats"].size() == 1);
  CHECK(result["run"]["seed"] == 2);
  CHECK(result["run"]["complete"] == true);
  for (const char* part : {"4.1", "4.2", "4.3", "4.4", "4.5", "4.6"}) CHECK(result["run"]["seconds"].contains(part));
  CHECK(result["figures"].size() == 12);
  check_files(folder, result);
}

TEST_CASE("problem4_schedules takes the published batch sizes one by one when all of 4.6 is run", "[examples][problem4]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem4_schedules", "--only 4.6 --form published --repeats 1");
  if (lacks_data(outcome)) return;
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  const Json result = support::result(folder, "problem4"), theirs = published("problem4")["cyclic_batch_size"];
  const Json& ours = result["published"]["problem4"]["cyclic_batch_size"];
  CHECK(ours["trace"] == theirs["trace"]);
  CHECK(ours["trace_from"] == "the steps taken");
  CHECK(ours["updates"] == 94);
  REQUIRE(ours["correct_of_seen"].size() == 5);
  for (std::size_t epoch = 0; epoch < 5; ++epoch) {
    CHECK(ours["correct_of_seen"][epoch][1] == theirs["correct_of_seen"][epoch][1]);
    CHECK(ours["accuracy_by_epoch"][epoch].get<double>() ==
          Approx(theirs["accuracy_by_epoch"][epoch].get<double>()).margin(0.06));
  }
  // The start is 38.9 % of the moving mean of the pixels, 0; the rest is their mean, 72.94.
  CHECK(ours["share_of_initial_statistics_by_epoch"][4].get<double>() == Approx(std::pow(0.99, 94)));
  CHECK(ours["moving_mean_of_pixels_by_epoch"][4].get<double>() == Approx(72.94 * (1 - std::pow(0.99, 94))).margin(1));
  CHECK(ours["test_accuracy_renewed"] > ours["test_accuracy"]);
  CHECK_FALSE(result.contains("corrected"));
  CHECK(result["run"]["only"] == "4.6");
}

TEST_CASE("problem4_schedules runs one form or one part alone, as often as asked", "[examples][problem4]") {
  const Folder folder;
  Outcome outcome = run(folder, "problem4_schedules", "--quick --form published --only 4.6 --repeats 2 --epochs 2");
  if (lacks_data(outcome)) return;
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  Json result = support::result(folder, "problem4");
  CHECK_FALSE(result.contains("corrected"));
  CHECK(result["published"]["problem4"].size() == 1);
  CHECK(result["repeats"].size() == 2);
  CHECK(result["run"]["fingerprints"].size() == 2);
  const Json theirs = published("problem4")["cyclic_batch_size"]["trace"];
  CHECK(result["published"]["problem4"]["cyclic_batch_size"]["trace"] == Json({theirs[0], theirs[1]}));

  // Both forms share the sweeps, of which --repeats makes three at most.
  outcome = run(folder, "problem4_schedules", "--quick --only 4.4 --repeats 5");
  REQUIRE(outcome.code == 0);
  result = support::result(folder, "problem4");
  CHECK(result["repeats"].size() == 3);
  CHECK(result["run"]["sweep_repeats"] == 3);
  CHECK(result["published"]["problem4"].contains("batch_size_sweep"));
}

TEST_CASE("problem4_schedules gives the same weights for the same seed on one thread and on three", "[examples][problem4]") {
  const Folder folder;
  Json fingerprints[3];
  int i = 0;
  for (const std::string arguments : {"--seed 5 --threads 1", "--seed 5 --threads 3", "--seed 6 --threads 3"}) {
    const Outcome outcome = run(folder, "problem4_schedules", "--quick --form published --only 4.3 --epochs 1 " + arguments);
    if (lacks_data(outcome)) return;
    REQUIRE(outcome.code == 0);
    fingerprints[i++] = support::result(folder, "problem4")["run"]["fingerprints"];
  }
  REQUIRE(fingerprints[0].size() == 1);
  CHECK(fingerprints[0] == fingerprints[1]);
  CHECK(fingerprints[0]["4.3 as published, seed 5"] != fingerprints[2]["4.3 as published, seed 6"]);
}

TEST_CASE("problem4_schedules ends with 130 on Ctrl-C, after writing what is finished", "[examples][problem4]") {
  const Folder folder;
  const Outcome outcome =
      run(folder, "problem4_schedules", "--form published --epochs 1", "timeout --preserve-status --signal=INT 8");
  if (lacks_data(outcome)) return;
  CHECK(outcome.code == 130);
  const Json result = support::result(folder, "problem4");
  CHECK(result["run"]["complete"] == false);
  CHECK(result["published"]["problem4"]["dataset"]["training"] == 60000);
  for (const Json& swept : result["published"]["problem4"]["learning_rate_sweep"]["by_rate"]) CHECK(swept["updates"] == 938);
}
