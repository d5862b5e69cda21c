// SPDX-License-Identifier: MIT
#include <tarn/losses/hinge.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::error_of;
using support::evaluate;

TEMPLATE_TEST_CASE("The hinge loss gives the values worked by hand", "[losses][hinge]", float, double) {
  // 1 - y t = 0.5, 1.5 (mean 1) and -1, 4 (mean 2); the gradient is -t / (2 samples 2 elements) inside the margin.
  const auto found = evaluate<TestType>(Hinge{}, {{2}, {0.5, 0.5, -2, -3}, {1, -1, -1, 1}});
  CHECK(found.sum == 3);
  CHECK(found.gradient == support::LossValues{-0.25, 0.25, 0, -0.25});
}

TEMPLATE_TEST_CASE("The hinge loss has the slope of the mistaken side at its kink", "[losses][hinge]", float, double) {
  const auto found = evaluate<TestType>(Hinge{}, {{1}, {1, -1}, {1, -1}, {}, {}, true});
  CHECK(found.sum == 0);
  CHECK(found.gradient == support::LossValues{-0.5, 0.5});
}

TEMPLATE_TEST_CASE("Labels 0 and 1 are those of -1 and 1", "[losses][hinge]", float, double) {
  const auto signs = evaluate<TestType>(Hinge{}, {{2}, {0.5, 0.25, -2, -3}, {1, -1, -1, 1}});
  const auto bits = evaluate<TestType>(Hinge{}, {{2}, {0.5, 0.25, -2, -3}, {1, 0, 0, 1}});
  CHECK(bits.sum == signs.sum);
  CHECK(bits.gradient == signs.gradient);
}

TEST_CASE("The hinge loss takes labels -1 and 1, or 0 and 1, of any type", "[losses][hinge]") {
  const Hinge loss;
  loss.check({2}, Tensor<float>{{2, 2}, {-1, 1, 1, -1}});
  loss.check({2}, Tensor<double>{{2, 2}, {0, 1, 1, 0}});
  loss.check({1}, Tensor<std::int32_t>{{3}, {-1, 1, 1}});
  loss.check({1}, Tensor<std::uint8_t>{{3}, {0, 1, 1}});
  loss.check({1}, Samples{Tensor<std::uint8_t>{{3}, {0, 1, 1}}}.scaled(2, -1));
  const auto error = [&](std::vector<double> values) {
    const Index n = static_cast<Index>(values.size());
    return error_of<ArgumentError>([&] { loss.check({1}, Tensor<double>{{n}, values}); });
  };
  CHECK(error({1, 1, 0.5}) == "Hinge: target 0.5 of element 2, expected labels -1 and 1, or 0 and 1 throughout");
  CHECK(error({1, std::nan(""), 1}) == "Hinge: target nan of element 1, expected labels -1 and 1, or 0 and 1 throughout");
  CHECK(error({0, 1, -1}) == "Hinge: targets hold both 0 and -1, expected labels -1 and 1, or 0 and 1 throughout");
  CHECK(error({0, 1, 2, -1}) == "Hinge: target 2 of element 2, expected labels -1 and 1, or 0 and 1 throughout");
}
