// SPDX-License-Identifier: MIT
#include <tarn/ops/optimizers.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;

TEMPLATE_TEST_CASE("A sum of squares is exact in double, wherever its ranges begin", "[ops][optimizers]", float, double) {
  for (const Index size : {0, 1, 7, 31, 32, 33, 64, 1000, 300007}) {
    Tensor<TestType> values{Shape{size}};
    for (Index i = 0; i < size; ++i) values[i] = static_cast<TestType>(i % 97 - 48);
    double expected = 0;  // whole numbers far below 2^53: exact in any order
    for (const TestType value : values) expected += static_cast<double>(value) * static_cast<double>(value);
    CHECK(ops::sum_of_squares(std::as_const(values).view()) == expected);
    if (size < 64) continue;
    const Range ranges[] = {{1, 4}, {5, 5}, {7, size / 2}, {size / 2 + 3, size}};
    expected = 0;
    for (const Range& range : ranges)
      for (Index i = range.first; i < range.last; ++i)
        expected += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    CHECK(ops::sum_of_squares(std::as_const(values).view(), ranges) == expected);
  }
}

TEMPLATE_TEST_CASE("A sum of squares has the same bits for any number of threads", "[ops][optimizers]", float, double) {
  Tensor<TestType> values{Shape{200003}};
  for (Index i = 0; i < values.size(); ++i) values[i] = static_cast<TestType>(1 / static_cast<double>(i + 3));
  std::vector<double> sums;
  for (const int threads : {1, 2, 5}) {
    const support::Threads scope{threads};
    sums.push_back(ops::sum_of_squares(std::as_const(values).view()));
  }
  CHECK(sums[0] == sums[1]);
  CHECK(sums[0] == sums[2]);
  CHECK(std::abs(sums[0] - 0.394934066848 + 4.99986e-6) < 1e-7);  // pi^2 / 6 - 1 - 1 / 4, less the tail 1 / 200005.5
}

TEST_CASE("A sum of squares of large floats does not overflow", "[ops][optimizers]") {
  Tensor<float> values{{2}, {3e38F, 1e30F}};
  CHECK(ops::sum_of_squares(std::as_const(values).view()) > 8.9e76);
}

TEST_CASE("Updates refuse buffers and ranges that do not fit", "[ops][optimizers]") {
  Tensor<float> four{Shape{4}}, three{Shape{3}}, none;
  const auto gradients = std::as_const(four).view(), short_gradients = std::as_const(three).view();
  const Range all[] = {{0, 4}};
  const UpdateTerms<double> terms{.rate = 1};
  CHECK(error_of<ShapeError>([&] { ops::sgd(four.view(), short_gradients, all, terms); }) ==
        "sgd: gradients has 3 elements, expected 4");
  CHECK(error_of<ShapeError>([&] { ops::sgd_momentum(four.view(), three.view(), gradients, all, terms, 0.5, false); }) ==
        "sgd_momentum: velocities has 3 elements, expected 4");
  CHECK(error_of<ShapeError>([&] {
          ops::rmsprop(four.view(), four.view(), three.view(), none.view(), gradients, all, terms, 0.9, 0, 1e-7);
        }) == "rmsprop: means has 3 elements, expected 4");
  CHECK(error_of<ShapeError>([&] {
          ops::adam(four.view(), four.view(), four.view(), three.view(), gradients, all, terms, 0.9, 0.99, 1e-7);
        }) == "adam: largest has 3 elements, expected 4");
  const auto with = [&](std::vector<Range> ranges) {
    return [&four, gradients, ranges, terms] { ops::sgd(four.view(), gradients, ranges, terms); };
  };
  CHECK(error_of<ArgumentError>(with({{0, 5}})) ==
        "sgd: range [0, 5) after 0, expected sorted and disjoint ranges within [0, 4)");
  CHECK(error_of<ArgumentError>(with({{-1, 2}})) ==
        "sgd: range [-1, 2) after 0, expected sorted and disjoint ranges within [0, 4)");
  CHECK(error_of<ArgumentError>(with({{2, 3}, {1, 2}})) ==
        "sgd: range [1, 2) after 3, expected sorted and disjoint ranges within [0, 4)");
  CHECK(error_of<ArgumentError>(with({{3, 2}})) ==
        "sgd: range [3, 2) after 0, expected sorted and disjoint ranges within [0, 4)");
}
