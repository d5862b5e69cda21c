// SPDX-License-Identifier: MIT
#include <tarn/train/range_test.hpp>

#include <cstring>
#include <limits>
#include <tarn/data.hpp>
#include <tarn/losses/mean_squared_error.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::from_logits;

namespace {

/// A test that saw these losses, at rates 1, 2, 3 ...
RangeTest seen(const std::vector<double>& losses, double smoothing = 0) {
  RangeTest test;
  for (const double loss : losses) test.points.push_back({static_cast<double>(test.points.size() + 1), loss, loss});
  detail::find_edges(test, smoothing);
  return test;
}

}  // namespace

TEST_CASE("The range begins where the loss has begun to fall and ends where it is lowest", "[train][range_test]") {
  const RangeTest test = seen({10, 10, 10, 9.5, 8, 5, 2, 0, 1, 50});
  CHECK(test.base == 4);
  CHECK(test.max == 8);
  const RangeTest smoothed = seen({10, 10, 10, 9.5, 8, 5, 2, 0, 1, 50}, 0.75);  // lags 3 steps behind
  CHECK(smoothed.base == 1);
  CHECK(smoothed.max == 5);
  const RangeTest rising = seen({1, 2, 3});
  CHECK(rising.base == 1);
  CHECK(rising.max == 1);
  CHECK(seen({5, 4}, 0.99).base == 1);
}

TEST_CASE("A range test finds sane rates for a small net on MNIST, and leaves its bits", "[train][range_test]") {
  const Dataset train = data::mnist().train;
  auto model = support::model<float>(Input{28, 28, 1}, {Flatten{}, Dense{.units = 32, .activation = ReLU{}}, Dense{.units = 10}});
  const auto before = support::doubles(model.parameters().trainable());
  const RangeTest found = learning_rate_range_test(model, from_logits, SGD{}, train);
  CHECK(support::doubles(model.parameters().trainable()) == before);
  CHECK(found.base > 1e-4);
  CHECK(found.base < 0.05);
  CHECK(found.max > 0.05);
  CHECK(found.max < 2);
  REQUIRE(found.points.size() > 50);
  CHECK(found.points[0].learning_rate == 1e-7);
  for (std::size_t i = 1; i < found.points.size(); ++i)
    CHECK(found.points[i].learning_rate / found.points[i - 1].learning_rate == Approx(std::pow(1e8, 1.0 / 99)));
  const RangeTest again = learning_rate_range_test(model, from_logits, SGD{}, train);
  CHECK(again.points.size() == found.points.size());
  CHECK(again.points.back().loss == found.points.back().loss);

  // The upper edge trains, a hundred times more does not.
  const auto trained = [&](double rate) {
    auto copy = model;
    Trainer trainer{copy, from_logits, SGD{.learning_rate = rate}};
    return trainer.fit(train, {.steps = 200, .batch_size = 64}).epochs[0].training.loss;
  };
  CHECK(trained(found.max) < 1);
  CHECK(trained(found.base) > trained(found.max));
}

TEST_CASE("Losses of a range test are smoothed, corrected for the start", "[train][range_test]") {
  auto model = support::model<float>(Input{1}, {Dense{.units = 1}});
  const Dataset data{support::numbers<float>({8, 1}, 1), support::numbers<float>({8, 1}, 2)};
  const auto found = learning_rate_range_test(model, MeanSquaredError{}, SGD{}, data,
                                              {.lowest = 0.001, .highest = 0.1, .steps = 5, .batch_size = 4, .smoothing = 0.5});
  REQUIRE(found.points.size() == 5);
  CHECK_FALSE(found.diverged);
  CHECK(found.points.back().learning_rate == Approx(0.1));
  const auto loss = [&](std::size_t i) { return found.points[i].loss; };
  CHECK(found.points[0].smoothed == Approx(loss(0)));
  CHECK(found.points[1].smoothed == Approx((loss(0) + 2 * loss(1)) / 3));
  CHECK(found.points[2].smoothed == Approx((loss(0) + 2 * loss(1) + 4 * loss(2)) / 7));
}

TEST_CASE("A range test ends where the loss diverges or is no longer finite", "[train][range_test]") {
  auto model = support::model<float>(Input{1}, {Dense{.units = 1}});
  const Dataset data{Tensor<float>{{1, 1}, {1}}, Tensor<float>{{1, 1}, {3}}};
  const auto grown =
      learning_rate_range_test(model, MeanSquaredError{}, SGD{}, data, {.lowest = 0.1, .highest = 1e6, .smoothing = 0});
  CHECK(grown.diverged);
  CHECK(grown.points.size() < 100);
  const auto overflown = learning_rate_range_test(
      model, MeanSquaredError{}, SGD{}, data,
      {.lowest = 0.1, .highest = 1e30, .diverged = std::numeric_limits<double>::infinity(), .smoothing = 0});
  CHECK(overflown.diverged);
  CHECK(overflown.points.size() < 100);
  CHECK(std::isfinite(overflown.points.back().loss));

  const Dataset spoilt{Tensor<float>{{1, 1}, {std::numeric_limits<float>::quiet_NaN()}}, Tensor<float>{Shape{1, 1}}};
  CHECK(error_of<StateError>([&] { learning_rate_range_test(model, MeanSquaredError{}, SGD{}, spoilt); }) ==
        "step 0: the loss is nan; first not finite: the input of the model");
}

TEST_CASE("A range test refuses options out of range", "[train][range_test]") {
  const auto model = support::model<float>(Input{1}, {Dense{.units = 1}});
  const Dataset data{Tensor<float>{Shape{1, 1}}, Tensor<float>{Shape{1, 1}}};
  const double infinity = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();
  const auto test = [&](const RangeTestOptions& options) {
    return error_of<ArgumentError>([&] { learning_rate_range_test(model, MeanSquaredError{}, SGD{}, data, options); });
  };
  CHECK(test({.lowest = 0}) == "range test: rates from 0 to 10, expected 0 < lowest < highest");
  CHECK(test({.lowest = 2, .highest = 1}) == "range test: rates from 2 to 1, expected 0 < lowest < highest");
  CHECK(test({.highest = infinity}) == "range test: rates from 1e-07 to inf, expected 0 < lowest < highest");
  CHECK(test({.highest = not_a_number}) == "range test: rates from 1e-07 to nan, expected 0 < lowest < highest");
  CHECK(test({.steps = 1}) == "range test: steps is 1, expected at least 2");
  CHECK(test({.batch_size = 0}) == "batch size: 0 at iteration 0, expected at least 1");
  CHECK(test({.diverged = 1}) == "range test: diverged is 1, expected above 1");
  CHECK(test({.smoothing = 1}) == "range test: smoothing is 1, expected at least 0 and below 1");
  CHECK(test({.smoothing = not_a_number}) == "range test: smoothing is nan, expected at least 0 and below 1");
}
