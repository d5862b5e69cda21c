// SPDX-License-Identifier: MIT
#include <tarn/losses/perceptron.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::evaluate;

TEMPLATE_TEST_CASE("The perceptron loss gives the values worked by hand", "[losses][perceptron]", float, double) {
  // y t = 0.5, -0.5 and 2, -3 (means 0.25 and 1.5); the gradient is -t / (2 samples 2 elements) where y t is negative.
  const auto found = evaluate<TestType>(Perceptron{}, {{2}, {0.5, 0.5, -2, -3}, {1, -1, -1, 1}});
  CHECK(found.sum == 1.75);
  CHECK(found.gradient == support::LossValues{0, 0.25, 0, -0.25});
}

TEMPLATE_TEST_CASE("An output of 0 is a mistake of the perceptron, so that zeros learn", "[losses][perceptron]", float, double) {
  const auto found = evaluate<TestType>(Perceptron{}, {{1}, {0, 0}, {1, -1}, {}, {}, true});
  CHECK(found.sum == 0);
  CHECK(found.gradient == support::LossValues{-0.5, 0.5});
}

TEST_CASE("The perceptron loss checks its targets", "[losses][perceptron]") {
  Perceptron{}.check({1}, Tensor<float>{{3}, {-1, 1, 1}});
  CHECK(support::error_of<ArgumentError>([] {
          Perceptron{}.check({1}, Tensor<float>{{3}, {-1, 1, 2}});
        }) == "Perceptron: target 2 of element 2, expected labels -1 and 1, or 0 and 1 throughout");
  CHECK(support::error_of<ShapeError>([] { Perceptron{}.check({2}, Tensor<float>{Shape{3}}); }) ==
        "Perceptron: targets are [3], expected [3, 2], as the outputs are");
}
