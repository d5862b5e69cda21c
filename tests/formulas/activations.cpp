// SPDX-License-Identifier: MIT
// The formulas in activations.inc, as the operations run them on each instruction set, against the standard library.
#include <tarn/formulas/activations.hpp>

#include <tarn/ops/elementwise.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;

namespace {

/// y = f(x) for as many samples of one element as there are values.
template <class T>
std::vector<T> applied(const Activation& activation, const std::vector<T>& x, Index classes = 1) {
  const Index count = static_cast<Index>(x.size()) / classes;
  Tensor<T> memory{Shape{Batch<T>{nullptr, count, {classes}}.size()}};
  Batch<T> batch{memory.data(), count, {classes}};
  const auto at = [&](Index i) -> T& {
    const Index sample = i / classes;
    return batch.group(sample / batch.lanes())[i % classes * batch.lanes() + sample % batch.lanes()];
  };
  for (Index i = 0; i < count * classes; ++i) at(i) = x[static_cast<std::size_t>(i)];
  ops::activate(activation, batch, batch);
  std::vector<T> y;
  for (Index i = 0; i < count * classes; ++i) y.push_back(at(i));
  return y;
}

}  // namespace

TEMPLATE_TEST_CASE("Tanh is within a few units of the last place everywhere", "[formulas][tanh]", float, double) {
  std::vector<TestType> x;
  for (int i = -40000; i <= 40000; ++i) x.push_back(static_cast<TestType>(i) * TestType(0.0006));
  for (int exponent = -30; exponent < 10; ++exponent)
    for (const double factor : {1.0, -1.37, 1.9}) x.push_back(static_cast<TestType>(std::ldexp(factor, exponent)));
  const auto y = applied(Activation{Tanh{}}, x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double exact = std::tanh(static_cast<long double>(x[i]));
    const long double unit =
        std::max<long double>(std::abs(exact), std::numeric_limits<TestType>::min()) * std::numeric_limits<TestType>::epsilon();
    worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(y[i]) - exact) / unit));
  }
  CHECK(worst < 4);
}

TEMPLATE_TEST_CASE("Tanh is odd, bounded, and keeps zeros, infinities and NaN", "[formulas][tanh]", float, double) {
  const TestType inf = std::numeric_limits<TestType>::infinity(), nan = std::numeric_limits<TestType>::quiet_NaN();
  const auto y = applied<TestType>(
      Tanh{}, {0, inf, -inf, nan, 1000, -1000, std::numeric_limits<TestType>::max(), TestType(0.3), TestType(-0.3)});
  CHECK(y[0] == 0);
  CHECK(y[1] == 1);
  CHECK(y[2] == -1);
  CHECK(std::isnan(y[3]));
  CHECK(y[4] == 1);
  CHECK(y[5] == -1);
  CHECK(y[6] == 1);
  CHECK(std::abs(y[7] + y[8]) <= std::numeric_limits<TestType>::epsilon());
}

TEMPLATE_TEST_CASE("Sigmoid is within a few units of the last place everywhere", "[formulas][sigmoid]", float, double) {
  std::vector<TestType> x;
  for (int i = -40000; i <= 40000; ++i) x.push_back(static_cast<TestType>(i) * TestType(0.002));
  const auto y = applied(Activation{Sigmoid{}}, x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double exact = 1 / (1 + std::exp(-static_cast<long double>(x[i])));
    worst = std::max(worst, static_cast<double>(std::abs(static_cast<long double>(y[i]) - exact) /
                                                (exact * std::numeric_limits<TestType>::epsilon())));
  }
  CHECK(worst < 4);
}

TEMPLATE_TEST_CASE("Sigmoid ends at 0 and 1 and keeps NaN", "[formulas][sigmoid]", float, double) {
  const TestType inf = std::numeric_limits<TestType>::infinity(), nan = std::numeric_limits<TestType>::quiet_NaN();
  const auto y = applied<TestType>(Sigmoid{}, {0, inf, -inf, 1e4, -1e4, nan});
  CHECK(std::vector<TestType>(y.begin(), y.end() - 1) == std::vector<TestType>{0.5, 1, 0, 1, 0});
  CHECK(std::isnan(y[5]));
}

TEMPLATE_TEST_CASE("ReLU and LeakyReLU are exact and keep infinities and NaN", "[formulas][relu]", float, double) {
  const TestType inf = std::numeric_limits<TestType>::infinity(), nan = std::numeric_limits<TestType>::quiet_NaN();
  const auto y = applied<TestType>(ReLU{}, {0, 3, -3, inf, -inf, TestType(-1e-30), nan, -TestType(0)});
  CHECK(std::vector<TestType>(y.begin(), y.end() - 2) == std::vector<TestType>{0, 3, 0, inf, 0, 0});
  CHECK(std::isnan(y[6]));
  CHECK(std::signbit(y[7]));
  const auto leaky = applied<TestType>(LeakyReLU{0.25}, {0, 3, -3, inf, -inf, nan});
  CHECK(std::vector<TestType>(leaky.begin(), leaky.end() - 1) == std::vector<TestType>{0, 3, -0.75, inf, -inf});
  CHECK(std::isnan(leaky[5]));
}

TEMPLATE_TEST_CASE("Softmax agrees with the standard library's exponential", "[formulas][softmax]", float, double) {
  for (const Index classes : {2, 10, 37})
    for (const double scale : {1.0, 30.0, 1e4}) {
      std::vector<TestType> x;
      for (Index i = 0; i < classes * 50; ++i) x.push_back(static_cast<TestType>(scale * std::sin(static_cast<double>(i * i))));
      const auto y = applied(Activation{Softmax{}}, x, classes);
      for (Index row = 0; row < 50; ++row) {
        const auto first = x.begin() + row * classes;
        const long double highest = *std::max_element(first, first + classes);
        long double total = 0, got = 0;
        for (Index k = 0; k < classes; ++k) total += std::exp(static_cast<long double>(first[k]) - highest);
        for (Index k = 0; k < classes; ++k) {
          const auto value = y[static_cast<std::size_t>(row * classes + k)];
          const long double exact = std::exp(static_cast<long double>(first[k]) - highest) / total;
          const long double units = 8 + std::abs(first[k] - highest);  // x - max x is rounded too
          REQUIRE(std::abs(static_cast<long double>(value) - exact) <=
                  units * std::numeric_limits<TestType>::epsilon() * exact + 2 * std::numeric_limits<TestType>::min());
          got += value;
        }
        REQUIRE(std::abs(got - 1) < 16 * std::numeric_limits<TestType>::epsilon());
      }
    }
}

TEMPLATE_TEST_CASE("Softmax hands NaN on", "[formulas][softmax]", float, double) {
  const TestType nan = std::numeric_limits<TestType>::quiet_NaN();
  for (const auto& value : applied<TestType>(Softmax{}, {0, nan, 1, nan, 0, 1}, 3)) CHECK(std::isnan(value));
}

TEST_CASE("Linear leaves its input", "[formulas][linear]") {
  CHECK(applied<float>(Linear{}, {1, -2, 3}) == std::vector<float>{1, -2, 3});
}
