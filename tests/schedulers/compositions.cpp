// SPDX-License-Identifier: MIT
#include <tarn/schedulers/compositions.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using support::error_of;

TEST_CASE("A schedule may count epochs", "[schedulers]") {
  const LearningRate function = ByEpoch{[](Index epoch) { return epoch < 5 ? 0.5 : 0.25; }};
  CHECK(function(Progress{1000, 4}) == 0.5);
  CHECK(function(Progress{0, 5}) == 0.25);
  const LearningRate halving = ByEpoch{StepDecay{.initial = 8, .factor = 0.5, .steps = 2}};
  CHECK(halving(Progress{1000, 1}) == 8);
  CHECK(halving(Progress{1000, 2}) == 4);
  const BatchSize doubling = ByEpoch{[](Index epoch) { return Index{32} << epoch; }};
  CHECK(doubling(Progress{1000, 3}) == 256);
  CHECK_FALSE(doubling.is_constant());
}

TEST_CASE("A warm-up leads up to the schedule behind it", "[schedulers]") {
  const LearningRate rate = WarmUp{.steps = 4, .from = 1, .then = StepDecay{.initial = 9, .factor = 0.5, .steps = 2}};
  const double expected[] = {1, 3, 5, 7, 9, 9, 4.5, 4.5, 2.25};
  for (Index i = 0; i < 9; ++i) CHECK(rate(i) == expected[i]);
  const LearningRate constant = WarmUp{.steps = 2, .then = 0.5};
  CHECK(constant(0) == 0);
  CHECK(constant(1) == 0.25);
  CHECK(constant(5) == 0.5);
  const LearningRate with_epochs = WarmUp{.steps = 2, .then = ByEpoch{[](Index epoch) { return epoch == 0 ? 1.0 : 0.5; }}};
  CHECK(with_epochs(Progress{1, 0}) == 0.5);
  CHECK(with_epochs(Progress{7, 1}) == 0.5);
}

TEST_CASE("A sequence runs each part from its own start, then the last for good", "[schedulers]") {
  const LearningRate rate = Sequence{{{0.5, 2}, {PolynomialDecay{.initial = 4, .end = 0, .steps = 4}, 3}}, 0.125};
  const double expected[] = {0.5, 0.5, 4, 3, 2, 0.125, 0.125};
  for (Index i = 0; i < 7; ++i) CHECK(rate(i) == expected[i]);
  CHECK(LearningRate{Sequence{{}, 0.5}}(3) == 0.5);
  const LearningRate nested = WarmUp{.steps = 2, .then = Sequence{{{1.0, 1}}, 0.5}};
  CHECK(nested(2) == 1);
  CHECK(nested(3) == 0.5);
}

TEST_CASE("Compositions check their options and those of their parts", "[schedulers]") {
  CHECK(error_of<ArgumentError>([] { LearningRate{WarmUp{.steps = 0}}; }) == "WarmUp: steps is 0, expected at least 1");
  CHECK(error_of<ArgumentError>([] { LearningRate{WarmUp{.from = NAN}}; }) ==
        "WarmUp: from is nan, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>([] {
          LearningRate{Sequence{{{0.5, 0}}, 0.1}};
        }) == "Sequence: a part's steps is 0, expected at least 1");
  CHECK(error_of<ArgumentError>([] { LearningRate{ByEpoch{StepDecay{.steps = 0}}}; }) ==
        "StepDecay: steps is 0, expected at least 1");
  const LearningRate negative = WarmUp{.steps = 2, .then = [](Index) { return -1.0; }};
  CHECK(error_of<ArgumentError>([&] { negative(0); }) == "learning rate: -1 at iteration 0, expected at least 0 and finite");
}
