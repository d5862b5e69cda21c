// SPDX-License-Identifier: MIT
#include <tarn/layers/activations.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::relative_error;
using support::Values;

TEMPLATE_TEST_CASE("Tanh gives the values and gradients worked by hand", "[layers][tanh]", float, double) {
  const double tolerance = support::reference_tolerance<TestType>;
  const auto run = support::run<TestType>(Input{3}, {Tanh{}}, {}, {0, std::log(2), -std::log(3)}, {1, 1, 2});
  CHECK(relative_error(run.y, Values{0, 0.6, -0.8}) < tolerance);  // (a - 1/a) / (a + 1/a), a = e^x
  CHECK(relative_error(run.dx, Values{1, 0.64, 2 * 0.36}) < tolerance);
}

TEMPLATE_TEST_CASE("Tanh of large inputs is one and has no gradient", "[layers][tanh]", float, double) {
  const auto run = support::run<TestType>(Input{4}, {Tanh{}}, {}, {1e3, -1e3, 1e30, -40}, {1, 1, 1, 1});
  CHECK(run.y == Values{1, -1, 1, -1});
  CHECK(run.dx == Values{0, 0, 0, 0});
}

TEMPLATE_TEST_CASE("Sigmoid gives the values and gradients worked by hand", "[layers][sigmoid]", float, double) {
  const double tolerance = support::reference_tolerance<TestType>;
  const auto run = support::run<TestType>(Input{3}, {Sigmoid{}}, {}, {0, std::log(3), -std::log(4)}, {1, 16, 25});
  CHECK(relative_error(run.y, Values{0.5, 0.75, 0.2}) < tolerance);
  CHECK(relative_error(run.dx, Values{0.25, 3, 4}) < tolerance);  // dy y (1 - y)
}

TEMPLATE_TEST_CASE("ReLU passes on what is positive, LeakyReLU a share of the rest", "[layers][relu]", float, double) {
  const auto relu = support::run<TestType>(Input{3}, {ReLU{}}, {}, {2, -2, 0}, {5, 6, 7});
  CHECK(relu.y == Values{2, 0, 0});
  CHECK(relu.dx == Values{5, 0, 0});
  const auto leaky = support::run<TestType>(Input{3}, {LeakyReLU{0.25}}, {}, {2, -2, 0}, {5, 6, 8});
  CHECK(leaky.y == Values{2, -0.5, 0});
  CHECK(leaky.dx == Values{5, 1.5, 2});
}

TEST_CASE("LeakyReLU rejects slopes that are negative or not finite", "[layers][relu]") {
  const auto built = [](double slope) { return [=] { support::model<float>(Input{2}, {LeakyReLU{slope}}); }; };
  CHECK(support::error_of<ArgumentError>(built(-0.1)) ==
        "layer 0 (leaky_relu): LeakyReLU: slope is -0.1, expected at least 0 and finite");
  CHECK(support::error_of<ArgumentError>(built(std::nan(""))) ==
        "layer 0 (leaky_relu): LeakyReLU: slope is nan, expected at least 0 and finite");
  CHECK(support::error_of<ArgumentError>([] {
          support::model<float>(Input{2}, {Dense{.units = 2, .activation = LeakyReLU{INFINITY}}});
        }) == "layer 0 (dense): Dense: slope is inf, expected at least 0 and finite");
}

TEMPLATE_TEST_CASE("Softmax gives the values and gradients worked by hand", "[layers][softmax]", float, double) {
  const double tolerance = support::reference_tolerance<TestType>;
  const auto run = support::run<TestType>(Input{3}, {Softmax{}}, {}, {0, std::log(2), std::log(5), 7, 7, 7}, {8, 0, 0, 3, 3, 3});
  CHECK(relative_error(run.y, Values{0.125, 0.25, 0.625, 1.0 / 3, 1.0 / 3, 1.0 / 3}) < tolerance);
  CHECK(relative_error(run.dx, Values{0.875, -0.25, -0.625, 0, 0, 0}) < tolerance);  // y (dy - sum of y dy)
}

TEMPLATE_TEST_CASE("Softmax survives logits of 1e4", "[layers][softmax]", float, double) {
  const auto run = support::run<TestType>(Input{2}, {Softmax{}}, {}, {1e4, -1e4, -1e4, -1e4, 1e4, 1e4}, {1, 1, 1, 0, 1, 0});
  CHECK(run.y == Values{1, 0, 0.5, 0.5, 0.5, 0.5});
  CHECK(run.dx == Values{0, 0, 0.25, -0.25, 0.25, -0.25});
}

TEST_CASE("Softmax of images runs over the channels", "[layers][softmax]") {
  const auto run = support::run<double>(Input{1, 2, 2}, {Softmax{}}, {}, {0, 0, 0, std::log(3)});
  CHECK(relative_error(run.y, Values{0.5, 0.5, 0.25, 0.75}) < 1e-15);
}

TEST_CASE("The gradients of activations agree with differences", "[layers][tanh][softmax]") {
  for (const support::AnySpec& spec :
       std::vector<support::AnySpec>{Tanh{}, Sigmoid{}, ReLU{}, LeakyReLU{0.3}, LeakyReLU{0}, Softmax{}})
    for (const Input& input : {Input{1}, Input{9}, Input{2, 3, 4}, Input{3, 1}})
      for (const Index batch : {1, 3, 17, 33}) {
        const auto report = support::check_gradients(input, {spec}, {.batch = batch});
        INFO(input.shape << ", batch " << batch << ": " << report);
        CHECK(report.passed());
      }
}

TEST_CASE("Tanh takes samples without axes, Softmax does not", "[layers][softmax]") {
  CHECK(relative_error(support::run<double>(Input{}, {Tanh{}}, {}, {0, std::log(2)}).y, Values{0, 0.6}) < 1e-15);
  CHECK(support::error_of<ShapeError>([] { support::model<float>(Input{}, {Softmax{}}); }) ==
        "layer 0 (softmax): Softmax: a sample is a single number, expected at least one axis");
}
