// SPDX-License-Identifier: MIT
#include <tarn/layers/batch_norm.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::relative_error;
using support::Values;

TEMPLATE_TEST_CASE("BatchNorm gives the values and moving statistics worked by hand", "[layers][batch_norm]", float, double) {
  const double tolerance = support::reference_tolerance<TestType>;
  // Channel 0: 1, 3 (mean 2, variance 1); channel 1: -4, 4 (mean 0, variance 16).
  const auto run = support::run<TestType>(Input{2}, {BatchNorm{.momentum = 0.75, .epsilon = 9}},
                                          {{"batch_norm/gamma", {2, 1}},
                                           {"batch_norm/beta", {0.5, -1}},
                                           {"batch_norm/moving_mean", {6, 0}},
                                           {"batch_norm/moving_variance", {5, 0}}},
                                          {1, -4, 3, 4}, {1, 0, 0, 0});
  const double a = 2 / std::sqrt(10), b = 4.0 / 5;
  CHECK(relative_error(run.y, Values{0.5 - a, -1 - b, 0.5 + a, -1 + b}) < tolerance);
  CHECK(relative_error(run.state.at("batch_norm/moving_mean"), Values{0.75 * 6 + 0.25 * 2, 0}) < tolerance);
  CHECK(relative_error(run.state.at("batch_norm/moving_variance"), Values{0.75 * 5 + 0.25, 4}) < tolerance);
  // xhat = -+1 / sqrt 10: dbeta = 1, dgamma = -1 / sqrt 10, dx = gamma / sqrt 10 (dy - 1/2 - xhat (xhat dy) / 2)
  CHECK(relative_error(run.gradients.at("batch_norm/beta"), Values{1, 0}) < tolerance);
  CHECK(relative_error(run.gradients.at("batch_norm/gamma"), Values{-1 / std::sqrt(10), 0}) < tolerance);
  CHECK(relative_error(run.dx, Values{a * (0.5 - 0.05), 0, a * (-0.5 + 0.05), 0}) < tolerance);
}

TEMPLATE_TEST_CASE("BatchNorm in inference uses its moving statistics and leaves them", "[layers][batch_norm]", float, double) {
  const auto run = support::run<TestType>(Input{1}, {BatchNorm{.epsilon = 1}},
                                          {{"batch_norm/gamma", {2}},
                                           {"batch_norm/beta", {1}},
                                           {"batch_norm/moving_mean", {10}},
                                           {"batch_norm/moving_variance", {3}}},
                                          {10, 14, 8}, {}, {.training = false});
  CHECK(run.y == Values{1, 5, -1});
  CHECK(run.state.at("batch_norm/moving_mean") == Values{10});
  CHECK(run.state.at("batch_norm/moving_variance") == Values{3});
}

TEMPLATE_TEST_CASE("BatchNorm of a constant gives beta", "[layers][batch_norm]", float, double) {
  const auto constant = support::run<TestType>(Input{1, 2, 1}, {BatchNorm{}}, {{"batch_norm/beta", {0.25}}},
                                               {0.7, 0.7, 0.7, 0.7, 0.7, 0.7}, {1, 2, 3, 4, 5, 6});
  CHECK(constant.y == Values(6, 0.25));
  CHECK(constant.gradients.at("batch_norm/gamma") == Values{0});
  CHECK(constant.gradients.at("batch_norm/beta") == Values{21});
  CHECK(relative_error(constant.state.at("batch_norm/moving_variance"), Values{0.99}) < 1e-6);
  const double scale = 1 / std::sqrt(1e-3);
  CHECK(relative_error(constant.dx, Values{-2.5 * scale, -1.5 * scale, -0.5 * scale, 0.5 * scale, 1.5 * scale, 2.5 * scale}) <
        support::reference_tolerance<TestType>);

  const auto one = support::run<TestType>(Input{2}, {BatchNorm{}}, {{"batch_norm/beta", {3, 4}}}, {100, -7}, {1, 2});
  CHECK(one.y == Values{3, 4});
  CHECK(relative_error(one.dx, Values{0, 0}) < 1e-5);
}

TEMPLATE_TEST_CASE("BatchNorm loses no digits to a large mean", "[layers][batch_norm]", float, double) {
  // Multiples of 1/64 about 4096, exact in float too; the definition in double, from differences to 4096.
  Values x, expected;
  double mean = 0, variance = 0;
  for (int i = 0; i < 50; ++i) x.push_back(4096 + (i * 37 % 50) / 64.0);
  for (double value : x) mean += (value - 4096) / 50;
  for (double value : x) variance += (value - 4096 - mean) * (value - 4096 - mean) / 50;
  for (double value : x) expected.push_back((value - 4096 - mean) / std::sqrt(variance + 1e-3));
  const auto run = support::run<TestType>(Input{1}, {BatchNorm{.momentum = 0}}, {}, x);
  CHECK(relative_error(run.state.at("batch_norm/moving_variance"), Values{variance}) < support::reference_tolerance<TestType>);
  const double spacing = sizeof(TestType) == 4 ? 4096 * 0x1p-24 / std::sqrt(variance) : 0;  // of the mean, which is rounded to T
  CHECK(relative_error(run.y, expected) < 1e-6 + spacing);
}

TEST_CASE("The gradients of BatchNorm agree with differences", "[layers][batch_norm]") {
  for (const Input& input : {Input{1}, Input{6}, Input{3, 2, 1}, Input{2, 3, 19}, Input{4, 5}})
    for (const Index batch : {2, 3, 5, 17, 33}) {
      const auto report = support::check_gradients(input, {BatchNorm{}}, {.batch = batch});
      INFO(input.shape << ", batch " << batch << ": " << report);
      CHECK(report.passed());
    }
  for (const auto& spec : {BatchNorm{.epsilon = 0.1}, BatchNorm{.momentum = 0}, BatchNorm{.momentum = 1, .epsilon = 1e-5}}) {
    const auto report = support::check_gradients(Input{3}, {spec}, {.batch = 7, .input_offset = 2});
    INFO(report);
    CHECK(report.passed());
  }
}

TEST_CASE("The gradients of BatchNorm of one image agree with differences", "[layers][batch_norm]") {
  const auto report = support::check_gradients(Input{3, 4, 2}, {BatchNorm{}}, {.batch = 1});
  INFO(report);
  CHECK(report.passed());
}

TEMPLATE_TEST_CASE("BatchNorm of few large images is that of the definition, with any number of threads", "[layers][batch_norm]",
                   float, double) {
  using T = TestType;
  constexpr Index channels = 3;
  for (const Index count : {1, 3, 20}) {  // the last of two groups, or more, is not full
    const Shape image{60, 50, channels};
    const auto numbers = support::numbers<T>(image.prepend(count), 3, 2, 5),
               slopes = support::numbers<T>(image.prepend(count), 4);
    const Values x(numbers.begin(), numbers.end()), dy(slopes.begin(), slopes.end());
    const std::size_t size = x.size();
    Values y(size), dx(size), dgamma(channels), dbeta(channels);
    const double n = static_cast<double>(size / channels);
    for (std::size_t c = 0; c < channels; ++c) {
      double mean = 0, variance = 0;
      for (std::size_t i = c; i < size; i += channels) mean += x[i] / n;
      for (std::size_t i = c; i < size; i += channels) variance += (x[i] - mean) * (x[i] - mean) / n;
      const double inverse = 1 / std::sqrt(variance + 1e-3);
      for (std::size_t i = c; i < size; i += channels) {
        y[i] = (x[i] - mean) * inverse;
        dbeta[c] += dy[i];
        dgamma[c] += dy[i] * y[i];
      }
      for (std::size_t i = c; i < size; i += channels) dx[i] = inverse * (dy[i] - dbeta[c] / n - y[i] * dgamma[c] / n);
    }
    const auto run = [&] { return support::run<T>(Input{60, 50, channels}, {BatchNorm{}}, {}, x, dy); };
    const auto with_threads = [&](int threads) {
      const support::Threads pool{threads};
      return run();
    };
    const auto one = with_threads(1);
    INFO(count << " images");
    const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-11;
    CHECK(relative_error(one.y, y) < tolerance);
    CHECK(relative_error(one.dx, dx) < tolerance);
    CHECK(relative_error(one.gradients.at("batch_norm/gamma"), dgamma) < tolerance);
    CHECK(relative_error(one.gradients.at("batch_norm/beta"), dbeta) < tolerance);
    const auto three = with_threads(3);
    CHECK(three.y == one.y);
    CHECK(three.dx == one.dx);
    CHECK(three.gradients == one.gradients);
    // The mean of windows changes places with the normalisation.
    const auto averaged = support::run<T>(Input{60, 50, channels}, {BatchNorm{}, AvgPool2D{2}}, {}, x, {});
    Values pooled(averaged.y.size());
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t c = i % channels, column = i / channels % 50, row = i / channels / 50 % 60, sample = i / channels / 3000;
      pooled[((sample * 30 + row / 2) * 25 + column / 2) * channels + c] += y[i] / 4;
    }
    CHECK(relative_error(averaged.y, pooled) < tolerance);
  }
}

TEST_CASE("BatchNorm checks its options", "[layers][batch_norm]") {
  const auto built = [](const Input& input, const BatchNorm& spec) { return [=] { support::model<float>(input, {spec}); }; };
  CHECK(error_of<ShapeError>(built(Input{}, {})) ==
        "layer 0 (batch_norm): BatchNorm: a sample is a single number, expected at least one axis");
  CHECK(error_of<ArgumentError>(built(Input{2}, {.momentum = 1.5})) ==
        "layer 0 (batch_norm): BatchNorm: momentum is 1.5, expected 0 to 1");
  CHECK(error_of<ArgumentError>(built(Input{2}, {.epsilon = 0})) ==
        "layer 0 (batch_norm): BatchNorm: epsilon is 0, expected above 0 and finite, in float");
  CHECK(error_of<ArgumentError>(built(Input{2}, {.epsilon = 1e-50})) ==
        "layer 0 (batch_norm): BatchNorm: epsilon is 1e-50, expected above 0 and finite, in float");
  CHECK(error_of<ArgumentError>([] { support::model<double>(Input{2}, {BatchNorm{.epsilon = INFINITY}}); }) ==
        "layer 0 (batch_norm): BatchNorm: epsilon is inf, expected above 0 and finite, in double");
  CHECK(error_of<ArgumentError>(built(Input{2}, {.momentum = std::nan("")})) ==
        "layer 0 (batch_norm): BatchNorm: momentum is nan, expected 0 to 1");
}

TEMPLATE_TEST_CASE("BatchNorm shows in both moving statistics that its input is not finite", "[layers][batch_norm]", float,
                   double) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    Values x(34, 1);
    x[20] = bad;  // channel 0
    const auto run = support::run<TestType>(Input{2}, {BatchNorm{}}, {}, x, Values(34, 0));
    CHECK_FALSE(std::isfinite(run.state.at("batch_norm/moving_mean")[0]));
    CHECK(std::isnan(run.state.at("batch_norm/moving_variance")[0]));
    CHECK(run.state.at("batch_norm/moving_variance")[1] == static_cast<double>(static_cast<TestType>(0.99)));
    CHECK(std::isnan(run.y[0]));
    CHECK(run.y[1] == 0);
  }
}

TEMPLATE_TEST_CASE("Neither a large mean nor an outlier costs digits of the variance", "[layers][batch_norm]", float, double) {
  const Index n = 64, pixels = 200;
  auto x = support::numbers<double>({n, pixels, 1, 1}, 8, 1, 1000);
  x[0] = 0;
  support::Values inputs(x.begin(), x.end());
  for (double& value : inputs) value = static_cast<double>(static_cast<TestType>(value));
  double mean = 0, squares = 0;
  for (double value : inputs) mean += value / static_cast<double>(inputs.size());
  for (double value : inputs) squares += (value - mean) * (value - mean);
  const auto run =
      support::run<TestType>(Input{pixels, 1, 1}, {BatchNorm{.momentum = 0}}, {}, inputs, support::Values(inputs.size(), 0));
  CHECK(run.state.at("batch_norm/moving_mean")[0] == Approx(mean).epsilon(1e-6));
  CHECK(run.state.at("batch_norm/moving_variance")[0] ==
        Approx(squares / static_cast<double>(inputs.size())).epsilon(sizeof(TestType) == 4 ? 1e-5 : 1e-12));
}

TEST_CASE("BatchNorm and the averages behind it give as one what they give one by one", "[layers][batch_norm][pool2d]") {
  struct Case {
    Input input;
    AvgPool2D pool;
  };
  const std::vector<Case> cases{{Input{4, 4, 3}, {2}},
                                {Input{5, 7, 1}, {.window = 2, .stride = 3}},
                                {Input{6, 5, 9}, {.window = 3, .stride = 2, .padding = Padding::same}},
                                {Input{7, 7, 2}, {.window = 3, .stride = 1}},
                                {Input{40, 44, 3}, {2}},  // in pieces of pixels
                                {Input{41, 40, 3}, {.window = 3, .stride = 1}}};
  for (const auto& [input, pool] : cases)
    for (const Index count : {1, 5, 33}) {
      INFO(input.shape << ", batch " << count);
      if (input.shape.size() < 1000) CHECK(support::check_gradients(input, {BatchNorm{}, pool}, {.batch = count + 1}).passed());

      Sequential<double> model{
          input, Conv2D{.filters = 4, .kernel = 1}, BatchNorm{.momentum = 0.5}, pool, Flatten{}, Dense{.units = 2}};
      REQUIRE(model.layers()[1].pair);
      const auto numbers = support::numbers<double>({count, input.shape.size()}, 3);
      const auto gradients = [&](bool watched, Tensor<double>& y) {
        auto copy = model;
        auto workspace = copy.workspace(true);
        workspace.reserve(count);
        Tensor<double> result{Shape{copy.parameters().trainable_count()}};
        Step<double> step{copy.parameters(), workspace, result.view(), 0, 0};
        if (watched) step.watch();
        Batch<double> x = workspace.activation(-1, count);
        ops::from_tensor(TensorView<const double>{numbers.data(), x.shape()}, x);
        copy.forward(workspace, count, step);
        y = Tensor<double>{Shape{count, 2}};
        const Batch<double> out = workspace.activation(copy.last_layer(), count);
        ops::to_tensor(out, y.view());
        Batch<double> dy = workspace.gradient(copy.last_layer(), count);
        ops::copy(out, dy);
        copy.backward(workspace, count, step);
        return result;
      };
      Tensor<double> y, y_one_by_one;
      const auto together = gradients(false, y), one_by_one = gradients(true, y_one_by_one);
      for (Index i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(y_one_by_one[i]).margin(1e-12));
      double largest = 0;
      for (Index i = 0; i < together.size(); ++i) largest = std::max(largest, std::abs(together[i] - one_by_one[i]));
      CHECK(largest < 1e-11);

      // For inference too, with the moving statistics.
      const auto state = support::numbers<double>(Shape{model.parameters().state().size()}, 4, 0.2, 1.0);
      ops::copy(state.view(), model.parameters().state());
      const Tensor<double> normalized = model.outputs("batch_norm", support::numbers<double>(input.shape.prepend(count), 5)),
                           found = model.outputs("avg_pool2d", support::numbers<double>(input.shape.prepend(count), 5)),
                           expected = Sequential<double>{Input{normalized.shape().without_first()}, pool}.predict(normalized);
      REQUIRE(found.size() == expected.size());
      largest = 0;
      for (Index i = 0; i < found.size(); ++i) largest = std::max(largest, std::abs(found[i] - expected[i]));
      CHECK(largest < 1e-12);
    }
}
