// SPDX-License-Identifier: MIT
#include <tarn/layers/pool2d.hpp>

#include <limits>

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

TEST_CASE("AvgPool2D with padding same does not count the padding", "[layers][avg_pool2d]") {
  const auto run = support::run<double>(Input{1, 3, 1}, {AvgPool2D{.window = {1, 3}, .stride = 2, .padding = Padding::same}}, {},
                                        {1, 3, 8}, {2, 4});
  CHECK(run.y == Values{2, 5.5});
  CHECK(run.dx == Values{1, 1 + 2, 2});
  const auto right =
      support::run<double>(Input{1, 3, 1}, {AvgPool2D{.window = {1, 2}, .padding = Padding::same}}, {}, {1, 3, 8}, {2, 4});
  CHECK(right.y == Values{2, 8});
  CHECK(right.dx == Values{1, 1, 4});
}

TEST_CASE("Windows that reach into padding do not go by rows, though their sizes would fit", "[layers][avg_pool2d]") {
  cpu::PoolGeometry g;
  g.in_h = 4, g.in_w = 2, g.window_h = g.window_w = g.stride_h = g.stride_w = 2, g.out_h = 2, g.out_w = 1;
  CHECK(g.tiles());
  g.pad_top = 1;
  CHECK_FALSE(g.tiles());
  const Index lanes = cpu::lanes<float>();
  Storage<float, Cpu> memory{16 * lanes};
  Batch<float, Cpu> x{memory.data(), lanes, {4, 2, 1}}, y{memory.data() + 8 * lanes, lanes, {2, 1, 1}};
  for (Index i = 0; i < 8 * lanes; ++i) x.data()[i] = static_cast<float>(i / lanes);
  ops::avg_pool2d(x, g, y);
  CHECK(y.data()[0] == 0.5F);  // of one row of pixels
  CHECK(y.data()[lanes] == 3.5F);
}

TEST_CASE("Pooling gives the same bits with any number of threads", "[layers][avg_pool2d][max_pool2d]") {
  const auto numbers = support::numbers<float>({5, 12, 10, 3}, 1);
  const Values x(numbers.begin(), numbers.end());
  for (const Size2D window : {Size2D{2}, Size2D{3, 5}, Size2D{5, 2}})
    for (const support::AnySpec& pool : {support::AnySpec{AvgPool2D{window}}, support::AnySpec{MaxPool2D{window}}}) {
      const auto run = [&](int threads) {
        const support::Threads pool_of{threads};
        const Index outputs = 5 * (12 / window.height) * (10 / window.width) * 3;
        const auto slopes = support::numbers<float>({outputs}, 2);
        return support::run<float>(Input{12, 10, 3}, {pool}, {}, x, Values(slopes.begin(), slopes.end()));
      };
      const auto one = run(1), three = run(3);
      CHECK(one.y == three.y);
      CHECK(one.dx == three.dx);
    }
}

TEMPLATE_TEST_CASE("MaxPool2D gives the values and gradients worked by hand", "[layers][max_pool2d]", float, double) {
  const auto run = support::run<TestType>(Input{2, 4, 1}, {MaxPool2D{2}}, {}, {1, 9, 3, 3, 9, 2, 0, 3}, {5, 7});
  CHECK(run.shape == Shape{1, 1, 2, 1});
  CHECK(run.y == Values{9, 3});
  CHECK(run.dx == Values{0, 5, 7, 0, 0, 0, 0, 0});  // to the first of equals, row by row
}

TEST_CASE("MaxPool2D with overlapping windows adds their gradients", "[layers][max_pool2d]") {
  const auto run = support::run<double>(Input{1, 4, 2}, {MaxPool2D{.window = {1, 2}, .stride = 1}}, {}, {1, 8, 7, 5, 3, 6, 2, 4},
                                        {1, 2, 4, 8, 16, 32});
  CHECK(run.y == Values{7, 8, 7, 6, 3, 6});
  CHECK(run.dx == Values{0, 2, 1 + 4, 0, 16, 8 + 32, 0, 0});
}

TEST_CASE("MaxPool2D with padding same never takes the padding", "[layers][max_pool2d]") {
  const auto run = support::run<double>(Input{1, 3, 1}, {MaxPool2D{.window = {1, 3}, .stride = 2, .padding = Padding::same}}, {},
                                        {-5, -3, -8}, {2, 4});
  CHECK(run.y == Values{-3, -3});
  CHECK(run.dx == Values{0, 6, 0});
}

TEMPLATE_TEST_CASE("MaxPool2D hands NaN on", "[layers][max_pool2d]", float, double) {
  for (std::size_t at = 0; at < 4; ++at) {
    Values x{1, 2, 3, 4};
    x[at] = std::nan("");
    CHECK(std::isnan(support::run<TestType>(Input{2, 2, 1}, {MaxPool2D{2}}, {}, x).y[0]));
  }
}

TEST_CASE("Global pooling makes a vector of an image", "[layers][global_pool2d]") {
  const auto mean = support::run<double>(Input{1, 3, 2}, {GlobalAvgPool2D{}}, {}, {1, 2, 3, 4, 8, 9}, {3, 6});
  CHECK(mean.shape == Shape{1, 2});
  CHECK(mean.y == Values{4, 5});
  CHECK(mean.dx == Values{1, 2, 1, 2, 1, 2});
  const auto largest = support::run<double>(Input{1, 3, 2}, {GlobalMaxPool2D{}}, {}, {1, 9, 3, 4, 2, 9}, {3, 6});
  CHECK(largest.y == Values{3, 9});
  CHECK(largest.dx == Values{0, 6, 3, 0, 0, 0});
}

TEST_CASE("The gradients of MaxPool2D and of global pooling agree with differences", "[layers][max_pool2d][global_pool2d]") {
  for (const support::AnySpec& spec : std::vector<support::AnySpec>{MaxPool2D{2}, MaxPool2D{.window = {2, 3}, .stride = 1},
                                                                    MaxPool2D{.window = 3, .stride = 2, .padding = Padding::same},
                                                                    GlobalAvgPool2D{}, GlobalMaxPool2D{}})
    for (const auto& [batch, channels] : {std::pair<Index, Index>{1, 1}, {5, 3}, {17, 2}, {33, 1}}) {
      const auto report = support::check_gradients(Input{5, 7, channels}, {spec}, {.batch = batch});
      INFO("batch " << batch << ": " << report);
      CHECK(report.passed());
    }
}

TEST_CASE("The gradients of AvgPool2D agree with differences", "[layers][avg_pool2d]") {
  for (const auto& spec :
       {AvgPool2D{2}, AvgPool2D{3}, AvgPool2D{.window = {2, 3}}, AvgPool2D{.window = 3, .stride = 1},
        AvgPool2D{.window = {1, 2}, .stride = {3, 2}}, AvgPool2D{.window = 3, .stride = 2, .padding = Padding::same},
        AvgPool2D{.window = 2, .padding = Padding::same}, AvgPool2D{.window = {9, 8}, .stride = 1, .padding = Padding::same}})
    for (const auto& [batch, channels] : {std::pair<Index, Index>{1, 1}, {5, 3}, {17, 2}, {33, 1}}) {
      const auto report = support::check_gradients(Input{5, 7, channels}, {spec}, {.batch = batch});
      INFO(spec.window.to_string() << ", batch " << batch << ": " << report);
      CHECK(report.passed());
    }
}

TEST_CASE("Poolings take windows and strides beyond the image", "[layers][avg_pool2d][max_pool2d]") {
  const int huge = std::numeric_limits<int>::max();
  const auto mean = support::run<double>(Input{1, 2, 1}, {AvgPool2D{.window = huge, .padding = Padding::same}}, {}, {1, 3}, {4});
  CHECK(mean.y == Values{2});
  CHECK(mean.dx == Values{2, 2});
  const auto first = support::run<double>(Input{2, 2, 1}, {MaxPool2D{.window = 1, .stride = huge}}, {}, {1, 2, 3, 4}, {5});
  CHECK(first.y == Values{1});
  CHECK(first.dx == Values{5, 0, 0, 0});
}

TEST_CASE("AvgPool2D rejects what is no image, and windows that do not fit", "[layers][avg_pool2d]") {
  const auto built = [](const Input& input, const AvgPool2D& spec) { return [=] { support::model<float>(input, {spec}); }; };
  CHECK(error_of<ShapeError>(built(Input{10}, {2})) ==
        "layer 0 (avg_pool2d): AvgPool2D: a sample is [10], expected an image [height, width, channels]");
  CHECK(error_of<ShapeError>(built(Input{2, 3, 1}, {3})) ==
        "layer 0 (avg_pool2d): AvgPool2D: window 3x3 is larger than the input [2, 3, 1]; use a smaller one or padding same");
  CHECK(error_of<ArgumentError>(built(Input{2, 3, 1}, {0})) ==
        "layer 0 (avg_pool2d): AvgPool2D: window is 0x0, expected at least 1x1");
  CHECK(error_of<ArgumentError>(built(Input{2, 3, 1}, {.window = 2, .stride = {-1, 1}})) ==
        "layer 0 (avg_pool2d): AvgPool2D: stride is -1x1, expected at least 1x1");
}
