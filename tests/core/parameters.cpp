// SPDX-License-Identifier: MIT
#include <tarn/core/parameters.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using support::error_of;
using tarn::Index;
using tarn::Parameters;
using tarn::Shape;

TEST_CASE("Parameters stand one behind the other in two flat buffers", "[core][parameters]") {
  Parameters<double> parameters;
  const auto kernel = parameters.add("dense/kernel", {2, 3}, tarn::Ones{}, true);
  const auto mean = parameters.add("norm/moving_mean", {4}, tarn::Zeros{}, false);
  const auto bias = parameters.add("dense/bias", {3}, tarn::Zeros{}, true);
  parameters.allocate();
  parameters.initialize(1);
  CHECK(parameters.trainable_count() == 9);
  CHECK(parameters.state_count() == 4);
  CHECK(kernel.offset == 0);
  CHECK(bias.offset == 6);
  CHECK(mean.offset == 0);
  CHECK(support::doubles(parameters.trainable()) == std::vector<double>{1, 1, 1, 1, 1, 1, 0, 0, 0});
  parameters[bias][2] = 8;
  CHECK(parameters.trainable()[8] == 8);
  parameters[mean][1] = 4;
  CHECK(parameters.state()[1] == 4);
  CHECK(parameters[kernel].shape() == Shape{2, 3});
  CHECK(static_cast<bool>(kernel));
  CHECK_FALSE(static_cast<bool>(tarn::Parameter{}));

  CHECK(parameters.find("norm/moving_mean").parameter.trainable == false);
  CHECK(error_of<tarn::ArgumentError>([&] { parameters.find("dense/weight"); }) ==
        "weights: no parameter 'dense/weight', there are: dense/kernel, norm/moving_mean, dense/bias");
}

TEST_CASE("Copies of parameters are independent", "[core][parameters]") {
  Parameters<float> a;
  const auto p = a.add("p", {2}, tarn::Ones{}, true);
  a.allocate();
  a.initialize(0);
  Parameters<float> b = a;
  b[p][0] = 5;
  CHECK(a[p][0] == 1);
  CHECK(b[p][0] == 5);
}

TEST_CASE("First values depend on the seed and the parameter, not on the scalar type", "[core][parameters]") {
  const auto draw = [](auto type, std::uint64_t seed) {
    Parameters<decltype(type)> parameters;
    parameters.add("first", {30, 20}, tarn::GlorotUniform{}, true);
    parameters.add("second", {30, 20}, tarn::GlorotUniform{}, true);
    parameters.allocate();
    parameters.initialize(seed);
    return support::doubles(parameters.trainable());
  };
  const auto a = draw(double{}, 3), b = draw(float{}, 3), c = draw(double{}, 4);
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(b[i] == static_cast<double>(static_cast<float>(a[i])));
  Index same_seed = 0, same_parameter = 0;
  for (std::size_t i = 0; i < a.size(); ++i) same_seed += a[i] == c[i];
  for (std::size_t i = 0; i < 600; ++i) same_parameter += a[i] == a[i + 600];
  CHECK(same_seed == 0);
  CHECK(same_parameter == 0);
}
