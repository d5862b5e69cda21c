// SPDX-License-Identifier: MIT
#include <tarn/schedulers/schedule.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using support::error_of;
using tarn::ArgumentError;
using tarn::BatchSize;
using tarn::Index;
using tarn::LearningRate;
using tarn::Progress;

TEST_CASE("A learning rate is a number or a function of the iteration", "[schedulers]") {
  const LearningRate number = 0.25, whole = 2;
  CHECK(number(0) == 0.25);
  CHECK(number(1000) == 0.25);
  CHECK(whole(5) == 2);
  const LearningRate decay = [](Index iteration) { return 1.0 / static_cast<double>(1 + iteration); };
  CHECK(decay(0) == 1);
  CHECK(decay(3) == 0.25);
  const LearningRate copy = decay;
  CHECK(copy(1) == 0.5);
  CHECK(LearningRate{0.0}(0) == 0);
}

TEST_CASE("A learning rate and a batch size may be functions of the progress", "[schedulers]") {
  const LearningRate by_epoch = [](Progress progress) { return progress.epoch < 2 ? 0.5 : 0.25; };
  CHECK(by_epoch(Progress{100, 1}) == 0.5);
  CHECK(by_epoch(Progress{100, 2}) == 0.25);
  CHECK(by_epoch(100) == 0.5);
  const BatchSize both = [](Progress progress) { return progress.iteration + 10 * progress.epoch; };
  CHECK(both(Progress{3, 4}) == 43);
  CHECK(both(3) == 3);
  const BatchSize by_iteration = [](Index iteration) { return iteration + 1; };
  CHECK(by_iteration(Progress{3, 4}) == 4);
  CHECK_FALSE(both.is_constant());
}

TEST_CASE("A learning rate is finite and not negative", "[schedulers]") {
  CHECK(error_of<ArgumentError>([] { LearningRate{-0.5}(2); }) ==
        "learning rate: -0.5 at iteration 2, expected at least 0 and finite");
  const LearningRate wild = [](Index i) { return i == 0 ? 0.1 : i == 1 ? std::nan("") : INFINITY; };
  CHECK(wild(0) == 0.1);
  CHECK(error_of<ArgumentError>([&] { wild(1); }) == "learning rate: nan at iteration 1, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>([&] { wild(2); }) == "learning rate: inf at iteration 2, expected at least 0 and finite");
}

TEST_CASE("A batch size is a number or a function of the iteration", "[schedulers]") {
  const BatchSize number = 128;
  CHECK(number(7) == 128);
  const BatchSize growing = [](Index iteration) { return Index{32} << iteration; };
  CHECK(growing(0) == 32);
  CHECK(growing(10) == 32768);
  CHECK(error_of<ArgumentError>([] { BatchSize{0}(4); }) == "batch size: 0 at iteration 4, expected at least 1");
  const BatchSize shrinking = [](Index iteration) { return 2 - iteration; };
  CHECK(error_of<ArgumentError>([&] { shrinking(3); }) == "batch size: -1 at iteration 3, expected at least 1");
}
