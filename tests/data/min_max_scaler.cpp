// SPDX-License-Identifier: MIT
#include <tarn/data/min_max_scaler.hpp>

#include <limits>

#include "../support/compare.hpp"
#include "files.hpp"
#include "samples.hpp"

using support::error_of;
using support::seen;
using tarn::ArgumentError;
using tarn::Index;
using tarn::Samples;
using tarn::Shape;
using tarn::ShapeError;
using tarn::Tensor;
using tarn::data::MinMaxScaler;
using tarn::data::Per;

namespace {}  // namespace

TEST_CASE("Each feature fills the range from its minimum to its maximum", "[data][min_max_scaler]") {
  const Samples train = Tensor<float>{{3, 2}, {1, -10, 2, 10, 5, 0}};
  const MinMaxScaler unit = MinMaxScaler::fit(train);
  CHECK(unit.minimum() == std::vector<double>{1, -10});
  CHECK(unit.maximum() == std::vector<double>{5, 10});
  CHECK(seen(unit.apply(train)) == std::vector<double>{0, 0, 0.25, 1, 1, 0.5});
  CHECK(seen(unit.inverse(unit.apply(train))) == seen(train));
  CHECK(seen(unit.apply(Tensor<float>{{1, 2}, {9, -20}})) == std::vector<double>{2, -0.5});
  const MinMaxScaler both = MinMaxScaler::fit(train, {.low = -1, .high = 1});
  CHECK(seen(both.apply(train)) == std::vector<double>{-1, -1, -0.5, 1, 1, 0});
  CHECK(seen(both.inverse(both.apply(train))) == seen(train));
}

TEST_CASE("Channels and whole sets fill the range together", "[data][min_max_scaler]") {
  const Samples images = Samples{Tensor<std::uint8_t>{{2, 2, 2}, {0, 50, 100, 250, 200, 60, 20, 70}}}.scaled(-1);
  const MinMaxScaler channels = MinMaxScaler::fit(images, {.per = Per::channel});
  CHECK(channels.minimum() == std::vector<double>{-200, -250});
  CHECK(channels.maximum() == std::vector<double>{0, -50});
  CHECK(seen(channels.apply(images)) ==
        std::vector<double>{1, 1, 0.5, 0, 0, 0.949999988079071, 0.8999999761581421, 0.8999999761581421});
  const MinMaxScaler whole = MinMaxScaler::fit(images, {.per = Per::whole});
  const Samples result = whole.apply(images);
  CHECK(std::holds_alternative<Tensor<std::uint8_t>>(result.values()));
  CHECK(result.at(0) == 1);
  CHECK(result.at(3) == 0);
  CHECK(support::relative_error(seen(whole.inverse(result)), seen(images)) < 1e-14);
}

TEST_CASE("A constant feature goes to the low end", "[data][min_max_scaler]") {
  const MinMaxScaler scaler = MinMaxScaler::fit(Tensor<float>{{2, 1}, {3, 3}}, {.low = 2, .high = 4});
  CHECK(seen(scaler.apply(Tensor<float>{{2, 1}, {3, 4}})) == std::vector<double>{2, 3});
  CHECK(scaler.inverse(Tensor<float>{{1, 1}, {2}}).at(0) == 3);
}

TEST_CASE("Ranges and samples that do not fit are refused", "[data][min_max_scaler]") {
  const Samples train = Tensor<double>{{2, 1}, {1, 2}};
  const auto refused = [&](double low, double high) {
    return error_of<ArgumentError>([&] { MinMaxScaler::fit(train, {.low = low, .high = high}); });
  };
  CHECK(refused(1, 1) == "MinMaxScaler: range 1 to 1, expected finite numbers, the first the smaller");
  CHECK(refused(1, 0) == "MinMaxScaler: range 1 to 0, expected finite numbers, the first the smaller");
  CHECK(refused(0, std::numeric_limits<double>::infinity()) ==
        "MinMaxScaler: range 0 to inf, expected finite numbers, the first the smaller");
  CHECK(refused(std::numeric_limits<double>::quiet_NaN(), 1) ==
        "MinMaxScaler: range nan to 1, expected finite numbers, the first the smaller");
  CHECK(error_of<ArgumentError>([] {
          MinMaxScaler::fit(Tensor<double>{{2, 2}, {1, 2, std::numeric_limits<double>::quiet_NaN(), 3}});
        }) == "MinMaxScaler: element 0 of sample 1 is nan, expected finite numbers");
  CHECK(error_of<ArgumentError>([] {
          MinMaxScaler::fit(Tensor<float>{{0, 2}});
        }) == "MinMaxScaler: samples are [0, 2], expected at least one with elements");
  CHECK(error_of<ShapeError>([&] {
          MinMaxScaler::fit(train).apply(Tensor<float>{{2, 2}});
        }) == "MinMaxScaler: samples are [2], expected those it was fitted to, [1]");
}
