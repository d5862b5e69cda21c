// SPDX-License-Identifier: MIT
#include <tarn/optim/adam.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "updates.hpp"

using namespace tarn;
using support::error_of;
using support::Updates;
using support::weights_after;
using Names = std::vector<std::string>;

TEMPLATE_TEST_CASE("Adam's first steps, by hand", "[optim][adam]", float, double) {
  const Adam spec{.learning_rate = 1, .beta_1 = 0.5, .beta_2 = 0.75, .epsilon = 1};
  // m = 1, v = 1: w = -1 sqrt(0.25) / 0.5 / (1 + 1) = -0.5
  CHECK(weights_after<TestType>(spec, {0}, {{2}}) == std::vector<double>{-0.5});
  // m = 0.5, v = 0.75: w = -0.5 - 0.5 sqrt(1 - 0.5625) / 0.75 / (sqrt(0.75) + 1)
  const double second = -0.5 - 0.5 * std::sqrt(0.4375) / 0.75 / (std::sqrt(0.75) + 1);
  CHECK(support::relative_error(weights_after<TestType>(spec, {0}, {{2}, {0}}), std::vector<double>{second}) < 1e-6);
}

TEMPLATE_TEST_CASE("AMSGrad keeps the largest second moment", "[optim][adam]", float, double) {
  // As above, but the root is that of the first step's v = 1.
  const Adam spec{.learning_rate = 1, .beta_1 = 0.5, .beta_2 = 0.75, .epsilon = 1, .amsgrad = true};
  const double second = -0.5 - 0.5 * std::sqrt(0.4375) / 0.75 / 2;
  CHECK(support::relative_error(weights_after<TestType>(spec, {0}, {{2}, {0}}), std::vector<double>{second}) < 1e-6);
}

TEST_CASE("Adam's correction follows the iteration it is given", "[optim][adam]") {
  const Range all{0, 1};
  const auto moved = [&](Index iteration) {
    Adam::Updater<double, Cpu> updater{{.learning_rate = 1, .beta_1 = 0.5, .beta_2 = 0.75, .epsilon = 1}, 1};
    Tensor<double> weights{Shape{1}}, gradients{{1}, {2}};
    updater.update(weights.view(), gradients.view(), std::span{&all, 1}, 1, iteration);
    return weights[0];
  };
  CHECK(moved(0) == -0.5);
  CHECK(std::abs(moved(1) + std::sqrt(0.4375) / 0.75 / 2) < 1e-15);
  CHECK(std::abs(moved(1'000'000'000) + 0.5) < 1e-15);
}

TEMPLATE_TEST_CASE("AdamW is Adam with a weight decay of 0.004", "[optim][adam]", float, double) {
  const std::vector<TestType> start{4, -3, 2};
  const std::vector<std::vector<TestType>> gradients{{1, 2, 3}, {-1, 0, 1}};
  CHECK(weights_after<TestType>(AdamW{}, start, gradients) ==
        weights_after<TestType>(Adam{.weight_decay = 0.004}, start, gradients));
  CHECK(weights_after<TestType>(AdamW{}, start, gradients) != weights_after<TestType>(Adam{}, start, gradients));
}

TEST_CASE("The state of Adam is its moments", "[optim][adam]") {
  CHECK(Updates<float, Adam>{Adam{}, {1}}.slot_names() == Names{"momentum_1", "momentum_2"});
  Updates<float, AdamW> run{AdamW{.beta_1 = 0.5, .beta_2 = 0.75, .amsgrad = true}, {0}};
  CHECK(run.slot_names() == Names{"momentum_1", "momentum_2", "largest_momentum_2"});
  run.update({2});
  run.update({0});
  const auto slots = run.updater.slots();
  CHECK(slots[0].values[0] == 0.5F);
  CHECK(slots[1].values[0] == 0.75F);
  CHECK(slots[2].values[0] == 1);
}

TEST_CASE("A run of Adam goes on from saved slots as if never stopped", "[optim][adam]") {
  const std::vector<float> gradient{0.5F, -1, 2};
  Updates<float, Adam> whole{Adam{.amsgrad = true}, {1, 2, 3}}, first{Adam{.amsgrad = true}, {1, 2, 3}};
  for (int step = 0; step < 6; ++step) whole.update(gradient);
  for (int step = 0; step < 3; ++step) first.update(gradient);
  Updates<float, Adam> second{Adam{.amsgrad = true}, {first.weights.begin(), first.weights.end()}};
  second.iteration = 3;
  const auto saved = first.updater.slots(), loaded = second.updater.slots();
  for (std::size_t i = 0; i < saved.size(); ++i)
    std::copy(saved[i].values.begin(), saved[i].values.end(), loaded[i].values.begin());
  for (int step = 3; step < 6; ++step) second.update(gradient);
  CHECK(support::same_bits(whole.weights, second.weights));
}

TEST_CASE("Adam and AdamW check their options", "[optim][adam]") {
  const auto adam = [](const Adam& spec) { return [=] { Adam::Updater<float, Cpu>{spec, 1}; }; };
  CHECK(error_of<ArgumentError>(adam({.beta_1 = 1})) == "Adam: beta_1 is 1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(adam({.beta_2 = -1})) == "Adam: beta_2 is -1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(adam({.epsilon = 1e-60})) == "Adam: epsilon is 1e-60, expected above 0 and finite, in float");
  CHECK(error_of<ArgumentError>([] {
          Adam::Updater<double, Cpu>{{.epsilon = NAN}, 1};
        }) == "Adam: epsilon is nan, expected above 0 and finite, in double");
  CHECK(error_of<ArgumentError>([] {
          AdamW::Updater<double, Cpu>{{.weight_decay = NAN}, 1};
        }) == "AdamW: weight_decay is nan, expected at least 0 and finite");
  Adam::Updater<double, Cpu>{{.epsilon = 1e-60}, 1};
}
