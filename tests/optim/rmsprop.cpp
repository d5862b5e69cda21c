// SPDX-License-Identifier: MIT
#include <tarn/optim/rmsprop.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "updates.hpp"

using namespace tarn;
using support::error_of;
using support::Updates;
using support::weights_after;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("RMSprop divides by the root of the mean square", "[optim][rmsprop]", float, double) {
  // s = 0.75 4 = 3, w = -2 / sqrt(3 + 1) = -1; s = 0.75 + 0.75 4 = 3.75, w = -1 + 2 / sqrt(4.75)
  const RMSprop spec{.learning_rate = 1, .rho = 0.25, .epsilon = 1};
  CHECK(weights_after<TestType>(spec, {0}, {{2}}) == std::vector<double>{-1});
  const double expected = -1 + 2 / std::sqrt(4.75);
  CHECK(support::relative_error(weights_after<TestType>(spec, {0}, {{2}, {-2}}), std::vector<double>{expected}) < 1e-6);
}

TEMPLATE_TEST_CASE("RMSprop's momentum keeps a share of the last update", "[optim][rmsprop]", float, double) {
  // v = 1, then 0.5 + 0: w = -1, -1.5
  const RMSprop spec{.learning_rate = 1, .rho = 0.25, .momentum = 0.5, .epsilon = 1};
  CHECK(weights_after<TestType>(spec, {0}, {{2}, {0}}) == std::vector<double>{-1.5});
}

TEMPLATE_TEST_CASE("Centered RMSprop divides by the standard deviation", "[optim][rmsprop]", float, double) {
  // s = 0.5 4 = 2, m = 1: w = -2 / sqrt(2 - 1 + 3) = -1
  const RMSprop spec{.learning_rate = 1, .rho = 0.5, .epsilon = 3, .centered = true};
  CHECK(weights_after<TestType>(spec, {0}, {{2}}) == std::vector<double>{-1});
}

TEMPLATE_TEST_CASE("Centered RMSprop survives a gradient that never changes", "[optim][rmsprop]", float, double) {
  // The variance vanishes, and its rounding is far above epsilon.
  Updates<TestType, RMSprop> run{RMSprop{.centered = true}, std::vector<TestType>(40, 0)};
  for (int step = 0; step < 2000; ++step) run.update(std::vector<TestType>(40, TestType(1234.567)));
  for (const double weight : support::doubles(run.weights)) REQUIRE(std::isfinite(weight));
}

TEST_CASE("The state of RMSprop is what its options ask for", "[optim][rmsprop]") {
  CHECK(Updates<float, RMSprop>{RMSprop{}, {1}}.slot_names() == Names{"mean_square"});
  CHECK(Updates<float, RMSprop>{RMSprop{.centered = true}, {1}}.slot_names() == Names{"mean_square", "mean"});
  CHECK(Updates<float, RMSprop>{RMSprop{.momentum = 0.5}, {1}}.slot_names() == Names{"mean_square", "velocity"});
  Updates<float, RMSprop> run{RMSprop{.learning_rate = 1, .rho = 0.5, .momentum = 0.5, .epsilon = 3, .centered = true}, {0}};
  run.update({2});
  const auto slots = run.updater.slots();
  REQUIRE(slots.size() == 3);
  CHECK(slots[0].values[0] == 2);
  CHECK(slots[1].values[0] == 1);
  CHECK(slots[2].values[0] == 1);
}

TEST_CASE("RMSprop checks its options", "[optim][rmsprop]") {
  const auto made = [](const RMSprop& spec) { return [=] { RMSprop::Updater<float, Cpu>{spec, 1}; }; };
  CHECK(error_of<ArgumentError>(made({.rho = 1})) == "RMSprop: rho is 1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(made({.momentum = 2})) == "RMSprop: momentum is 2, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(made({.epsilon = 0})) == "RMSprop: epsilon is 0, expected above 0 and finite, in float");
  CHECK(error_of<ArgumentError>(made({.weight_decay = INFINITY})) ==
        "RMSprop: weight_decay is inf, expected at least 0 and finite");
}
