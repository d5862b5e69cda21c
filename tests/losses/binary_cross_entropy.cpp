// SPDX-License-Identifier: MIT
#include <tarn/losses/binary_cross_entropy.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using support::evaluate;
using support::LossValues;

namespace {
const BinaryCrossEntropy of_logits{.from_logits = true}, of_probabilities{};
}

TEMPLATE_TEST_CASE("Binary cross-entropy gives the values worked by hand", "[losses][binary_cross_entropy]", float, double) {
  const double tolerance = support::reference_tolerance<TestType>;
  // p = 1/4 3/4 1/2: -log p or -log(1 - p), and (p - t) / (p (1 - p) 3) or, of logits, (p - t) / 3.
  const double sum = std::log(4) + std::log(4) + std::log(2);
  const LossValues targets{1, 0, 0.25};
  const auto p = evaluate<TestType>(of_probabilities, {{1}, {0.25, 0.75, 0.5}, targets});
  CHECK(std::abs(p.sum - sum) < tolerance);
  CHECK(support::relative_error(p.gradient, LossValues{-4.0 / 3, 4.0 / 3, 1.0 / 3}) < tolerance);
  const auto z = evaluate<TestType>(of_logits, {{1}, {-std::log(3), std::log(3), 0}, targets});
  CHECK(std::abs(z.sum - sum) < tolerance);
  CHECK(support::relative_error(z.gradient, LossValues{-0.25, 0.25, 0.25 / 3}) < tolerance);
}

TEMPLATE_TEST_CASE("Smoothing moves targets towards a half", "[losses][binary_cross_entropy]", float, double) {
  for (const bool logits : {false, true}) {
    const LossValues outputs{0.3, 0.8, 0.6};
    const auto smoothed = evaluate<TestType>(BinaryCrossEntropy{logits, 0.2}, {{3}, outputs, {1, 0, 0.5}});
    const auto expected = evaluate<TestType>(BinaryCrossEntropy{logits}, {{3}, outputs, {0.9, 0.1, 0.5}});
    CHECK(std::abs(smoothed.sum - expected.sum) < support::reference_tolerance<TestType>);
    CHECK(support::relative_error(smoothed.gradient, expected.gradient) < support::reference_tolerance<TestType>);
  }
}

TEMPLATE_TEST_CASE("Logits of any size give a finite loss and gradient", "[losses][binary_cross_entropy]", float, double) {
  const auto found = evaluate<TestType>(of_logits, {{4}, {1e4, -1e4, 1e4, -1e4}, {1, 0, 0, 1}});
  CHECK(found.sum == 5e3);
  CHECK(found.gradient == LossValues{0, 0, 0.25, -0.25});
  const double largest = static_cast<double>(std::numeric_limits<TestType>::max());
  const auto extreme = evaluate<TestType>(of_logits, {{2}, {largest, -largest}, {1, 0}});
  CHECK(extreme.sum == 0);
  CHECK(extreme.gradient == LossValues{0, 0});
}

TEMPLATE_TEST_CASE("The loss of a certain, right logit keeps its digits", "[losses][binary_cross_entropy]", float, double) {
  for (const double z : {1.0, 5.0, 20.0, 60.0, 80.0}) {
    const auto found = evaluate<TestType>(of_logits, {{1}, {-z}, {0}});
    CHECK(std::abs(found.sum / std::log1p(std::exp(-z)) - 1) <
          20 * static_cast<double>(std::numeric_limits<TestType>::epsilon()));
  }
}

TEMPLATE_TEST_CASE("The logarithm is within a few units of the last place", "[losses][binary_cross_entropy]", float, double) {
  // The loss of p for the target 1 is -log p.
  const double limit = 4 * static_cast<double>(std::numeric_limits<TestType>::epsilon());
  for (double p = 1.5e-7; p < 0.9999; p = p < 0.3 ? p * 1.07 : p + 0.0031) {
    const double rounded = static_cast<double>(static_cast<TestType>(p));
    const double found = evaluate<TestType>(of_probabilities, {{1}, {rounded}, {1}}).sum;
    REQUIRE(std::abs(found / -std::log(rounded) - 1) < limit);
  }
}

TEMPLATE_TEST_CASE("Probabilities of 0 and 1 are clipped, and have no gradient there", "[losses][binary_cross_entropy]", float,
                   double) {
  const auto found = evaluate<TestType>(of_probabilities, {{1}, {0, 1, -3, 1, 1e-9}, {1, 0, 0, 1, 1}});
  const double rounded = 1 - static_cast<double>(TestType(1) - TestType(1e-7));
  const double expected = -2 * std::log(1e-7) - std::log(rounded) - 2 * std::log1p(-rounded);
  CHECK(std::abs(found.sum / expected - 1) < 1e-6);
  CHECK(found.gradient == LossValues{0, 0, 0, 0, 0});
}

TEST_CASE("Binary cross-entropy checks its smoothing and its targets", "[losses][binary_cross_entropy]") {
  const BinaryCrossEntropy loss;
  loss.check({2}, Tensor<float>{{2, 2}, {0, 1, 0.5, 1}});
  loss.check({1}, Tensor<std::uint8_t>{{3}, {0, 1, 1}});
  loss.check({3}, Samples{Tensor<std::uint8_t>{{1, 3}, {0, 128, 255}}}.scaled(1.0 / 255));
  const auto error = [&](double value) {
    return support::error_of<ArgumentError>([&] { loss.check({1}, Tensor<double>{{3}, {0, value, 1}}); });
  };
  CHECK(error(-1) == "BinaryCrossEntropy: target -1 of element 1, expected 0 to 1");
  CHECK(error(1.5) == "BinaryCrossEntropy: target 1.5 of element 1, expected 0 to 1");
  CHECK(error(std::nan("")) == "BinaryCrossEntropy: target nan of element 1, expected 0 to 1");
  CHECK(support::error_of<ShapeError>([&] { loss.check({2}, Tensor<float>{Shape{3}}); }) ==
        "BinaryCrossEntropy: targets are [3], expected [3, 2], as the outputs are");
  CHECK(support::error_of<ArgumentError>([] {
          BinaryCrossEntropy{.label_smoothing = 1.1}.check({1}, Tensor<float>{Shape{3}});
        }) == "BinaryCrossEntropy: label_smoothing is 1.1, expected 0 to 1");
}
