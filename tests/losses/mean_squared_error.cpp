// SPDX-License-Identifier: MIT
#include <tarn/losses/mean_squared_error.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::evaluate;

TEMPLATE_TEST_CASE("The squared error gives the values worked by hand", "[losses][mean_squared_error]", float, double) {
  // y - t = 1, -2 (mean of squares 2.5) and 0, 4 (mean 8); the gradient is 2 (y - t) / (2 samples 2 elements).
  const auto found = evaluate<TestType>(MeanSquaredError{}, {{2}, {3, 1, -1, 2}, {2, 3, -1, -2}});
  CHECK(found.sum == 10.5);
  CHECK(found.gradient == support::LossValues{0.5, -1, 0, 2});
}

TEMPLATE_TEST_CASE("For one output, targets [n] count as [n, 1]", "[losses][mean_squared_error]", float, double) {
  for (const bool scalar : {true, false}) {
    const auto found = evaluate<TestType>(MeanSquaredError{}, {{1}, {3, 1, -1}, {2, 3, -1}, {}, {}, scalar});
    CHECK(found.sum == 5);
    CHECK(support::relative_error(found.gradient, support::LossValues{2.0 / 3, -4.0 / 3, 0}) < 1e-6);
  }
}

TEMPLATE_TEST_CASE("The squared error of a large sample keeps its digits", "[losses][mean_squared_error]", float, double) {
  constexpr std::size_t elements = 1 << 20;
  support::LossInput input{{static_cast<Index>(elements)}, support::LossValues(elements, 0.1), support::LossValues(elements, 0)};
  const double y = static_cast<double>(TestType(0.1));
  CHECK(std::abs(evaluate<TestType>(MeanSquaredError{}, input).sum / (y * y) - 1) < support::reference_tolerance<TestType>);
}

TEST_CASE("The squared error says which targets it takes", "[losses][mean_squared_error]") {
  const MeanSquaredError loss;
  loss.check({1}, Tensor<float>{Shape{5}});
  loss.check({1}, Tensor<std::int32_t>{Shape{5}});
  loss.check({1}, Tensor<float>{Shape{5, 1}});
  loss.check({4, 4, 3}, Tensor<std::uint8_t>{Shape{5, 4, 4, 3}});
  const auto error = [&](const Shape& output, const Shape& targets) {
    return support::error_of<ShapeError>([&] { loss.check(output, Tensor<float>{targets}); });
  };
  CHECK(error({1}, {5, 2}) == "MeanSquaredError: targets are [5, 2], expected [5, 1] or [5], as the outputs are");
  CHECK(error({2}, {5}) == "MeanSquaredError: targets are [5], expected [5, 2], as the outputs are");
  CHECK(error({1, 1}, {5}) == "MeanSquaredError: targets are [5], expected [5, 1, 1], as the outputs are");
  CHECK(error({4, 4, 3}, {5, 4, 3}) == "MeanSquaredError: targets are [5, 4, 3], expected [5, 4, 4, 3], as the outputs are");
}
