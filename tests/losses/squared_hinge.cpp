// SPDX-License-Identifier: MIT
#include <tarn/losses/squared_hinge.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::evaluate;

TEMPLATE_TEST_CASE("The squared hinge loss gives the values worked by hand", "[losses][squared_hinge]", float, double) {
  // 1 - y t = 0.5, 1.5 (mean of squares 1.25) and -1, 4 (mean 8); the gradient is -2 t (1 - y t) / 4 inside the margin.
  const auto found = evaluate<TestType>(SquaredHinge{}, {{2}, {0.5, 0.5, -2, -3}, {1, -1, -1, 1}});
  CHECK(found.sum == 9.25);
  CHECK(found.gradient == support::LossValues{-0.25, 0.75, 0, -2});
  CHECK(evaluate<TestType>(SquaredHinge{}, {{2}, {0.5, 0.5, -2, -3}, {1, 0, 0, 1}}).gradient == found.gradient);
}

TEST_CASE("The squared hinge loss checks its targets", "[losses][squared_hinge]") {
  CHECK(support::error_of<ArgumentError>([] {
          SquaredHinge{}.check({1}, Tensor<float>{{3}, {-1, 1, 0}});
        }) == "SquaredHinge: targets hold both 0 and -1, expected labels -1 and 1, or 0 and 1 throughout");
  CHECK(support::error_of<ShapeError>([] {
          SquaredHinge{}.check({2, 2}, Tensor<float>{Shape{3, 2}});
        }) == "SquaredHinge: targets are [3, 2], expected [3, 2, 2], as the outputs are");
}
