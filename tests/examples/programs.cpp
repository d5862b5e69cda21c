// SPDX-License-Identifier: MIT
// The small programs.
#include "program.hpp"

using namespace support;

TEST_CASE("regression_csv learns the range of a throw and saves its weights", "[examples]") {
  const Folder folder;
  const Outcome outcome = run(folder, "regression_csv");
  INFO(outcome.out);
  REQUIRE(outcome.code == 0);
  CHECK(number_after(outcome.out, "mean absolute error ") < 1.0);  // metres; the measurements are off by 0.24 on average
  CHECK(number_after(outcome.out, "explained variance ") > 0.99);
  CHECK(fs::file_size(folder.results() / "throws.safetensors") > 4 * 1217);
}

TEST_CASE("regression_csv says which file it misses", "[examples]") {
  const Folder folder;
  const Outcome outcome = run(folder, "regression_csv", "--data " + folder.path.string());
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find((folder.path / "throws.csv").string()) != std::string::npos);
}

TEST_CASE("own_data tells two spirals apart", "[examples]") {
  const Folder folder;
  const Outcome outcome = run(folder, "own_data");
  INFO(outcome.out);
  REQUIRE(outcome.code == 0);
  CHECK(number_after(outcome.out, "accuracy on 200 points: ") > 0.97);
}

TEST_CASE("ensemble is sure where it has seen data, and unsure elsewhere", "[examples]") {
  const Folder folder;
  const Outcome outcome = run(folder, "ensemble");
  INFO(outcome.out);
  REQUIRE(outcome.code == 0);
  std::istringstream rows{outcome.out.substr(outcome.out.find("spread\n") + 7)};
  double x = 0, truth = 0, mean = 0, spread = 0, widest = 0, outside = 0;
  int count = 0;
  while (rows >> x >> truth >> mean >> spread) {
    ++count;
    if (std::abs(x) < 1) {
      CHECK(std::abs(mean - truth) < 0.05);
      widest = std::max(widest, spread);
    }
    if (std::abs(x) == 2) outside = std::max(outside, spread);
  }
  CHECK(count == 9);
  CHECK(outside > 3 * widest);
}

TEST_CASE("residual_network learns on Fashion-MNIST, or says where to get it", "[examples]") {
  const Folder folder;
  const Outcome outcome = run(folder, "residual_network", "--quick");
  INFO(outcome.out);
  if (outcome.code == 3) {
    CHECK(outcome.error.find("dataset-fashion-mnist") != std::string::npos);
    return skip("Fashion-MNIST is not on this machine");
  }
  REQUIRE(outcome.code == 0);
  CHECK(outcome.out.find("Total parameters: ") != std::string::npos);
  CHECK(number_after(outcome.out, "\naccuracy ") > 0.7);
}
