// SPDX-License-Identifier: MIT
#include <tarn/losses/huber.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::evaluate;

TEMPLATE_TEST_CASE("The Huber loss gives the values worked by hand", "[losses][huber]", float, double) {
  // y - t = 1, -2: 0.5 and 1.5; 0.5, 4: 0.125 and 3.5. The gradient is the limited difference / (2 samples 2 elements).
  const auto one = evaluate<TestType>(Huber{}, {{2}, {3, 1, -1, 2}, {2, 3, -1.5, -2}});
  CHECK(one.sum == 1 + 1.8125);
  CHECK(one.gradient == support::LossValues{0.25, -0.25, 0.125, 0.25});
  // With delta 3 only the last is beyond: 3 (4 - 1.5) = 7.5.
  const auto three = evaluate<TestType>(Huber{.delta = 3}, {{2}, {3, 1, -1, 2}, {2, 3, -1.5, -2}});
  CHECK(three.sum == 1.25 + 3.8125);
  CHECK(three.gradient == support::LossValues{0.25, -0.5, 0.125, 0.75});
}

TEST_CASE("The Huber loss checks its delta and its targets", "[losses][huber]") {
  const auto error = [](double delta) {
    return support::error_of<ArgumentError>([=] { Huber{.delta = delta}.check({1}, Tensor<float>{Shape{3}}); });
  };
  Huber{.delta = 1e-3}.check({1}, Tensor<float>{Shape{3}});
  CHECK(error(0) == "Huber: delta is 0, expected a positive number");
  CHECK(error(-1) == "Huber: delta is -1, expected a positive number");
  CHECK(error(std::nan("")) == "Huber: delta is nan, expected a positive number");
  CHECK(error(std::numeric_limits<double>::infinity()) == "Huber: delta is inf, expected a positive number");
  CHECK(support::error_of<ShapeError>([] { Huber{}.check({2}, Tensor<float>{Shape{3}}); }) ==
        "Huber: targets are [3], expected [3, 2], as the outputs are");
}
