// SPDX-License-Identifier: MIT
#include <tarn/optim/sgd.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/reference.hpp"

using namespace tarn;
using support::error_of;

namespace {

/// One update of all weights.
template <class Updater, class T>
void update(Updater& updater, Tensor<T>& weights, const Tensor<T>& gradients, double rate, Index iteration = 0) {
  const Range all{0, weights.size()};
  updater.update(weights.view(), gradients.view(), std::span{&all, 1}, rate, iteration);
}

template <class T>
std::vector<double> weights_after(const SGD& spec, std::vector<T> start, const std::vector<std::vector<T>>& gradients) {
  const Shape shape{static_cast<Index>(start.size())};
  Tensor<T> weights{shape, start};
  SGD::Updater<T, Cpu> updater{spec, weights.size()};
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Tensor<T> gradient{shape, gradients[i]};
    const auto iteration = static_cast<Index>(i);
    update(updater, weights, gradient, updater.learning_rate({iteration, 0}), iteration);
  }
  return support::doubles(weights);
}

}  // namespace

TEMPLATE_TEST_CASE("SGD moves against the gradient", "[optim][sgd]", float, double) {
  CHECK(weights_after<TestType>({.learning_rate = 0.5}, {1, 2, 3}, {{2, 0, -4}, {1, 1, 1}}) ==
        std::vector<double>{-0.5, 1.5, 4.5});
}

TEMPLATE_TEST_CASE("Momentum keeps a share of the last update", "[optim][sgd]", float, double) {
  // v = -0.5, -0.25 - 0.5, -0.375 - 0: w = -0.5, -1.25, -1.625
  CHECK(weights_after<TestType>({.learning_rate = 0.5, .momentum = 0.5}, {0}, {{1}, {1}, {0}}) == std::vector<double>{-1.625});
}

TEST_CASE("The rate may follow a schedule, and the momentum keeps the rate of its step", "[optim][sgd]") {
  const auto halving = [](Index iteration) { return 1.0 / static_cast<double>(Index{1} << iteration); };
  CHECK(weights_after<double>({.learning_rate = halving}, {0}, {{1}, {1}, {1}}) == std::vector<double>{-1.75});
  CHECK(weights_after<double>({.learning_rate = halving, .momentum = 0.5}, {0}, {{1}, {1}}) == std::vector<double>{-2});
  SGD::Updater<double, Cpu> updater{{.learning_rate = halving}, 1};
  CHECK(updater.learning_rate({3, 0}) == 0.125);
}

TEST_CASE("SGD agrees with the reference", "[optim][sgd][reference]") {
  const auto cases = support::optimizer_cases();
  CHECK(cases.size() == 2);
  const auto check = [](auto type, const support::OptimizerCase& c) {
    using T = decltype(type);
    INFO(c.name);
    const Shape shape{static_cast<Index>(c.start.size())};
    Tensor<T> weights{shape, std::vector<T>(c.start.begin(), c.start.end())}, gradient{shape};
    SGD::Updater<T, Cpu> updater{{.learning_rate = c.learning_rate, .momentum = c.momentum}, weights.size()};
    for (Index step = 1; step <= 25; ++step) {
      for (Index i = 0; i < weights.size(); ++i)
        gradient[i] = static_cast<T>(support::reference_value(i, static_cast<int>(step))) + T(0.1) * weights[i];
      update(updater, weights, gradient, updater.learning_rate({step - 1, 0}), step - 1);
      if (c.weights.count(step)) CHECK(support::relative_error(weights, c.weights.at(step)) < support::reference_tolerance<T>);
    }
  };
  for (const auto& c : cases) {
    check(double{}, c);
    check(float{}, c);
  }
}

TEMPLATE_TEST_CASE("Every weight of a large buffer is updated once, by any number of threads", "[optim][sgd]", float, double) {
  for (const int threads : {1, 3}) {
    const support::Threads scope{threads};
    for (const Index size : {1, 15, 63, 100003}) {
      Tensor<TestType> weights{Shape{size}}, gradient{Shape{size}};
      for (Index i = 0; i < size; ++i) gradient[i] = static_cast<TestType>(i % 1000);
      SGD::Updater<TestType, Cpu> plain{{.learning_rate = 0.5}, size}, momentum{{.learning_rate = 0.5, .momentum = 0.5}, size};
      update(plain, weights, gradient, 0.5);
      update(momentum, weights, gradient, 0.5);
      for (Index i = 0; i < size; ++i) REQUIRE(weights[i] == -gradient[i]);
    }
  }
}

TEST_CASE("SGD checks its momentum and its rate", "[optim][sgd]") {
  const auto updated = [](const SGD& spec) { return [=] { SGD::Updater<float, Cpu>{spec, 1}.learning_rate({7, 0}); }; };
  CHECK(error_of<ArgumentError>(updated({.momentum = 1})) == "SGD: momentum is 1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(updated({.momentum = -0.1})) == "SGD: momentum is -0.1, expected at least 0 and below 1");
  CHECK(error_of<ArgumentError>(updated({.learning_rate = -1})) ==
        "learning rate: -1 at iteration 7, expected at least 0 and finite");
}
