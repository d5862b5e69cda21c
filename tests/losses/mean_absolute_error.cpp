// SPDX-License-Identifier: MIT
#include <tarn/losses/mean_absolute_error.hpp>

#include <tarn/train/metrics.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::evaluate;

TEMPLATE_TEST_CASE("The absolute error gives the values worked by hand, and slope 0 at its kink", "[losses][mean_absolute_error]",
                   float, double) {
  // y - t = 1, -2 (mean 1.5) and 0, 4 (mean 2); the gradient is the sign / (2 samples 2 elements).
  const auto found = evaluate<TestType>(MeanAbsoluteError{}, {{2}, {3, 1, -1, 2}, {2, 3, -1, -2}});
  CHECK(found.sum == 3.5);
  CHECK(found.gradient == support::LossValues{0.25, -0.25, 0, 0.25});
}

TEST_CASE("The absolute error checks its targets", "[losses][mean_absolute_error]") {
  CHECK(support::error_of<ShapeError>([] { MeanAbsoluteError{}.check({2}, Tensor<float>{Shape{3}}); }) ==
        "MeanAbsoluteError: targets are [3], expected [3, 2], as the outputs are");
}

TEST_CASE("A loss is a metric too, under its name", "[losses][mean_absolute_error]") {
  const Metric<float> metric{MeanAbsoluteError{}};
  CHECK(metric.name() == "mean absolute error");
  Tensor<float> memory_y, memory_t;
  const auto y = support::batch_of(memory_y, 2, {2}, {3, 1, -1, 2});
  Targets<float> targets;
  targets.vectors = support::batch_of(memory_t, 2, {2}, {2, 3, -1, -2});
  CHECK(metric.sum(y, targets) == 3.5);
}
