// SPDX-License-Identifier: MIT
#include <tarn/layers/blocks.hpp>

#include <tarn/tarn.hpp>
#include <tarn/testing/gradient_check.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"
#include "../support/reference.hpp"

using namespace tarn;
using support::error_of;

namespace {

using Layers = std::vector<LayerSpec<double>>;

Dense dense(int units) { return Dense{.units = units, .activation = Tanh{}}; }

testing::GradientReport check(const Input& input, const Layers& layers, Index batch = 3) {
  return testing::gradient_check(input, layers, {.batch = batch});
}

Tensor<double> predicted(Sequential<double>& model, const Tensor<double>& x) { return model.predict(x); }

}  // namespace

TEST_CASE("Residual adds its input to what its layers make of it", "[layers][blocks]") {
  Sequential<double> model{Input{2}, Residual{Dense{.units = 2}}};
  const std::vector<double> kernel{1, 2, 3, 4}, bias{10, 20};
  std::copy(kernel.begin(), kernel.end(), model.weights("residual/dense/kernel").begin());
  std::copy(bias.begin(), bias.end(), model.weights("residual/dense/bias").begin());
  const Tensor<double> y = predicted(model, Tensor<double>{{2, 2}, {1, 1, -1, 2}});
  CHECK(support::doubles(y) == std::vector<double>{1 + 14, 1 + 26, -1 + 15, 2 + 26});
}

TEST_CASE("Sum and Concatenate join what their branches make of one input", "[layers][blocks]") {
  Sequential<double> sum{Input{1, 2, 1}, Sum{Block{}, ReLU{}, Block{ReLU{}, Block{}}}};
  CHECK(support::doubles(predicted(sum, Tensor<double>{{1, 1, 2, 1}, {-3, 2}})) == std::vector<double>{-3, 6});
  Sequential<double> joined{Input{1, 2, 1}, Concatenate{Block{}, ReLU{}, LeakyReLU{0.5}}};
  CHECK(joined.output_shape() == Shape{1, 2, 3});
  CHECK(support::doubles(predicted(joined, Tensor<double>{{1, 1, 2, 1}, {-4, 2}})) == std::vector<double>{-4, 0, -2, 2, 2, 2});
}

TEST_CASE("The gradients of blocks agree with differences", "[layers][blocks]") {
  const auto conv = [](int filters) {
    return Conv2D{.filters = filters, .kernel = 3, .padding = Padding::same, .activation = Tanh{}};
  };
  const std::vector<std::pair<Input, Layers>> cases{
      {Input{3}, {Residual{dense(4), dense(3)}}},
      {Input{3}, {dense(4), Residual{dense(4)}, Residual{dense(2), dense(4)}, dense(2)}},
      {Input{3}, {Sum{dense(2), dense(2), Block{dense(5), dense(2)}}}},
      {Input{3}, {dense(2), Concatenate{Block{}, dense(3), Block{dense(4), dense(1)}}, dense(2)}},
      {Input{2}, {Residual{Residual{dense(2)}, dense(2), Block{Residual{dense(2)}}}, dense(1)}},
      {Input{4, 4, 2}, {Residual{conv(3), BatchNorm{}, conv(2)}, AvgPool2D{2}, Flatten{}, Dense{.units = 2}}},
      {Input{4, 4, 2}, {Concatenate{conv(3), MaxPool2D{.window = 3, .stride = 1, .padding = Padding::same}}, conv(2)}},
      {Input{4, 4, 1}, {Sum{Block{Conv2D{.filters = 2, .kernel = 1, .stride = 2}}, Block{conv(2), AvgPool2D{2}}}, Flatten{}}},
      {Input{3}, {Sum{Block{}, Block{}}, Sum{Tanh{}, Block{}, Sigmoid{}}}},           // no weights: dx alone
      {Input{2, 2}, {BatchNorm{}, Concatenate{Flatten{}, Flatten{}}, dense(2)}},      // both branches pass one layer's output on
      {Input{2, 2}, {Concatenate{Block{Flatten{}, dense(3)}, Flatten{}}, dense(2)}},  // the model's input itself
      {Input{4}, {Residual{Dropout{0.5}, dense(4), Dropout{0.25}}, Dropout{0}, dense(2)}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i)
    for (const Index batch : {1, 3, 17}) {
      const auto report = check(cases[i].first, cases[i].second, batch);
      INFO("case " << i << ", batch " << batch << ": " << report);
      CHECK(report.passed());
    }
}

namespace {

/// The models of reference/layers_keras.py.
template <class T>
Sequential<T> keras_model(const std::string& name) {
  const auto conv = [](int filters, int stride, Activation activation = Linear{}) {
    return Conv2D{.filters = filters, .kernel = 3, .stride = stride, .padding = Padding::same, .activation = activation};
  };
  if (name == "residual, vectors") return Sequential<T>{Input{3}, Residual{dense(4), Dense{.units = 3}}, Dense{.units = 2}};
  if (name.starts_with("residual, images"))
    return Sequential<T>{Input{4, 3, 2}, Residual{conv(3, 1), BatchNorm{}, ReLU{}, conv(2, 1)}};
  if (name == "sum with a projection")
    return Sequential<T>{Input{5, 4, 2}, Sum{Conv2D{.filters = 3, .kernel = 1, .stride = 2}, Block{conv(3, 2), BatchNorm{}}}};
  if (name == "concatenation")
    return Sequential<T>{
        Input{3, 4, 2},
        Concatenate{Block{}, conv(2, 1, Sigmoid{}),
                    Block{MaxPool2D{.window = 3, .stride = 1, .padding = Padding::same}, Conv2D{.filters = 1, .kernel = 1}}},
        GlobalAvgPool2D{}};
  if (name == "nested")
    return Sequential<T>{
        Input{3}, Residual{Residual{Dense{.units = 3, .activation = Sigmoid{}}}, Concatenate{Dense{.units = 2}, dense(1)}}};
  throw std::runtime_error("no model for " + name);
}

}  // namespace

TEMPLATE_TEST_CASE("Blocks agree with Keras", "[layers][blocks][reference]", float, double) {
  const auto cases = support::keras_block_cases();
  CHECK(cases.size() == 7);
  for (const auto& c : cases) {
    INFO(c.name);
    CHECK(support::differences(support::run(keras_model<TestType>(c.name), c), c, support::reference_tolerance<TestType>) == "");
  }
}

TEST_CASE("Two dropouts in one block draw different numbers", "[layers][blocks]") {
  Sequential<float> model{Input{1000}, Concatenate{Dropout{0.5}, Dropout{0.5}}};
  auto workspace = model.workspace(true);
  workspace.reserve(1);
  Batch<float> x = workspace.activation(-1, 1);
  std::fill_n(x.data(), x.size(), 1.0F);
  Step<float> step{model.parameters(), workspace, {}, 1, 0};
  model.forward(workspace, 1, step);
  Tensor<float> y{Shape{1, 2000}};
  ops::to_tensor(workspace.activation(2, 1), y.view());
  Index equal = 0;
  for (Index i = 0; i < 1000; ++i) equal += y[i] == y[1000 + i];
  CHECK(equal > 400);
  CHECK(equal < 600);
}

TEST_CASE("Layers of blocks show in the summary and have weights under the block's name", "[layers][blocks]") {
  const Sequential<float> model{Input{4}, Residual{Dense{.units = 4}, ReLU{}}, Residual{Dense{.units = 4}},
                                Named{"head", Block{Dense{.units = 3}, Named{"logits", Dense{.units = 2}}}}};
  std::vector<std::string> names;
  for (const auto& entry : model.parameters().entries()) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"residual/dense/kernel", "residual/dense/bias", "residual_1/dense/kernel",
                                          "residual_1/dense/bias", "head/dense/kernel", "head/dense/bias", "head/logits/kernel",
                                          "head/logits/bias"});
  std::vector<std::string> layers;
  for (const auto& placed : model.layers()) layers.push_back(placed.name + ":" + placed.type);
  CHECK(layers == std::vector<std::string>{"residual/dense:Dense", "residual/relu:ReLU", "residual:Residual",
                                           "residual_1/dense:Dense", "residual_1:Residual", "head/dense:Dense",
                                           "head/logits:Dense"});
  CHECK(model.summary().find("residual_1/dense      Dense         [4]                             20\n") != std::string::npos);
}

TEST_CASE("Blocks take layers that are known at run time only", "[layers][blocks]") {
  std::vector<LayerSpec<float>> inner;
  for (int i = 0; i < 3; ++i) inner.push_back(Dense{.units = 5});
  const Sequential<float> model{Input{5}, Residual{inner}};
  CHECK(model.layers().size() == 4);
  CHECK(model.parameters().trainable_count() == 3 * 30);
}

TEST_CASE("Predictions of a branched model reuse memory as soon as nothing needs it", "[layers][blocks]") {
  std::vector<LayerSpec<float>> deep;
  for (int i = 0; i < 20; ++i) deep.push_back(Residual{Dense{.units = 64}, ReLU{}});
  const Sequential<float> model{Input{64}, deep};
  auto workspace = model.workspace(false);
  workspace.reserve(64);
  const Index buffer = 64 * 64 * static_cast<Index>(sizeof(float));
  CHECK(workspace.bytes() <= 4 * buffer + 300'000);  // x, two layers inside, and y; scratch
  // the same numbers as in a workspace that keeps everything
  const Tensor<float> x = support::numbers<float>({64, 64}, 3);
  Sequential<float> copy = model;
  auto keeps = copy.workspace(true);
  keeps.reserve(64);
  Batch<float> input = keeps.activation(-1, 64);
  ops::from_tensor(x.view(), input);
  Step<float> step{std::as_const(copy).parameters(), keeps};
  copy.forward(keeps, 64, step);
  Tensor<float> y{Shape{64, 64}};
  ops::to_tensor(keeps.activation(copy.last_layer(), 64), y.view());
  CHECK(support::same_bits(model.predict(x), y));
}

TEST_CASE("Blocks reject branches that do not fit", "[layers][blocks]") {
  CHECK(error_of<ShapeError>([] {
          Sequential<float>{Input{4}, Dense{.units = 4}, Residual{Dense{.units = 3}}};
        }) == "layer 2 (residual): Residual: branches give [4] and [3], expected equal shapes");
  CHECK(error_of<ShapeError>([] {
          Sequential<float>{Input{4}, Sum{Dense{.units = 3}, Block{}}};
        }) == "layer 1 (sum): Sum: branches give [3] and [4], expected equal shapes");
  CHECK(error_of<ShapeError>([] {
          Sequential<float>{Input{4, 4, 1}, Concatenate{AvgPool2D{2}, Block{}}};
        }) ==
        "layer 1 (concatenate): Concatenate: branches give [2, 2, 1] and [4, 4, 1], expected shapes that are equal but for the "
        "last axis");
  CHECK(error_of<ShapeError>([] {
          Sequential<float>{Input{}, Concatenate{Block{}, Block{}}};
        }) ==
        "layer 0 (concatenate): Concatenate: branches give [] and [], expected shapes that are equal but for the last axis");
  CHECK(error_of<ArgumentError>([] {
          Sequential<float>{Input{4}, Block{}};
        }) == "Sequential: no layers, expected at least one after Input");
  CHECK(error_of<ShapeError>([] {
          Sequential<float>{Input{4}, Residual{Flatten{}, Conv2D{.filters = 1}}};
        }) == "layer 1 (residual/conv2d): Conv2D: a sample is [4], expected an image [height, width, channels]");
  CHECK(error_of<ArgumentError>([] {
          Sequential<float>{Input{4}, Named{"a/b", Flatten{}}};
        }) == "Named: the name is 'a/b', expected one that is not empty and has no slash");
}
