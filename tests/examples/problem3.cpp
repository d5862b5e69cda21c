// SPDX-License-Identifier: MIT
#include "program.hpp"

using namespace support;

namespace {

const std::vector<std::string> published_variants{"standard_input_batchnorm_hidden", "batchnorm_input_and_hidden", "dropout_only",
                                                  "batchnorm_and_dropout"};
const std::string fifth = "standardised_input_batchnorm_hidden";

}  // namespace

TEST_CASE("problem3_lenet --quick writes the published figures' structure and exact parameter counts", "[examples][problem3]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem3_lenet", "--quick --epochs 10 --seed 3");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.error.empty());
  CHECK(outcome.out.find("QUICK RUN") != std::string::npos);
  CHECK(outcome.out.find("no judgement") != std::string::npos);

  const Json result = support::result(folder, "problem3");
  CHECK(result["quick"] == true);
  const Json ours = result["published"]["problem3"], corrected = result["corrected"]["problem3"];
  check_has_form_of(published("problem3"), ours);
  CHECK(ours["parameters"] == published("problem3")["parameters"]);
  CHECK(corrected["parameters"][fifth] == published("problem3")["parameters"][published_variants[0]]);
  CHECK(ours.size() == 6);
  CHECK(corrected.size() == 7);
  for (const auto& variant : published_variants) {
    INFO(variant);
    CHECK(corrected[variant] == ours[variant]);  // one training for both forms
    const Json& last = ours[variant]["epochs"].back();
    CHECK(last["epoch"] == 10);
    CHECK(last["loss"] < ours[variant]["epochs"].front()["loss"]);
    CHECK(last["val_accuracy"] > 0.3);
    CHECK(last["val_accuracy"] <= 1);
    CHECK(ours[variant]["train_accuracy_in_inference"] <= 1);
  }
  CHECK(corrected[fifth]["epochs"].size() == 10);
  CHECK(corrected[fifth]["epochs"].back()["val_accuracy"] > 0.8);
  // What dropout costs in training is gone in inference.
  CHECK(ours["dropout_only"]["train_accuracy_in_inference"] > ours["dropout_only"]["epochs"].back()["accuracy"]);
  REQUIRE(result["repeats"].size() == 1);
  CHECK(result["repeats"][0]["published"]["problem3"] == ours);
  CHECK(result["run"]["seed"] == 3);
  CHECK(result["run"]["complete"] == true);
  CHECK(result["run"]["device"] == "cpu");
  CHECK(result["run"]["fingerprints"].size() == 5);
  CHECK(result["figures"].size() == 7);
  check_files(folder, result);

  const std::string values = read(folder.results() / "problem3_batch_norm_values.csv");
  CHECK(std::count(values.begin(), values.end(), '\n') == 904 + 2);  // "quick run" and the header
}

TEST_CASE("problem3_lenet gives the same weights for the same seed on one thread and on three", "[examples][problem3]") {
  const Folder folder;
  Json fingerprints[3];
  int i = 0;
  for (const std::string arguments : {"--seed 5 --threads 1", "--seed 5 --threads 3", "--seed 6 --threads 3"}) {
    REQUIRE(run(folder, "problem3_lenet", "--quick --epochs 1 " + arguments).code == 0);
    fingerprints[i++] = support::result(folder, "problem3")["run"]["fingerprints"];
  }
  CHECK(fingerprints[0] == fingerprints[1]);
  REQUIRE(fingerprints[0].size() == 5);
  for (const auto& variant : published_variants) {
    const std::string name = variant + ", seed ";
    INFO(variant);
    CHECK(fingerprints[0].at(name + "5") != "00000000");
    CHECK(fingerprints[0].at(name + "5") != fingerprints[2].at(name + "6"));
  }
}

TEST_CASE("The programs end with 3 and name the broken file, the missing one and the wrong set", "[examples][problem3]") {
  const Folder folder;
  const fs::path data = folder.path / "data";
  fs::create_directories(data);
  for (const auto& file : fs::directory_iterator(fs::path{TARN_EXAMPLES_DATA} / "mnist"))
    if (file.path().extension() == ".gz") fs::copy(file.path(), data / file.path().filename());
  const std::string arguments = "--quick --data " + data.string();
  Outcome outcome = run(folder, "problem4_schedules", arguments);  // these are digits, not clothes
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find("train-images-idx3-ubyte.gz") != std::string::npos);
  CHECK(outcome.error.find("this is another file or a changed one") != std::string::npos);

  const fs::path broken = data / "train-images-idx3-ubyte.gz";
  fs::resize_file(broken, fs::file_size(broken) / 2);
  outcome = run(folder, "problem3_lenet", arguments);
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find(broken.string()) != std::string::npos);
  CHECK(outcome.error.find("found the end of the file, expected more compressed data") != std::string::npos);

  fs::remove(broken);
  outcome = run(folder, "problem3_lenet", arguments);
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find("lacks train-images-idx3-ubyte") != std::string::npos);
}

TEST_CASE("problem3_lenet ends with 130 on Ctrl-C, after writing what is finished", "[examples][problem3]") {
  const Folder folder;
  const Outcome outcome =
      run(folder, "problem3_lenet", "--quick --epochs 1 --repeats 1000", "timeout --preserve-status --signal=INT 15");
  CHECK(outcome.code == 130);
  const Json result = support::result(folder, "problem3");
  CHECK(result["run"]["complete"] == false);
  REQUIRE_FALSE(result["repeats"].empty());
  for (const Json& run : result["run"]["fingerprints"]) CHECK(run != "00000000");
  for (const auto& [name, variant] : result["published"]["problem3"].items())
    if (variant.contains("epochs")) CHECK(variant["epochs"].size() == 1);  // no training that was cut short
}
