// SPDX-License-Identifier: MIT
#include <tarn/data/standardizer.hpp>

#include <cmath>
#include <limits>

#include "../support/compare.hpp"
#include "files.hpp"
#include "samples.hpp"

using support::doubles;
using support::error_of;
using support::infinity;
using support::seen;
using tarn::ArgumentError;
using tarn::Index;
using tarn::Samples;
using tarn::Shape;
using tarn::ShapeError;
using tarn::Tensor;
using tarn::data::Per;
using tarn::data::Standardizer;

namespace {}  // namespace

TEST_CASE("Each feature is standardised by its own mean and deviation", "[data][standardizer]") {
  const Samples train = Tensor<float>{{4, 2}, {1, 10, 3, 10, 5, 30, 7, 30}};
  const Standardizer standardizer = Standardizer::fit(train);
  CHECK(standardizer.mean() == std::vector<double>{4, 20});
  CHECK(standardizer.deviation() == std::vector<double>{std::sqrt(5.0), 10});
  const Samples result = standardizer.apply(train);
  CHECK(result.shape() == Shape{4, 2});
  CHECK(std::holds_alternative<Tensor<float>>(result.values()));
  const double unit = 1 / std::sqrt(5.0);
  CHECK(support::relative_error(seen(result), std::vector<double>{-3 * unit, -1, -unit, -1, unit, 1, 3 * unit, 1}) < 1e-7);
  CHECK(support::relative_error(seen(standardizer.inverse(result)), seen(train)) < 1e-6);
  CHECK(seen(standardizer.apply(Tensor<float>{{1, 2}, {4, 0}})) == std::vector<double>{0, -2});
}

TEST_CASE("Channels of images and whole sets are standardised together", "[data][standardizer]") {
  const Samples images = Tensor<std::uint8_t>{{2, 1, 2, 2}, {0, 100, 2, 104, 4, 108, 6, 112}};
  const Standardizer channels = Standardizer::fit(images, {.per = Per::channel});
  CHECK(channels.mean() == std::vector<double>{3, 106});
  CHECK(channels.deviation() == std::vector<double>{std::sqrt(5.0), std::sqrt(20.0)});
  CHECK(support::relative_error(seen(channels.inverse(channels.apply(images))), seen(images)) < 1e-6);
  CHECK(channels.apply(Tensor<float>{{1, 2}, {3, 106}}).at(1) == 0);

  const Standardizer whole = Standardizer::fit(images, {.per = Per::whole});
  CHECK(whole.mean() == std::vector<double>{54.5});
  const Samples result = whole.apply(images);
  CHECK(std::holds_alternative<Tensor<std::uint8_t>>(result.values()));  // bytes stay bytes
  CHECK(result.at(0) == Approx(-54.5 / whole.deviation()[0]).epsilon(1e-14));
  CHECK(support::relative_error(seen(whole.inverse(result)), seen(images)) < 1e-14);
}

TEST_CASE("What is standardised is what is seen", "[data][standardizer]") {
  const Tensor<std::uint8_t> bytes{{3, 1}, {1, 2, 6}};
  const Samples scaled = Samples{bytes}.scaled(-0.5, 1);
  const Standardizer standardizer = Standardizer::fit(scaled);
  CHECK(standardizer.mean() == std::vector<double>{-0.5});
  CHECK(standardizer.deviation()[0] == Approx(0.5 * std::sqrt(14.0 / 3)).epsilon(1e-14));
  CHECK(standardizer.apply(scaled).at(2) == Approx(-1.5 / standardizer.deviation()[0]).epsilon(1e-7));
  const Standardizer whole = Standardizer::fit(scaled, {.per = Per::whole});
  CHECK(whole.apply(scaled).at(2) == Approx(-1.5 / whole.deviation()[0]).epsilon(1e-14));
}

TEST_CASE("A constant feature becomes zero", "[data][standardizer]") {
  const Samples train = Tensor<double>{{3, 2}, {0.1, 1, 0.1, 2, 0.1, 3}};
  const Standardizer standardizer = Standardizer::fit(train);
  CHECK(standardizer.mean()[0] == 0.1);
  CHECK(standardizer.deviation()[0] == 0);
  const Samples result = standardizer.apply(train);
  CHECK(std::holds_alternative<Tensor<double>>(result.values()));
  for (const Index i : {0, 2, 4}) CHECK(result.at(i) == 0);
  CHECK(standardizer.apply(Tensor<double>{{1, 2}, {1.1, 2}}).at(0) == 1);
  CHECK(Standardizer::fit(Tensor<std::int32_t>{{1}, {7}}).apply(Tensor<std::int32_t>{{1}, {7}}).at(0) == 0);
}

TEST_CASE("Means and deviations lose nothing to large numbers or many of them", "[data][standardizer]") {
  Tensor<double> values{{4}, {1e8 + 1, 1e8 + 2, 1e8 + 3, 1e8 + 4}};
  CHECK(Standardizer::fit(values).deviation()[0] == std::sqrt(1.25));
  Tensor<double> cancelling{{4}, {1e16, 1, -1e16, 1}};
  CHECK(Standardizer::fit(cancelling).mean()[0] == 0.5);
  Tensor<float> many{{1 << 22}};
  std::fill(many.begin(), many.end(), 0.1F);
  many[0] = 0.3F;
  const double count = 1 << 22,
               expected = static_cast<double>(0.1F) + (static_cast<double>(0.3F) - static_cast<double>(0.1F)) / count;
  CHECK(Standardizer::fit(many).mean()[0] == Approx(expected).epsilon(1e-16).margin(1e-16));

  // As many bytes as MNIST has: the sum is known, and exact.
  Tensor<std::uint8_t> bytes{{60000, 28, 28, 1}};
  std::int64_t sum = 0;
  for (Index i = 0; i < bytes.size(); ++i) sum += bytes[i] = static_cast<std::uint8_t>(i * 131 >> 3);
  CHECK(Standardizer::fit(std::move(bytes), {.per = Per::whole}).mean()[0] == static_cast<double>(sum) / (60000.0 * 784));
}

TEST_CASE("Numbers that are not finite are refused with their place", "[data][standardizer]") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity}) {
    const Samples train = Tensor<double>{{2, 3}, {1, 2, 3, 4, bad, 6}};
    const std::string words = "Standardizer: element 1 of sample 1 is " + tarn::detail::join({bad}) + ", expected finite numbers";
    for (const Per per : {Per::feature, Per::channel, Per::whole}) {
      CHECK(error_of<ArgumentError>([&] { Standardizer::fit(train, {.per = per}); }) == words);
      const Standardizer sound = Standardizer::fit(Tensor<double>{{2, 3}, {1, 2, 3, 4, 5, 6}}, {.per = per});
      CHECK(error_of<ArgumentError>([&] { sound.apply(train); }).starts_with("Standardizer: element 1 of sample 1 is "));
      CHECK(error_of<ArgumentError>([&] { sound.inverse(train); }).starts_with("Standardizer: element 1 of sample 1 is "));
    }
  }
  CHECK(error_of<ArgumentError>([] {
          Standardizer::fit(Tensor<double>{{2}, {1e300, -1e300}});
        }) == "Standardizer: mean 0 and deviation inf, expected numbers within double");
}

TEST_CASE("Samples that a standardizer was not fitted to are refused", "[data][standardizer]") {
  const Standardizer features = Standardizer::fit(Tensor<float>{{2, 3}, {1, 2, 3, 4, 5, 6}});
  CHECK(error_of<ShapeError>([&] {
          features.apply(Tensor<float>{{2, 1, 3}});
        }) == "Standardizer: samples are [1, 3], expected those it was fitted to, [3]");
  CHECK_THROWS_AS(features.inverse(Tensor<float>{{2}}), ShapeError);
  const Standardizer channels = Standardizer::fit(Tensor<float>{{1, 2, 3}, {1, 2, 3, 4, 5, 6}}, {.per = Per::channel});
  CHECK_NOTHROW(channels.apply(Tensor<float>{{1, 5, 5, 3}}));
  CHECK(error_of<ShapeError>([&] {
          channels.apply(Tensor<float>{{1, 3, 2}});
        }) == "Standardizer: samples are [3, 2], expected those it was fitted to, [2, 3]");
  CHECK(features.apply(Tensor<float>{{0, 3}}).shape() == Shape{0, 3});
  CHECK(error_of<ArgumentError>([] {
          Standardizer::fit(Tensor<float>{{0, 3}});
        }) == "Standardizer: samples are [0, 3], expected at least one with elements");
  CHECK_THROWS_AS(Standardizer::fit(Tensor<float>{{3, 0}}), ArgumentError);
}
