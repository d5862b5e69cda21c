// SPDX-License-Identifier: MIT
#include <tarn/layers/avg_pool2d.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::Values;

TEMPLATE_TEST_CASE("AvgPool2D gives the values and gradients worked by hand", "[layers][avg_pool2d]", float, double) {
  // 3x3 with a 2x2 window: the last row and column are dropped and get no gradient.
  const auto run = support::run<TestType>(Input{3, 3, 1}, {AvgPool2D{2}}, {}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {8});
  CHECK(run.shape == Shape{1, 1, 1, 1});
  CHECK(run.y == Values{3});
  CHECK(run.dx == Values{2, 2, 0, 2, 2, 0, 0, 0, 0});
}

TEST_CASE("AvgPool2D with a stride below its window adds the shares of all windows", "[layers][avg_pool2d]") {
  const auto run = support::run<double>(Input{1, 4, 1}, {AvgPool2D{.window = {1, 2}, .stride = 1}}, {}, {1, 3, 5, 9}, {2, 4, 8});
  CHECK(run.y == Values{2, 4, 7});
  CHECK(run.dx == Values{1, 1 + 2, 2 + 4, 4});
}

TEST_CASE("AvgPool2D with a stride above its window passes pixels over", "[layers][avg_pool2d]") {
  const auto run = support::run<double>(Input{1, 5, 2}, {AvgPool2D{.window = 1, .stride = {1, 3}}}, {},
                                        {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {1, 2, 3, 4});
  CHECK(run.shape == Shape{1, 1, 2, 2});
  CHECK(run.y == Values{1, 2, 7, 8});
  CHECK(run.dx == Values{1, 2, 0, 0, 0, 0, 3, 4, 0, 0});
}

TEST_CASE("The gradients of AvgPool2D agree with differences", "[layers][avg_pool2d]") {
  for (const auto& spec : {AvgPool2D{2}, AvgPool2D{3}, AvgPool2D{.window = {2, 3}}, AvgPool2D{.window = 3, .stride = 1},
                           AvgPool2D{.window = {1, 2}, .stride = {3, 2}}})
    for (const auto& [batch, channels] : {std::pair<Index, Index>{1, 1}, {5, 3}, {17, 2}, {33, 1}}) {
      const auto report = support::check_gradients(Input{5, 7, channels}, {spec}, {.batch = batch});
      INFO(spec.window.to_string() << ", batch " << batch << ": " << report);
      CHECK(report.passed());
    }
}

TEST_CASE("AvgPool2D rejects what is no image, and windows that do not fit", "[layers][avg_pool2d]") {
  const auto built = [](const Input& input, const AvgPool2D& spec) { return [=] { support::model<float>(input, {spec}); }; };
  CHECK(error_of<ShapeError>(built(Input{10}, {2})) ==
        "layer 0 (avg_pool2d): AvgPool2D: a sample is [10], expected an image [height, width, channels]");
  CHECK(error_of<ShapeError>(built(Input{2, 3, 1}, {3})) ==
        "layer 0 (avg_pool2d): AvgPool2D: window 3x3 is larger than the input [2, 3, 1]");
  CHECK(error_of<ArgumentError>(built(Input{2, 3, 1}, {0})) ==
        "layer 0 (avg_pool2d): AvgPool2D: window is 0x0, expected at least 1x1");
  CHECK(error_of<ArgumentError>(built(Input{2, 3, 1}, {.window = 2, .stride = {-1, 1}})) ==
        "layer 0 (avg_pool2d): AvgPool2D: stride is -1x1, expected at least 1x1");
}
