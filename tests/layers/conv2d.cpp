// SPDX-License-Identifier: MIT
#include <tarn/layers/conv2d.hpp>

#include <algorithm>
#include <limits>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::check_gradients;
using support::error_of;
using support::Values;

TEMPLATE_TEST_CASE("Conv2D gives the values and gradients worked by hand", "[layers][conv2d]", float, double) {
  // A 3x3 image and a 2x2 kernel: cross-correlation, the kernel is not flipped.
  const auto run = support::run<TestType>(Input{3, 3, 1}, {Conv2D{.filters = 1, .kernel = 2}},
                                          {{"conv2d/kernel", {1, 2, 3, 4}}, {"conv2d/bias", {10}}}, {1, 2, 3, 4, 5, 6, 7, 8, 9},
                                          {1, 0, 0, -1});
  CHECK(run.shape == Shape{1, 2, 2, 1});
  CHECK(run.y == Values{1 + 4 + 12 + 20 + 10, 2 + 6 + 15 + 24 + 10, 4 + 10 + 21 + 32 + 10, 5 + 12 + 24 + 36 + 10});
  CHECK(run.gradients.at("conv2d/kernel") == Values{1 - 5, 2 - 6, 4 - 8, 5 - 9});
  CHECK(run.gradients.at("conv2d/bias") == Values{0});
  CHECK(run.dx == Values{1, 2, 0, 3, 4 - 1, -2, 0, -3, -4});
}

TEST_CASE("Conv2D with padding same puts the larger part below and to the right", "[layers][conv2d]") {
  const auto even =
      support::run<double>(Input{2, 2, 1}, {Conv2D{.filters = 1, .kernel = 2, .padding = Padding::same, .use_bias = false}},
                           {{"conv2d/kernel", {1, 10, 100, 1000}}}, {1, 2, 3, 4});
  CHECK(even.shape == Shape{1, 2, 2, 1});
  CHECK(even.y == Values{4321, 402, 43, 4});
  const auto odd =
      support::run<double>(Input{2, 2, 1}, {Conv2D{.filters = 1, .kernel = 3, .padding = Padding::same, .use_bias = false}},
                           {{"conv2d/kernel", {0, 0, 0, 0, 1, 10, 0, 100, 1000}}}, {1, 2, 3, 4});
  CHECK(odd.y == Values{4321, 402, 43, 4});
}

TEST_CASE("Conv2D with a stride looks at every second place", "[layers][conv2d]") {
  const auto valid =
      support::run<double>(Input{1, 5, 1}, {Conv2D{.filters = 1, .kernel = {1, 2}, .stride = 2, .use_bias = false}},
                           {{"conv2d/kernel", {1, 10}}}, {1, 2, 3, 4, 5}, {1, 2});
  CHECK(valid.y == Values{21, 43});
  CHECK(valid.gradients.at("conv2d/kernel") == Values{1 + 2 * 3, 2 + 2 * 4});
  CHECK(valid.dx == Values{1, 10, 2, 20, 0});
  const auto same = support::run<double>(
      Input{1, 5, 1}, {Conv2D{.filters = 1, .kernel = {1, 3}, .stride = 2, .padding = Padding::same, .use_bias = false}},
      {{"conv2d/kernel", {1, 10, 100}}}, {1, 2, 3, 4, 5}, {1, 2, 3});
  CHECK(same.shape == Shape{1, 1, 3, 1});
  CHECK(same.y == Values{210, 432, 54});
  CHECK(same.dx == Values{10, 100 + 2, 20, 200 + 3, 30});
  CHECK(support::model<float>(Input{28, 28, 1}, {Conv2D{.filters = 3, .kernel = 5, .stride = {2, 3}}}).output_shape() ==
        Shape{12, 8, 3});
}

TEST_CASE("Conv2D with a stride beyond the image looks at one place, however large it is", "[layers][conv2d]") {
  const int huge = std::numeric_limits<int>::max();
  const auto run = support::run<double>(
      Input{2, 3, 1}, {Conv2D{.filters = 1, .kernel = {1, 2}, .stride = huge, .padding = Padding::same, .use_bias = false}},
      {{"conv2d/kernel", {1, 10}}}, {1, 2, 3, 4, 5, 6}, {7});
  CHECK(run.y == Values{21});
  CHECK(run.gradients.at("conv2d/kernel") == Values{7, 14});
  CHECK(run.dx == Values{7, 70, 0, 0, 0, 0});
  cpu::ConvGeometry geometry;  // and so does the operation itself
  geometry.in_h = 2;
  geometry.stride_h = geometry.stride_w = huge;
  Tensor<double> memory{Shape{64}};
  std::ranges::fill(memory, 1.0);
  Batch<double> dx{memory.data(), 1, {2, 1, 1}}, dy{memory.data() + 32, 1, {1, 1, 1}};
  const Tensor<double> kernel{{1, 1, 1, 1}, {3}};
  ops::conv2d_input_gradient(dy, kernel.view(), geometry, dx, {});
  CHECK(memory[0] == 3);
  CHECK(memory[dx.lanes()] == 0);
}

TEST_CASE("Conv2D adds over channels and gives each filter its own", "[layers][conv2d]") {
  const auto run = support::run<double>(Input{1, 2, 2}, {Conv2D{.filters = 3, .kernel = 1}},
                                        {{"conv2d/kernel", {1, 2, 3, 4, 5, 6}}, {"conv2d/bias", {0, 0, 1}}}, {1, 10, 2, 20});
  CHECK(run.y == Values{41, 52, 64, 82, 104, 127});
}

TEST_CASE("The gradients of Conv2D agree with differences for every option", "[layers][conv2d]") {
  for (const Activation& activation : {Activation{Linear{}}, Activation{Tanh{}}, Activation{Sigmoid{}}, Activation{ReLU{}},
                                       Activation{LeakyReLU{0.2}}, Activation{Softmax{}}})
    for (const bool use_bias : {true, false})
      for (const Padding padding : {Padding::valid, Padding::same}) {
        const auto report = check_gradients(
            Input{4, 5, 2},
            {Conv2D{.filters = 3, .kernel = 3, .padding = padding, .activation = activation, .use_bias = use_bias}},
            {.batch = 3});
        INFO(to_string(padding) << ": " << report);
        CHECK(report.passed());
      }
}

TEST_CASE("The gradients of Conv2D agree with differences for odd shapes", "[layers][conv2d]") {
  struct Case {
    Index height, width, channels;
    int filters;
    Size2D kernel;
    Padding padding;
    Size2D stride = 1;
  };
  for (const Case& c :
       {Case{5, 5, 1, 1, 1, Padding::valid}, Case{1, 7, 1, 4, {1, 5}, Padding::same}, Case{6, 3, 2, 5, {4, 2}, Padding::same},
        Case{3, 2, 2, 3, 5, Padding::same}, Case{4, 3, 3, 2, {4, 3}, Padding::valid}, Case{3, 3, 19, 2, 2, Padding::valid},
        Case{4, 4, 1, 21, 3, Padding::same}, Case{2, 2, 17, 18, 1, Padding::valid}, Case{7, 1, 2, 3, {3, 1}, Padding::same},
        Case{7, 6, 2, 3, 3, Padding::same, 2}, Case{7, 6, 2, 3, 3, Padding::valid, 2},
        Case{5, 7, 1, 4, {2, 4}, Padding::same, {3, 1}}, Case{6, 6, 3, 2, 1, Padding::valid, 3},
        Case{4, 4, 2, 2, 5, Padding::same, {2, 4}}}) {
    const auto report = check_gradients(
        Input{c.height, c.width, c.channels},
        {Conv2D{.filters = c.filters, .kernel = c.kernel, .stride = c.stride, .padding = c.padding}}, {.batch = 2});
    INFO(c.height << "x" << c.width << "x" << c.channels << ", kernel " << c.kernel.to_string() << ": " << report);
    CHECK(report.passed());
  }
}

TEST_CASE("The gradients of Conv2D agree with differences for batches that fill no group", "[layers][conv2d]") {
  for (const Index batch : {1, 3, 5, 17, 33}) {
    const auto report =
        check_gradients(Input{3, 4, 2}, {Conv2D{.filters = 3, .kernel = {2, 3}, .padding = Padding::same, .activation = Tanh{}}},
                        {.batch = batch});
    INFO("batch " << batch << ": " << report);
    CHECK(report.passed());
  }
}

TEST_CASE("The gradients of Conv2D agree with differences where a training step goes by tiles", "[layers][conv2d]") {
  const Index batch = 11, groups = Batch<double, Cpu>{nullptr, batch, {6, 4, 16}}.groups();
  REQUIRE(ops::detail::suits_winograd({6, 4, 16, 3, 3, 6, 4, 17, 1, 1}, groups) == (cpu::lanes<double>() > 1));  // the second one
  const auto report =
      check_gradients(Input{6, 4, 3},
                      {Conv2D{.filters = 16, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
                       Conv2D{.filters = 17, .kernel = 3, .padding = Padding::same, .activation = Sigmoid{}}, GlobalAvgPool2D{}},
                      {.batch = batch});
  INFO(report);
  CHECK(report.passed());
}

TEST_CASE("Conv2D rejects what is no image, and kernels that do not fit", "[layers][conv2d]") {
  const auto built = [](const Input& input, const Conv2D& spec) { return [=] { support::model<float>(input, {spec}); }; };
  CHECK(error_of<ShapeError>(built(Input{784}, {.filters = 6})) ==
        "layer 0 (conv2d): Conv2D: a sample is [784], expected an image [height, width, channels]");
  CHECK(error_of<ShapeError>(built(Input{4, 3, 1}, {.filters = 6, .kernel = {2, 5}})) ==
        "layer 0 (conv2d): Conv2D: kernel 2x5 is larger than the input [4, 3, 1]; use a smaller one or padding same");
  CHECK(error_of<ArgumentError>(built(Input{4, 3, 1}, {.filters = 0})) ==
        "layer 0 (conv2d): Conv2D: filters is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(built(Input{4, 3, 1}, {.filters = 2, .stride = {1, 0}})) ==
        "layer 0 (conv2d): Conv2D: stride is 1x0, expected at least 1x1");
  CHECK(
      error_of<ArgumentError>(
          built(Input{1, 1, 2}, {.filters = 3, .kernel = std::numeric_limits<int>::max(), .padding = Padding::same})) ==
      "layer 0 (conv2d): Conv2D: kernel 2147483647x2147483647 from 2 to 3 channels has too many weights, expected at most 2^40");
  CHECK(error_of<ArgumentError>(built(Input{4, 3, 1}, {.filters = 2, .kernel = {0, 3}})) ==
        "layer 0 (conv2d): Conv2D: kernel is 0x3, expected at least 1x1");
}
