// SPDX-License-Identifier: MIT
#include <tarn/init/initializers.hpp>

#include <algorithm>
#include <vector>

#include "../catch.hpp"

using tarn::Fans;
using tarn::GlorotUniform;
using tarn::Initializer;
using tarn::Purpose;
using tarn::Shape;
using tarn::Stream;

namespace {

std::vector<double> drawn(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1, tarn::Index index = 0) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()), -7);
  tarn::fill(initializer, values, Fans::of(shape), Stream{seed, Purpose::initial_weights, index});
  return values;
}

}  // namespace

TEST_CASE("Fans count the window of a kernel on both sides", "[init]") {
  CHECK(Fans::of({784, 100}).in == 784);
  CHECK(Fans::of({784, 100}).out == 100);
  CHECK(Fans::of({5, 5, 6, 16}).in == 150);
  CHECK(Fans::of({5, 5, 6, 16}).out == 400);
  CHECK(Fans::of({10}).in == 10);
  CHECK(Fans::of({}).out == 1);
}

TEST_CASE("Zeros and ones are just that", "[init]") {
  CHECK(drawn(tarn::Zeros{}, {3}) == std::vector<double>{0, 0, 0});
  CHECK(drawn(tarn::Ones{}, {3}) == std::vector<double>{1, 1, 1});
}

TEST_CASE("Glorot's uniform keeps its limits and its moments", "[init]") {
  for (const Shape& shape : {Shape{300, 200}, Shape{5, 5, 20, 100}, Shape{3, 1, 1, 30000}}) {
    const auto values = drawn(GlorotUniform{}, shape);
    const Fans fans = Fans::of(shape);
    const double limit = std::sqrt(6 / (fans.in + fans.out)), n = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (double value : values) sum += value, squares += value * value;
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    CHECK(*lowest > -limit);
    CHECK(*highest < limit);
    // The extreme of n draws stays within a share 20 / n of the limit, but for a chance of e^-10.
    CHECK(*lowest < -limit * (1 - 20 / n));
    CHECK(*highest > limit * (1 - 20 / n));
    // 5 standard errors: of the mean limit / sqrt(3 n), of the mean square limit^2 sqrt(4 / (45 n)).
    CHECK(std::abs(sum / n) < 5 * limit / std::sqrt(3 * n));
    CHECK(std::abs(squares / n - limit * limit / 3) < 5 * limit * limit * std::sqrt(4 / (45 * n)));
  }
}

TEST_CASE("Draws are a function of seed, parameter and element", "[init]") {
  const auto a = drawn(GlorotUniform{}, {40, 50}, 1, 0);
  CHECK(a == drawn(GlorotUniform{}, {40, 50}, 1, 0));
  const auto other_seed = drawn(GlorotUniform{}, {40, 50}, 2, 0), other_parameter = drawn(GlorotUniform{}, {40, 50}, 1, 1);
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i] != other_seed[i]);
    REQUIRE(a[i] != other_parameter[i]);
  }
  double correlation = 0;
  for (std::size_t i = 0; i < a.size(); ++i) correlation += a[i] * other_seed[i];
  const double variance = 2.0 / 90;
  CHECK(std::abs(correlation) <
        5 * variance * std::sqrt(static_cast<double>(a.size())));  // 5 standard errors of independent draws
}
