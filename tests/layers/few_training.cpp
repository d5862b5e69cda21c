// SPDX-License-Identifier: MIT
// A training step on few samples, one after another, is that of the same samples in lanes but for rounding.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tarn/tarn.hpp>
#include <tarn/testing/gradient_check.hpp>

#include "../catch.hpp"
#include "../support/models.hpp"
#include "prelu.hpp"

using namespace tarn;

namespace {

template <class T>
struct FewPass {
  Tensor<T> y, dx, gradients, state;
};

/// One pass there and back over `count` random samples, with dL/dx or without.
template <class T>
FewPass<T> few_pass(Sequential<T> model, Index count, bool few, bool input_gradient, bool watched = false) {
  const auto x = support::numbers<T>(model.input_shape().prepend(count), 5),
             dy = support::numbers<T>(model.output_shape().prepend(count), 6);
  const auto weights = support::numbers<T>(Shape{model.parameters().trainable_count()}, 7, 0.4, 0.1);
  ops::copy(weights.view(), model.parameters().trainable());
  auto workspace = model.workspace(true);
  workspace.reserve(count);
  workspace.set_few(few);
  FewPass<T> result{Tensor<T>{dy.shape()}, Tensor<T>{x.shape()}, Tensor<T>{weights.shape()},
                    Tensor<T>{Shape{model.parameters().state().size()}}};
  std::fill(result.gradients.begin(), result.gradients.end(), T(77));
  Step<T> step{model.parameters(), workspace, result.gradients.view(), 1, 0};
  if (watched) step.watch();
  Batch<T> in = workspace.activation(-1, count), gradient = workspace.gradient(model.last_layer(), count);
  ops::from_tensor(x.view(), in);
  model.forward(workspace, count, step);
  ops::to_tensor(workspace.activation(model.last_layer(), count), result.y.view());
  ops::from_tensor(dy.view(), gradient);
  model.backward(workspace, count, step, input_gradient);
  if (input_gradient) ops::to_tensor(workspace.gradient(-1, count), result.dx.view());
  ops::copy(std::as_const(model).parameters().state(), result.state.view());
  return result;
}

/// Largest difference, as a share of the largest element.
template <class T>
double largest_difference(const Tensor<T>& a, const Tensor<T>& b) {
  double largest = std::numeric_limits<T>::min(), worst = 0;
  for (Index i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
    const double gap = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(gap <= worst)) worst = gap;
  }
  return worst / largest;
}

template <class T>
void compare_steps(const Sequential<T>& model) {
  constexpr double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (Index count = 1; count <= std::max<Index>(few_samples<T>(), 1); ++count)
    for (const bool input_gradient : {true, false}) {
      const auto lanes = few_pass(model, count, false, input_gradient), few = few_pass(model, count, true, input_gradient);
      INFO(count << " samples of " << model.input_shape().to_string() << " through " << model.layers()[0].name << " to "
                 << model.output_shape().to_string());
      CHECK(largest_difference(lanes.y, few.y) < tolerance);
      CHECK(largest_difference(lanes.dx, few.dx) < tolerance);
      CHECK(largest_difference(lanes.gradients, few.gradients) < tolerance);
      CHECK(largest_difference(lanes.state, few.state) < tolerance);
    }
}

}  // namespace

TEMPLATE_TEST_CASE("Convolutions learn from few samples what they learn from lanes", "[layers][few]", float, double) {
  using T = TestType;
  for (const int filters : {1, 3, 5, 6, 16, 17, 33, 120})
    for (const Index channels : {1, 2, 3, 6, 17}) {
      for (const Padding padding : {Padding::valid, Padding::same}) {
        compare_steps(Sequential<T>{Input{7, 9, channels},
                                    Conv2D{.filters = filters, .kernel = 3, .padding = padding, .activation = Tanh{}}});
        compare_steps(Sequential<T>{Input{9, 13, channels},
                                    Conv2D{.filters = filters, .kernel = {3, 2}, .stride = {2, 3}, .padding = padding}});
      }
      compare_steps(Sequential<T>{Input{5, 19, channels},
                                  Conv2D{.filters = filters, .kernel = {2, 5}, .stride = {3, 2}, .padding = Padding::same}});
      compare_steps(Sequential<T>{Input{3, 4, channels}, Conv2D{.filters = filters, .kernel = {3, 4}, .use_bias = false}});
      compare_steps(Sequential<T>{Input{3, 4, channels}, Conv2D{.filters = filters, .kernel = 1, .activation = Softmax{}}});
      // One pixel of several: no product of the whole input.
      compare_steps(Sequential<T>{Input{2, 2, channels}, Conv2D{.filters = filters, .kernel = 1, .stride = 2}});
      compare_steps(Sequential<T>{Input{1, 2, channels}, Conv2D{.filters = filters, .kernel = 1, .stride = 2}});
    }
}

TEMPLATE_TEST_CASE("Dense layers learn from few samples what they learn from lanes", "[layers][few]", float, double) {
  using T = TestType;
  for (const int units : {1, 2, 6, 15, 16, 17, 31, 33, 84, 120})
    for (const Index inputs : {1, 5, 15, 16, 17, 40, 100})
      compare_steps(Sequential<T>{Input{inputs}, Dense{.units = units, .activation = Sigmoid{}}});
  compare_steps(
      Sequential<T>{Input{700}, Dense{.units = 720, .activation = ReLU{}}, Dense{.units = 515}});  // shared among threads
}

TEMPLATE_TEST_CASE("All other layers learn from few samples what they learn from lanes", "[layers][few]", float, double) {
  using T = TestType;
  const auto conv = [](int filters, int kernel) {
    return Conv2D{.filters = filters, .kernel = kernel, .padding = Padding::same, .activation = Tanh{}};
  };
  for (const int channels : {1, 2, 3, 5, 6, 8, 9, 16, 17, 40, 150}) {
    for (const Padding padding : {Padding::valid, Padding::same}) {
      compare_steps(
          Sequential<T>{Input{7, 6, channels}, BatchNorm{}, AvgPool2D{.window = {3, 2}, .stride = 2, .padding = padding}});
      compare_steps(
          Sequential<T>{Input{7, 6, channels}, Tanh{}, MaxPool2D{.window = {3, 2}, .stride = 2, .padding = padding}, Softmax{}});
    }
    compare_steps(Sequential<T>{Input{6, 4, channels}, Sigmoid{}, BatchNorm{}, AvgPool2D{2}, MaxPool2D{2}});
    compare_steps(Sequential<T>{Input{6, 4, channels}, LeakyReLU{}, GlobalAvgPool2D{}, Dense{.units = 3}});
    compare_steps(Sequential<T>{Input{6, 4, channels}, GlobalMaxPool2D{}, Dropout{0.4}});
    compare_steps(Sequential<T>{Input{6, 4, channels}, Dropout{.rate = 0.4, .per_channel = true}, ReLU{}, PReLU{}});
    if (channels <= 17)  // with more, tanh is all but flat, and rounding all that is left
      compare_steps(Sequential<T>{Input{6, 4, channels}, BatchNorm{}, conv(6, 3), BatchNorm{}, AvgPool2D{2}, conv(channels, 3),
                                  Flatten{}, Dense{.units = 5}});
    compare_steps(Sequential<T>{Input{channels}, BatchNorm{}});
    if (channels <= 17 || sizeof(T) == 8)
      compare_steps(Sequential<T>{Input{4, 5, channels}, Residual{conv(channels, 3), BatchNorm{}},
                                  Concatenate{conv(3, 3), Block{}, conv(2, 1)}, Sum{conv(4, 1), conv(4, 3)}, PReLU{},
                                  Conv2D{.filters = 7, .kernel = 2}});
  }
  compare_steps(Sequential<T>{Input{40, 40, 30}, BatchNorm{}, ReLU{}, AvgPool2D{4}});  // groups in pieces
}

TEST_CASE("The gradients of few samples are those of differences", "[layers][few][gradient]") {
  for (Index batch = 1; batch <= std::max<Index>(few_samples<double>(), 1); ++batch) {
    const testing::GradientCheckOptions options{.batch = batch, .few = true};
    const auto check = [&](const Input& input, const std::vector<support::AnySpec>& specs) {
      const auto report = support::check_gradients(input, specs, options);
      INFO(report);
      CHECK(report.passed());
    };
    check(Input{12, 12, 1}, support::small_lenet());
    check(Input{5, 6, 3},
          {Conv2D{.filters = 5, .kernel = {3, 2}, .stride = {2, 3}, .padding = Padding::same, .activation = Tanh{}}, BatchNorm{},
           MaxPool2D{.window = 2, .stride = 1}, Flatten{}, Dense{.units = 4, .activation = Sigmoid{}}, Softmax{}});
    check(Input{4, 3, 9}, {Sigmoid{}, BatchNorm{}, AvgPool2D{.window = 2, .stride = 1}, Conv2D{.filters = 17, .kernel = 2},
                           LeakyReLU{}, GlobalAvgPool2D{}, Dense{.units = 3}});
  }
}

TEMPLATE_TEST_CASE("A pass over few samples that somebody watches has the same gradients", "[layers][few]", float, double) {
  using T = TestType;
  const Sequential<T> model{Input{8, 8, 2},
                            BatchNorm{},
                            Conv2D{.filters = 6, .kernel = 3, .activation = Tanh{}},
                            BatchNorm{},
                            AvgPool2D{2},
                            Flatten{},
                            Dense{.units = 4, .activation = ReLU{}},
                            Dense{.units = 3}};
  const auto alone = few_pass(model, 2, true, false), watched = few_pass(model, 2, true, true, true);
  CHECK(largest_difference(alone.gradients, watched.gradients) < (sizeof(T) == 4 ? 1e-5 : 1e-12));
}

TEST_CASE("Threads that share few samples leave each other's alone", "[layers][few][concurrency]") {
  const Index count = std::max<Index>(few_samples<float>(), 2);
  for (const int filters : {2, 3, 6}) {  // the last vectors of several pixels reach behind a sample
    const Sequential<float> model{Input{7, 7, 192}, Conv2D{.filters = filters, .kernel = 5}};
    const auto x = support::numbers<float>({count, 7, 7, 192}, 5);
    Tensor<float> expected;
    {
      const support::Threads scope{1};
      expected = model.predict(x);
    }
    const support::Threads scope{3};
    Index wrong = 0;
    for (int i = 0; i < 100; ++i) {
      const Tensor<float> y = model.predict(x);
      wrong += !std::equal(y.begin(), y.end(), expected.begin());
    }
    CHECK(wrong == 0);
  }
  for (const int channels : {3, 6, 17, 35}) {  // so do pooling and normalising, there and back, of pieces of a sample too
    const Sequential<float> model{Input{48, 44, channels},
                                  Tanh{},
                                  BatchNorm{},
                                  MaxPool2D{2},
                                  BatchNorm{},
                                  AvgPool2D{2},
                                  BatchNorm{},
                                  Dropout{0.2},
                                  ReLU{},
                                  GlobalAvgPool2D{},
                                  Dense{.units = 3}};
    FewPass<float> expected;
    {
      const support::Threads scope{1};
      expected = few_pass(model, count, true, true);
    }
    const support::Threads scope{3};
    for (int i = 0; i < 20; ++i) {
      const auto found = few_pass(model, count, true, true);
      CHECK(largest_difference(expected.y, found.y) == 0);
      CHECK(largest_difference(expected.dx, found.dx) == 0);
      CHECK(largest_difference(expected.gradients, found.gradients) == 0);
    }
  }
}

TEMPLATE_TEST_CASE("Any number of threads gives the same bits for few samples", "[layers][few]", float, double) {
  using T = TestType;
  const Sequential<T> model{
      Input{20, 20, 16},   Conv2D{.filters = 40, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
      BatchNorm{},         Conv2D{.filters = 32, .kernel = 5, .stride = 2},
      MaxPool2D{2},        Flatten{},
      Dense{.units = 500}, ReLU{},
      Dense{.units = 300}};
  for (Index count = 1; count <= std::max<Index>(few_samples<T>(), 1); ++count) {
    std::vector<FewPass<T>> found;
    for (const int threads : {1, 2, 3, 8}) {
      const support::Threads scope{threads};
      found.push_back(few_pass(model, count, true, true));
      CHECK(largest_difference(found[0].y, found.back().y) == 0);
      CHECK(largest_difference(found[0].dx, found.back().dx) == 0);
      CHECK(largest_difference(found[0].gradients, found.back().gradients) == 0);
    }
  }
}

TEMPLATE_TEST_CASE("What is not finite in one of few samples stays there", "[layers][few]", float, double) {
  using T = TestType;
  if (few_samples<T>() < 2) return;
  for (const int filters : {3, 6, 17})
    for (const Padding padding : {Padding::valid, Padding::same}) {
      Sequential<T> model{Input{6, 7, 3}, Conv2D{.filters = filters, .kernel = 3, .padding = padding, .activation = Tanh{}},
                          MaxPool2D{2}, Tanh{}};
      const Index count = few_samples<T>(), bad = count / 2;
      auto x = support::numbers<T>(model.input_shape().prepend(count), 5);
      auto dy = support::numbers<T>(model.output_shape().prepend(count), 6);
      const Index in = x.size() / count, out = dy.size() / count;
      x[bad * in + in - 1] = dy[bad * out + out - 1] = std::numeric_limits<T>::quiet_NaN();
      x[bad * in] = dy[bad * out] = std::numeric_limits<T>::infinity();
      auto workspace = model.workspace(true);
      workspace.reserve(count);
      workspace.set_few(true);
      Tensor<T> gradients{Shape{model.parameters().trainable_count()}}, y{dy.shape()}, dx{x.shape()};
      Step<T> step{model.parameters(), workspace, gradients.view(), 1, 0};
      Batch<T> input = workspace.activation(-1, count), gradient = workspace.gradient(model.last_layer(), count);
      ops::from_tensor(std::as_const(x).view(), input);
      model.forward(workspace, count, step);
      ops::to_tensor(workspace.activation(model.last_layer(), count), y.view());
      ops::from_tensor(std::as_const(dy).view(), gradient);
      model.backward(workspace, count, step, true);
      ops::to_tensor(workspace.gradient(-1, count), dx.view());
      for (Index i = 0; i < y.size(); ++i)
        if (i / out != bad) CHECK(std::isfinite(y[i]));
      for (Index i = 0; i < dx.size(); ++i)
        if (i / in != bad) CHECK(std::isfinite(dx[i]));
    }
}
