// SPDX-License-Identifier: MIT
#include <tarn/init/initializers.hpp>

#include <algorithm>
#include <fstream>
#include <vector>

#include <nlohmann/json.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/data.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using nlohmann::json;
using support::error_of;
using Values = std::vector<double>;

namespace {

Values drawn(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1, Index index = 0) {
  Values values(static_cast<std::size_t>(shape.size()), -7);
  initializer.fill(values, shape, Stream{seed, Purpose::initial_weights, index});
  return values;
}

constexpr double pi = std::numbers::pi;
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }
double normal_share_below(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

/// A distribution of mean 0 and standard deviation 1: its kurtosis and the share below x.
struct Expected {
  double kurtosis;
  std::function<double(double)> share_below;
};
Expected uniform() {
  const double reach = std::sqrt(3.0);
  return {1.8, [=](double x) { return std::clamp((x + reach) / (2 * reach), 0.0, 1.0); }};
}
Expected normal() { return {3, normal_share_below}; }
/// Normal, cut at 2: with p = 2 phi(2) / (2 Phi(2) - 1), variance 1 - 2 p, fourth moment 3 - 14 p.
Expected truncated() {
  const double kept = 2 * normal_share_below(2) - 1, p = 2 * normal_density(2) / kept, variance = 1 - 2 * p;
  return {(3 - 14 * p) / (variance * variance), [=](double x) {
            const double z = std::clamp(x * std::sqrt(variance), -2.0, 2.0);
            return (normal_share_below(z) - normal_share_below(-2)) / kept;
          }};
}

/// Checks n draws: mean, variance, distance of the distribution functions, and that neighbours have nothing in common. Each
/// tolerance is 5 standard errors, and the distance's one that is exceeded by chance with probability 2 exp(-2 2.7^2) = 1e-6.
void check_draws(Values values, double mean, double stddev, const Expected& expected) {
  const double n = static_cast<double>(values.size());
  for (double& value : values) value = (value - mean) / stddev;
  double sum = 0, squares = 0, neighbours = 0, second = 0, third = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    squares += values[i] * values[i];
    if (i >= 1) neighbours += values[i] * values[i - 1];
    if (i >= 2) second += values[i] * values[i - 2];
    if (i >= 3) third += (values[i] * values[i] - 1) * (values[i - 1] * values[i - 1] - 1);
  }
  CHECK(std::abs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::abs(squares / n - 1) < 5 * std::sqrt((expected.kurtosis - 1) / n));
  CHECK(std::abs(neighbours / n) < 5 / std::sqrt(n));
  CHECK(std::abs(second / n) < 5 / std::sqrt(n));
  CHECK(std::abs(third / n) < 5 * (expected.kurtosis - 1) / std::sqrt(n));  // pairs of Box and Muller share a radius
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = expected.share_below(values[i]);
    distance =
        std::max({distance, std::abs(share - static_cast<double>(i) / n), std::abs(share - static_cast<double>(i + 1) / n)});
  }
  CHECK(distance < 2.7 / std::sqrt(n));
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

TEST_CASE("Zeros, ones and constants are just that", "[init]") {
  CHECK(drawn(Zeros{}, {3}) == Values{0, 0, 0});
  CHECK(drawn(Ones{}, {3}) == Values{1, 1, 1});
  CHECK(drawn(Constant{-0.25}, {2, 1}) == Values{-0.25, -0.25});
  CHECK(drawn(Constant{}, {1}) == Values{0});
}

TEST_CASE("Uniform draws keep limits, moments and distribution", "[init]") {
  const Shape shape{5, 5, 20, 100};
  const double in = 500, out = 2500;
  const std::tuple<Initializer, double, double> cases[] = {
      {Uniform{}, -0.05, 0.05},
      {Uniform{.low = 1, .high = 4}, 1, 4},
      {GlorotUniform{}, -std::sqrt(6 / (in + out)), std::sqrt(6 / (in + out))},
      {HeUniform{}, -std::sqrt(6 / in), std::sqrt(6 / in)},
      {LeCunUniform{}, -std::sqrt(3 / in), std::sqrt(3 / in)}};
  for (const auto& [initializer, low, high] : cases) {
    const auto values = drawn(initializer, shape);
    const double n = static_cast<double>(values.size());
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    CHECK(*lowest > low);
    CHECK(*highest < high);
    // The extreme of n draws stays within a share 10 / n of the whole reach, but for a chance of e^-10.
    CHECK(*lowest < low + (high - low) * 10 / n);
    CHECK(*highest > high - (high - low) * 10 / n);
    check_draws(values, (low + high) / 2, (high - low) / std::sqrt(12.0), uniform());
  }
}

TEST_CASE("Normal draws have normal moments and distribution", "[init]") {
  check_draws(drawn(Normal{}, {50001}), 0, 0.05, normal());
  check_draws(drawn(Normal{.mean = 3, .stddev = 2}, {50000}), 3, 2, normal());
  check_draws(drawn(Initializer{Normal{.mean = 3, .stddev = 2}}.keras_seeded(4), {50000}), 3, 2, normal());
}

TEST_CASE("Truncated normals end at two deviations, those that scale have the deviation that they promise", "[init]") {
  const double kept = 0.87962566103423978;  // the deviation of what is left
  const Shape shape{3, 3, 40, 120};
  const double in = 360, out = 1080;
  const std::tuple<Initializer, double, double> cases[] = {{TruncatedNormal{}, 0, 0.05 * kept},
                                                           {TruncatedNormal{.mean = 3, .stddev = 2}, 3, 2 * kept},
                                                           {GlorotNormal{}, 0, std::sqrt(2 / (in + out))},
                                                           {HeNormal{}, 0, std::sqrt(2 / in)},
                                                           {LeCunNormal{}, 0, std::sqrt(1 / in)},
                                                           {Initializer{HeNormal{}}.keras_seeded(3), 0, std::sqrt(2 / in)}};
  for (const auto& [initializer, mean, stddev] : cases) {
    const auto values = drawn(initializer, shape);
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    const double bound = 2 * stddev / kept, n = static_cast<double>(values.size());
    CHECK(*lowest > mean - bound);
    CHECK(*highest < mean + bound);
    // Near the bound the density is phi(2) / 0.9545 = 0.0566 a deviation: none within 10 / 0.0566 / n of it by a chance of e^-10.
    CHECK(*lowest < mean - bound * (1 - 10 / 0.0566 / n / 2));
    CHECK(*highest > mean + bound * (1 - 10 / 0.0566 / n / 2));
    check_draws(values, mean, stddev, truncated());
  }
}

TEST_CASE("Draws are a function of seed, parameter and element", "[init]") {
  for (const Initializer& initializer : {Initializer{GlorotUniform{}}, Initializer{Normal{}}, Initializer{TruncatedNormal{}}}) {
    const auto a = drawn(initializer, {40, 50}, 1, 0);
    CHECK(a == drawn(initializer, {40, 50}, 1, 0));
    const auto other_seed = drawn(initializer, {40, 50}, 2, 0), other_parameter = drawn(initializer, {40, 50}, 1, 1);
    double with_seed = 0, with_parameter = 0, squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      REQUIRE(a[i] != other_seed[i]);
      REQUIRE(a[i] != other_parameter[i]);
      with_seed += a[i] * other_seed[i];
      with_parameter += a[i] * other_parameter[i];
      squares += a[i] * a[i];
    }
    CHECK(std::abs(with_seed) < 5 * squares / std::sqrt(2000.0));  // 5 standard errors of independent draws
    CHECK(std::abs(with_parameter) < 5 * squares / std::sqrt(2000.0));
  }
  // An element's draw does not depend on how many there are.
  for (const Initializer& initializer : {Initializer{Normal{}}, Initializer{TruncatedNormal{}}, Initializer{Uniform{}}}) {
    const auto few = drawn(initializer, {7}), many = drawn(initializer, {101});
    CHECK(std::equal(few.begin(), few.end(), many.begin()));
  }
}

TEST_CASE("A function of one's own may initialize, from the shape and the parameter's stream", "[init]") {
  const Initializer counting = [](std::span<double> values, const Shape& shape, const Stream& stream) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<double>(i) + 10 * static_cast<double>(shape.back()) + (stream.uniform(0) < 1 ? 0.5 : 0);
  };
  CHECK(drawn(counting, {2, 3}) == Values{30.5, 31.5, 32.5, 33.5, 34.5, 35.5});
}

TEST_CASE("Initializers are compared by value, functions by identity", "[init]") {
  CHECK(Initializer{Zeros{}} == Constant{0});
  CHECK(Initializer{Ones{}} != Zeros{});
  CHECK(Initializer{Normal{}} == Normal{.stddev = 0.05});
  CHECK(Initializer{Normal{}} != Normal{.stddev = 0.1});
  CHECK(Initializer{Normal{}} != TruncatedNormal{});
  CHECK(Initializer{GlorotNormal{}} != LeCunNormal{});
  CHECK(Initializer{GlorotNormal{}} != GlorotUniform{});
  CHECK(Initializer{Normal{}} != Initializer{Normal{}}.keras_seeded(0));
  CHECK(Initializer{Normal{}}.keras_seeded(1) == Initializer{Normal{}}.keras_seeded(1));
  CHECK(Initializer{Normal{}}.keras_seeded(1) != Initializer{Normal{}}.keras_seeded(2));
  const auto function = [](std::span<double>, const Shape&, const Stream&) {};
  const Initializer a = function, copy = a, other = function;
  CHECK(a == copy);
  CHECK(a != other);
  CHECK(a != Zeros{});
}

TEST_CASE("Numbers that describe no distribution are refused", "[init]") {
  const auto made = [](auto spec) { return [=] { Initializer{spec}; }; };
  CHECK(error_of<ArgumentError>(made(Constant{NAN})) == "Constant: value is nan, expected a finite number");
  CHECK(error_of<ArgumentError>(made(Uniform{.low = 1, .high = 0})) ==
        "Uniform: low is 1, high is 0, expected finite numbers, low not above high");
  CHECK(error_of<ArgumentError>(made(Uniform{.low = -INFINITY, .high = 0})) ==
        "Uniform: low is -inf, high is 0, expected finite numbers, low not above high");
  CHECK(error_of<ArgumentError>(made(Normal{.stddev = -1})) ==
        "Normal: mean is 0, stddev is -1, expected finite numbers, stddev at least 0");
  CHECK(error_of<ArgumentError>(made(TruncatedNormal{.mean = NAN})) ==
        "TruncatedNormal: mean is nan, stddev is 0.05, expected finite numbers, stddev at least 0");
  CHECK(error_of<ArgumentError>([] { Initializer{GlorotUniform{}}.keras_seeded(1); }) ==
        "keras_seeded: expected Normal, TruncatedNormal, GlorotNormal, HeNormal or LeCunNormal");
  CHECK(drawn(Normal{.mean = 2, .stddev = 0}, {2}) == Values{2, 2});
}

TEST_CASE("A seeded initializer restarts its stream for each kernel, as Keras on TensorFlow does", "[init][keras]") {
  const Initializer normal = Initializer{Normal{.stddev = 1}}.keras_seeded(10);
  const auto large = drawn(normal, {784, 100}, 1, 0), small = drawn(normal, {100, 100}, 2, 5);
  CHECK(std::equal(small.begin(), small.end(), large.begin()));
  CHECK(drawn(Initializer{Normal{.stddev = 1}}.keras_seeded(11), {100, 100}) != small);
  CHECK(drawn(Initializer{Normal{.stddev = 1}}.keras_seeded(10ULL << 32), {100, 100}) != small);
}

TEST_CASE("The activations of a seeded network are those of Keras on TensorFlow", "[init][keras][reference]") {
  std::ifstream in{std::string{TARN_TESTS} + "/reference/keras_seeded.json"};
  const json file = json::parse(in);
  const auto begins = [&](const char* name, const Initializer& initializer) {
    return support::relative_error(drawn(initializer.keras_seeded(10), {8}), file.at(name).get<Values>()) < 1e-6;
  };
  CHECK(begins("normal", Normal{.stddev = 1}));
  CHECK(begins("truncated_normal", TruncatedNormal{.stddev = 1}));
  CHECK(std::abs(drawn(Initializer{Normal{.stddev = 1}}.keras_seeded(10), {78400}).back() - 0.8211623) < 1e-6);
  CHECK(std::abs(drawn(Initializer{TruncatedNormal{.stddev = 1}}.keras_seeded(10), {78400}).back() - 0.5451339) < 1e-6);

  const auto [train, test] = data::mnist();
  using Matrix = RowMajorMatrix<double>;
  Matrix image{1, 784};
  for (Index i = 0; i < 784; ++i) image(0, i) = test.inputs.at(i);
  CHECK(file.at("cases").size() == 13);
  for (const json& entry : file.at("cases")) {
    const std::string name = entry.at("initializer"), activation = entry.at("activation");
    INFO(name << " " << activation);
    const Initializer initializer = name == "glorot_normal" ? Initializer{GlorotNormal{}}
                                    : name == "he_normal"   ? Initializer{HeNormal{}}
                                                            : Initializer{Normal{.stddev = std::stod(name.substr(7))}};
    const auto kernel = [&](Index rows) {
      const auto values = drawn(initializer.keras_seeded(10), {rows, 100});
      return Matrix{Eigen::Map<const Matrix>(values.data(), rows, 100)};
    };
    const Matrix hidden = kernel(100);
    Matrix x = image * kernel(784);
    for (const json& layer : entry.at("layers")) {
      x = (x * hidden).unaryExpr([&](double z) {
        return activation == "tanh" ? std::tanh(z) : activation == "sigmoid" ? 1 / (1 + std::exp(-z)) : std::max(z, 0.0);
      });
      Values units;
      for (Index unit = 0; unit < 100; unit += 20) units.push_back(x(0, unit));
      const auto expected = layer.get<Values>();
      const double tolerance = name == "normal_0.05" ? 1e-6 : 1e-5;  // they came from float: larger kernels, larger errors
      for (std::size_t i = 0; i < 5; ++i)
        CHECK(std::abs(units[i] - expected[i]) < tolerance * std::max(1.0, std::abs(expected[i])));
    }
  }
}
