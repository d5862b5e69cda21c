// SPDX-License-Identifier: MIT
// What a pass that nobody watches leaves out or does elsewhere changes no gradient.
#include <algorithm>
#include <cmath>
#include <vector>

#include <tarn/tarn.hpp>
#include "tests/catch.hpp"
#include "tests/support/models.hpp"

using namespace tarn;

namespace {

/// Gradients of half the sum of squares of the outputs.
Tensor<double> gradients(Sequential<double> model, Index count, bool watched) {
  const Shape shape = model.input_shape();
  const auto numbers = support::numbers<double>({count, shape.size()}, 3);
  auto workspace = model.workspace(true);
  workspace.reserve(count);
  Tensor<double> result{Shape{model.parameters().trainable_count()}};
  Step<double> step{model.parameters(), workspace, result.view(), 0, 0};
  if (watched) step.watch();
  Batch<double> x = workspace.activation(-1, count);
  ops::from_tensor(TensorView<const double>{numbers.data(), x.shape()}, x);
  model.forward(workspace, count, step);
  const Batch<double> y = workspace.activation(model.last_layer(), count);
  Batch<double> dy = workspace.gradient(model.last_layer(), count);
  ops::copy(y, dy);
  model.backward(workspace, count, step);
  return result;
}

void compare_gradients(const Sequential<double>& model) {
  for (const Index count : {1, 5, 33}) {
    const auto watched = gradients(model, count, true), alone = gradients(model, count, false);
    double largest = 0, difference = 0;
    for (Index i = 0; i < watched.size(); ++i) {
      largest = std::max(largest, std::abs(watched[i]));
      difference = std::max(difference, std::abs(watched[i] - alone[i]));
    }
    INFO("batch " << count << ": gradients up to " << largest);
    CHECK(largest > 1e-3);
    CHECK(difference < 1e-11 * (1 + largest));
  }
}

}  // namespace

TEST_CASE("Activations whose derivative the layer above takes with it have the same gradients", "[layers][backward]") {
  compare_gradients(Sequential<double>{
      Input{6, 5, 2}, Conv2D{.filters = 3, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
      Conv2D{.filters = 4, .kernel = 3, .stride = 2, .activation = Sigmoid{}}, Flatten{}, Dense{.units = 7, .activation = ReLU{}},
      Dense{.units = 300, .activation = Tanh{}}, Dense{.units = 3, .activation = Softmax{}}});
  compare_gradients(Sequential<double>{Input{6, 6, 2}, Conv2D{.filters = 3, .kernel = 3, .activation = Tanh{}}, BatchNorm{},
                                       AvgPool2D{2}, Conv2D{.filters = 3, .kernel = 1, .activation = LeakyReLU{}}, BatchNorm{},
                                       Flatten{}, Dense{.units = 2}});
  compare_gradients(Sequential<double>{Input{9, 8, 2}, Conv2D{.filters = 3, .kernel = 2, .activation = ReLU{}}, MaxPool2D{2},
                                       Conv2D{.filters = 3, .kernel = 2, .activation = Tanh{}},
                                       AvgPool2D{.window = 2, .stride = 1}, GlobalMaxPool2D{}, Dense{.units = 2}});
  compare_gradients(Sequential<double>{Input{4}, Dense{.units = 5, .activation = Tanh{}},
                                       Residual{Dense{.units = 5, .activation = Tanh{}}}, Dense{.units = 2}});
}

TEST_CASE("A frozen layer gives the layer below the same gradient", "[layers][backward]") {
  Sequential<double> model{Input{6, 6, 2}, Conv2D{.filters = 3, .kernel = 3, .activation = Tanh{}},
                           BatchNorm{},    Conv2D{.filters = 3, .kernel = 2, .activation = Tanh{}},
                           Flatten{},      Dense{.units = 2}};
  model.freeze("batch_norm");
  compare_gradients(model);
  model.freeze("conv2d_1");
  compare_gradients(model);
}

TEST_CASE("Batch norm at the input has its gradients from sums that the convolution above gives", "[layers][backward]") {
  const auto model = [](const Conv2D& conv) {
    return Sequential<double>{Input{7, 6, 3}, BatchNorm{}, conv, Flatten{}, Dense{.units = 2}};
  };
  for (const Padding padding : {Padding::valid, Padding::same})
    for (const Size2D stride : {Size2D{1}, Size2D{2, 1}, Size2D{3}})
      for (const Size2D kernel : {Size2D{3}, Size2D{5, 2}}) {
        auto m = model({.filters = 4, .kernel = kernel, .stride = stride, .padding = padding, .activation = Tanh{}});
        REQUIRE(m.layers()[0].takes_sums);
        m.parameters().trainable()[1] = -0.5;  // gamma, then beta, of three channels
        m.parameters().trainable()[5] = 0.7;
        compare_gradients(m);
        m.parameters().trainable()[0] = 0;  // of which the sums say nothing
        compare_gradients(m);
      }
}
