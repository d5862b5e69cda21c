// SPDX-License-Identifier: MIT
#include <tarn/layers/dense.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::check_gradients;
using support::error_of;
using support::Values;

TEMPLATE_TEST_CASE("Dense gives the values and gradients worked by hand", "[layers][dense]", float, double) {
  // x = [1 2; 3 4; 5 6], W = [1 0 -1; 2 1 0], b = [0.5 0 -0.5]
  const auto run = support::run<TestType>(Input{2}, {Dense{.units = 3}},
                                          {{"dense/kernel", {1, 0, -1, 2, 1, 0}}, {"dense/bias", {0.5, 0, -0.5}}},
                                          {1, 2, 3, 4, 5, 6}, {1, 0, 2, 0, 1, 0, -1, 1, 0.5});
  CHECK(run.shape == Shape{3, 3});
  CHECK(run.y == Values{5.5, 2, -1.5, 11.5, 4, -3.5, 17.5, 6, -5.5});
  CHECK(run.gradients.at("dense/kernel") == Values{1 - 5, 3 + 5, 2 + 2.5, 2 - 6, 4 + 6, 4 + 3});
  CHECK(run.gradients.at("dense/bias") == Values{0, 2, 2.5});
  CHECK(run.dx == Values{-1, 2, 0, 1, -1.5, -1});
}

TEST_CASE("Dense applies its activation", "[layers][dense]") {
  const auto run = support::run<double>(Input{1}, {Dense{.units = 2, .activation = Tanh{}, .use_bias = false}},
                                        {{"dense/kernel", {1, -2}}}, {0.5}, {1, 1});
  CHECK(support::relative_error(run.y, Values{std::tanh(0.5), std::tanh(-1.0)}) < 1e-15);
  const Values slopes{1 - std::pow(std::tanh(0.5), 2), 1 - std::pow(std::tanh(1.0), 2)};
  CHECK(support::relative_error(run.gradients.at("dense/kernel"), Values{0.5 * slopes[0], 0.5 * slopes[1]}) < 1e-14);
  CHECK(support::relative_error(run.dx, Values{slopes[0] - 2 * slopes[1]}) < 1e-14);
  CHECK(run.gradients.count("dense/bias") == 0);

  const auto soft = support::run<double>(Input{1}, {Dense{.units = 2, .activation = Softmax{}, .use_bias = false}},
                                         {{"dense/kernel", {std::log(3), 0}}}, {1});
  CHECK(support::relative_error(soft.y, Values{0.75, 0.25}) < 1e-15);
}

TEST_CASE("The gradients of Dense agree with differences for every option", "[layers][dense]") {
  for (const Activation& activation : {Activation{Linear{}}, Activation{Tanh{}}, Activation{Sigmoid{}}, Activation{ReLU{}},
                                       Activation{LeakyReLU{0.2}}, Activation{Softmax{}}})
    for (const bool use_bias : {true, false}) {
      const auto report = check_gradients(Input{7}, {Dense{.units = 5, .activation = activation, .use_bias = use_bias}});
      INFO(report);
      CHECK(report.passed());
      CHECK(report.kinks == 0);
      CHECK(report.checked == 5 * 7 + 35 + (use_bias ? 5 : 0));
    }
}

TEST_CASE("The gradients of Dense agree with differences for odd sizes and batches", "[layers][dense]") {
  for (const auto& [in, out] : {std::pair<Index, int>{1, 1}, {1, 19}, {23, 1}, {37, 17}, {3, 33}})
    for (const Index batch : {1, 3, 17, 33}) {
      const auto report = check_gradients(Input{in}, {Dense{.units = out, .activation = Tanh{}}}, {.batch = batch});
      INFO(in << " to " << out << ", batch " << batch << ": " << report);
      CHECK(report.passed());
    }
}

TEST_CASE("Dense rejects images and says to flatten them", "[layers][dense]") {
  CHECK(error_of<ShapeError>([] {
          support::model<float>(Input{28, 28, 1}, {Dense{.units = 10}});
        }) == "layer 0 (dense): Dense: a sample is [28, 28, 1], expected a vector [features]; put a Flatten before it");
  CHECK(error_of<ShapeError>([] { support::model<float>(Input{}, {Dense{.units = 10}}); }) ==
        "layer 0 (dense): Dense: a sample is [], expected a vector [features]; put a Flatten before it");
}

TEST_CASE("Dense needs at least one unit", "[layers][dense]") {
  CHECK(error_of<ArgumentError>([] {
          support::model<float>(Input{4}, {Dense{.units = 3}, Dense{}});
        }) == "layer 1 (dense_1): Dense: units is 0, expected at least 1");
  CHECK(error_of<ArgumentError>([] { support::model<double>(Input{4}, {Dense{.units = -2}}); }) ==
        "layer 0 (dense): Dense: units is -2, expected at least 1");
}

TEST_CASE("Dense draws its weights as told", "[layers][dense]") {
  const auto model = support::model<double>(
      Input{4}, {Dense{.units = 3, .kernel_initializer = Ones{}, .bias_initializer = Ones{}}, Dense{.units = 2}});
  for (double value : model.weights("dense/kernel")) CHECK(value == 1);
  for (double value : model.weights("dense/bias")) CHECK(value == 1);
  for (double value : model.weights("dense_1/bias")) CHECK(value == 0);
  CHECK(model.weights("dense/kernel").shape() == Shape{4, 3});
  CHECK(Dense{.units = 3} == Dense{.units = 3});
  CHECK(Dense{.units = 3} != Dense{.units = 3, .use_bias = false});
}
