// SPDX-License-Identifier: MIT
#include <tarn/optim/sgd.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "updates.hpp"

using namespace tarn;
using support::error_of;
using support::Updates;
using support::weights_after;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("SGD moves against the gradient", "[optim][sgd]", float, double) {
  CHECK(weights_after<TestType>(SGD{.learning_rate = 0.5}, {1, 2, 3}, {{2, 0, -4}, {1, 1, 1}}) ==
        std::vector<double>{-0.5, 1.5, 4.5});
}

TEMPLATE_TEST_CASE("Momentum keeps a share of the last update", "[optim][sgd]", float, double) {
  // v = -0.5, -0.25 - 0.5, -0.375 - 0: w = -0.5, -1.25, -1.625
  const SGD heavy{.learning_rate = 0.5, .momentum = 0.5};
  CHECK(weights_after<TestType>(heavy, {0}, {{1}, {1}, {0}}) == std::vector<double>{-1.625});
}

TEMPLATE_TEST_CASE("Nesterov's momentum looks one step ahead", "[optim][sgd]", float, double) {
  // v = -0.5, -0.75, -0.375; w = -0.25 - 0.5, -0.75 + (-0.375 - 0.5), -1.625 - 0.1875
  const SGD nesterov{.learning_rate = 0.5, .momentum = 0.5, .nesterov = true};
  CHECK(weights_after<TestType>(nesterov, {0}, {{1}, {1}, {0}}) == std::vector<double>{-1.8125});
  CHECK(weights_after<TestType>(SGD{.learning_rate = 0.5, .nesterov = true}, {0}, {{1}, {1}}) == std::vector<double>{-1});
}

TEMPLATE_TEST_CASE("Weight decay shrinks the weights before the update", "[optim][sgd]", float, double) {
  // w = 4 - 4 0.5 0.5 - 0.5 2 = 2, then 2 - 0.5 - 0 = 1.5
  CHECK(weights_after<TestType>(SGD{.learning_rate = 0.5, .weight_decay = 0.5}, {4}, {{2}, {0}}) == std::vector<double>{1.5});
  // v = -1, -0.5: w = 3 - 1, 1.5 - 0.5
  CHECK(weights_after<TestType>(SGD{.learning_rate = 0.5, .momentum = 0.5, .weight_decay = 0.5}, {4}, {{2}, {0}}) ==
        std::vector<double>{1});
}

TEST_CASE("The rate may follow a schedule, and the momentum keeps the rate of its step", "[optim][sgd]") {
  const auto halving = [](Index iteration) { return 1.0 / static_cast<double>(Index{1} << iteration); };
  CHECK(weights_after<double>(SGD{.learning_rate = halving}, {0}, {{1}, {1}, {1}}) == std::vector<double>{-1.75});
  CHECK(weights_after<double>(SGD{.learning_rate = halving, .momentum = 0.5}, {0}, {{1}, {1}}) == std::vector<double>{-2});
  SGD::Updater<double, Cpu> updater{{.learning_rate = halving}, 1};
  CHECK(updater.learning_rate({3, 0}) == 0.125);
  const auto by_epoch = [](Progress progress) { return progress.epoch == 0 ? 1.0 : 0.5; };
  SGD::Updater<double, Cpu> second{{.learning_rate = by_epoch}, 1};
  CHECK(second.learning_rate({3, 0}) == 1);
  CHECK(second.learning_rate({3, 1}) == 0.5);
}

TEST_CASE("The state of SGD is its velocity, if it has one", "[optim][sgd]") {
  CHECK(Updates<float, SGD>{SGD{}, {1, 2}}.slot_names().empty());
  Updates<float, SGD> run{SGD{.learning_rate = 0.5, .momentum = 0.5}, {0, 0}};
  CHECK(run.slot_names() == Names{"velocity"});
  run.update({2, -4});
  CHECK(support::doubles(run.updater.slots()[0].values) == std::vector<double>{-1, 2});
}

TEST_CASE("SGD checks its options and its rate", "[optim][sgd]") {
  const auto updated = [](const SGD& spec) { return [=] { SGD::Updater<float, Cpu>{spec, 1}.learning_rate({7, 0}); }; };
  CHECK(error_of<ArgumentError>(updated({.momentum = 1})) == "SGD: momentum is 1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(updated({.momentum = -0.1})) == "SGD: momentum is -0.1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(updated({.momentum = NAN})) == "SGD: momentum is nan, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(updated({.weight_decay = -0.5})) == "SGD: weight_decay is -0.5, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(updated({.learning_rate = -1})) ==
        "learning rate: -1 at iteration 7, expected at least 0 and finite");
}
