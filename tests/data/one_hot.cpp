// SPDX-License-Identifier: MIT
#include <tarn/data/one_hot.hpp>

#include <limits>

#include "../support/compare.hpp"
#include "files.hpp"

using support::error_of;
using tarn::ArgumentError;
using tarn::Samples;
using tarn::Shape;
using tarn::ShapeError;
using tarn::Tensor;
using tarn::data::one_hot;

TEST_CASE("One-hot vectors have their 1 at the label", "[data][one_hot]") {
  const Samples y = one_hot(Tensor<std::uint8_t>{{3}, {2, 0, 1}}, 3);
  CHECK(y.shape() == Shape{3, 3});
  CHECK(
      support::same_bits(std::get<Tensor<std::uint8_t>>(y.values()), Tensor<std::uint8_t>{{3, 3}, {0, 0, 1, 1, 0, 0, 0, 1, 0}}));
  CHECK(one_hot(Tensor<double>{{1}, {1}}, 2).at(1) == 1);
  CHECK(one_hot(Samples{Tensor<std::int32_t>{{2}, {1, 5}}}.scaled(1, -1), 5).at(9) == 1);
  CHECK(one_hot(Tensor<std::int32_t>{{0}}, 4).shape() == Shape{0, 4});
}

TEST_CASE("Labels that are no classes are refused", "[data][one_hot]") {
  const auto refused = [](double label) { return error_of<ArgumentError>([&] { one_hot(Tensor<double>{{2}, {0, label}}, 3); }); };
  CHECK(refused(3) == "one_hot: label 1 is 3, expected a whole number from 0 to 2");
  CHECK(refused(-1) == "one_hot: label 1 is -1, expected a whole number from 0 to 2");
  CHECK(refused(0.5) == "one_hot: label 1 is 0.5, expected a whole number from 0 to 2");
  CHECK(refused(1e300) == "one_hot: label 1 is 1e+300, expected a whole number from 0 to 2");
  CHECK(refused(std::numeric_limits<double>::quiet_NaN()) == "one_hot: label 1 is nan, expected a whole number from 0 to 2");
  CHECK(error_of<ArgumentError>([] { one_hot(Tensor<std::uint8_t>{{1}}, 0); }) == "one_hot: 0 classes, expected at least 1");
  CHECK(error_of<ShapeError>([] { one_hot(Tensor<std::uint8_t>{{2, 1}}, 2); }) == "one_hot: labels are [2, 1], expected [n]");
}
