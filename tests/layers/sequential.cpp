// SPDX-License-Identifier: MIT
#include <tarn/layers/sequential.hpp>

#include <cstring>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::LeNet;

namespace {

/// A layer that breaks the rule of inference mode.
struct Meddler {
  static constexpr const char* name = "meddler";
  template <class T, class D>
  class Layer;
};
template <class T, class D>
class Meddler::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Meddler&, const Shape& input, Setup<T, D>& setup) : output_{input}, count_{setup.state("count", {1}, Zeros{})} {}
  Shape output_shape() const override { return output_; }
  void forward(const Batch<T, D>&, Batch<T, D>&, Step<T, D>& step) const override { step.state(count_)[0] += 1; }
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>&, Batch<T, D>*, Step<T, D>&) const override {}

 private:
  Shape output_;
  Parameter count_;
};

}  // namespace

TEST_CASE("Layers are named in order and their shapes inferred", "[layers][sequential]") {
  const Sequential<float> model{Input{28, 28, 1}, support::layers<float>(support::lenet(LeNet::batch_norm_hidden))};
  std::vector<std::string> names;
  for (const auto& placed : model.layers()) names.push_back(placed.name);
  CHECK(names == std::vector<std::string>{"conv2d", "batch_norm", "avg_pool2d", "conv2d_1", "batch_norm_1", "avg_pool2d_1",
                                          "conv2d_2", "batch_norm_2", "flatten", "dense", "batch_norm_3", "dense_1"});
  CHECK(model.layers()[0].output == Shape{28, 28, 6});
  CHECK(model.layers()[3].input == Shape{14, 14, 6});
  CHECK(model.layers()[6].output == Shape{1, 1, 120});
  CHECK(model.input_shape() == Shape{28, 28, 1});
  CHECK(model.output_shape() == Shape{10});
}

TEST_CASE("The variants of LeNet have the published numbers of parameters", "[layers][sequential]") {
  struct Published {
    LeNet variant;
    Index total, trainable, state;
  };
  for (const auto& p : {Published{LeNet::batch_norm_hidden, 62610, 62158, 452}, Published{LeNet::batch_norm, 62614, 62160, 454},
                        Published{LeNet::dropout, 61706, 61706, 0}, Published{LeNet::both, 62614, 62160, 454}}) {
    const auto model = support::model<float>(Input{28, 28, 1}, support::lenet(p.variant));
    CHECK(model.parameters().trainable_count() == p.trainable);
    CHECK(model.parameters().state_count() == p.state);
    CHECK(model.parameters().trainable_count() + model.parameters().state_count() == p.total);
  }
}

TEST_CASE("The summary is a table of layers, shapes and parameters", "[layers][sequential]") {
  const auto model = support::model<float>(
      Input{8, 8, 1}, {Conv2D{.filters = 16, .kernel = 3}, BatchNorm{}, AvgPool2D{2}, Dropout{}, Flatten{}, Dense{.units = 10}});
  CHECK(model.summary() ==
        "Layer                 Type          Output shape            Parameters\n"
        "----------------------------------------------------------------------\n"
        "input                 Input         [8, 8, 1]                        0\n"
        "conv2d                Conv2D        [6, 6, 16]                     160\n"
        "batch_norm            BatchNorm     [6, 6, 16]                      64\n"
        "avg_pool2d            AvgPool2D     [3, 3, 16]                       0\n"
        "dropout               Dropout       [3, 3, 16]                       0\n"
        "flatten               Flatten       [144]                            0\n"
        "dense                 Dense         [10]                         1,450\n"
        "----------------------------------------------------------------------\n"
        "Total parameters: 1,674\n"
        "Trainable: 1,642\n"
        "Not trainable: 32\n");
  CHECK(detail::grouped(0) == "0");
  CHECK(detail::grouped(999) == "999");
  CHECK(detail::grouped(1000) == "1,000");
  CHECK(detail::grouped(1234567) == "1,234,567");
}

TEST_CASE("Weights are found by layer and name", "[layers][sequential]") {
  auto model = support::model<float>(Input{6, 6, 1}, {Conv2D{.filters = 2}, Conv2D{.filters = 3, .kernel = {1, 2}}, BatchNorm{}});
  CHECK(model.weights("conv2d_1/kernel").shape() == Shape{1, 2, 2, 3});
  model.weights("conv2d_1/bias")[2] = 7;
  CHECK(std::as_const(model).weights("conv2d_1/bias")[2] == 7);
  CHECK(model.weights("batch_norm/moving_variance")[0] == 1);
  CHECK(error_of<ArgumentError>([&] { model.weights("conv2d_2/kernel"); }) ==
        "weights: no parameter 'conv2d_2/kernel', there are: conv2d/kernel, conv2d/bias, conv2d_1/kernel, conv2d_1/bias, "
        "batch_norm/gamma, "
        "batch_norm/beta, batch_norm/moving_mean, batch_norm/moving_variance");
}

TEST_CASE("A model's mistakes are reported with the layer's index and name", "[layers][sequential]") {
  CHECK(error_of<ArgumentError>([] {
          Sequential<float>{Input{2}, std::vector<LayerSpec<float>>{}};
        }) == "Sequential: no layers, expected at least one after Input");
  CHECK(error_of<ShapeError>([] {
          support::model<float>(Input{8, 8, 1}, {Conv2D{.filters = 2}, AvgPool2D{2}, Conv2D{.filters = 2, .kernel = 5}});
        }) == "layer 2 (conv2d_1): Conv2D: kernel 5x5 is larger than the input [3, 3, 2]; use a smaller one or padding same");
  CHECK(error_of<ShapeError>([] {
          Input{28, 0, 1};
        }) == "Input: shape [28, 0, 1] has an empty axis, expected extents of at least 1");
}

TEST_CASE("Copies of a model are independent", "[layers][sequential]") {
  auto a = support::model<float>(Input{3}, {Dense{.units = 2}, BatchNorm{}});
  auto b = a;
  const auto x = support::numbers<float>({4, 3}, 1);
  const auto before = a.predict(x);
  CHECK(support::same_bits(before, b.predict(x)));
  for (float& value : b.weights("dense/kernel")) value = 0;
  b.weights("batch_norm/moving_mean")[0] = 9;
  CHECK(support::same_bits(before, a.predict(x)));
  CHECK_FALSE(support::same_bits(before, b.predict(x)));
  b = a;
  CHECK(support::same_bits(before, b.predict(x)));
  const auto c = std::move(b);
  CHECK(support::same_bits(before, c.predict(x)));
}

TEST_CASE("First weights depend on the seed alone, in float as in double", "[layers][sequential]") {
  const std::vector<support::AnySpec> specs{Dense{.units = 30}, Dense{.units = 30}};
  auto model = support::model<double>(Input{30}, specs);
  const auto weights = [](const auto& m, const std::string& name) { return support::doubles(m.weights(name)); };
  const auto first = weights(model, "dense/kernel");
  CHECK(first != weights(model, "dense_1/kernel"));
  model.initialize(0);
  CHECK(first == weights(model, "dense/kernel"));  // as constructed
  model.initialize(5);
  CHECK(first != weights(model, "dense/kernel"));
  auto single = support::model<float>(Input{30}, specs);
  single.initialize(5);
  CHECK(support::relative_error(weights(single, "dense_1/kernel"), weights(model, "dense_1/kernel")) < 1e-7);
  model.weights("dense/bias")[3] = 4;
  model.initialize(5);
  CHECK(model.weights("dense/bias")[3] == 0);
}

TEST_CASE("Inputs may be bytes, floats, doubles or a tensor of the model's own type", "[layers][sequential]") {
  auto model = support::model<float>(Input{4, 4, 1},
                                     {Conv2D{.filters = 3, .kernel = 3, .activation = Tanh{}}, Flatten{}, Dense{.units = 5}});
  const Index n = 600;  // more than one pass
  Tensor<std::uint8_t> bytes{Shape{n, 4, 4, 1}};
  Tensor<float> floats{bytes.shape()};
  Tensor<double> doubles{bytes.shape()};
  for (Index i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 31 % 256);
    doubles[i] = bytes[i];
    floats[i] = static_cast<float>(bytes[i] * (1.0 / 255));
  }
  const auto expected = model.predict(floats);
  CHECK(expected.shape() == Shape{n, 5});
  CHECK(support::same_bits(expected, model.predict(floats.view())));
  CHECK(support::same_bits(expected, model.predict(Samples{floats})));
  CHECK(support::same_bits(expected, model.predict(Samples{bytes}.scaled(1.0 / 255))));
  CHECK(support::same_bits(expected, model.predict(Samples{doubles}.scaled(1.0 / 255))));
  CHECK_FALSE(support::same_bits(expected, model.predict(bytes)));  // unscaled

  // Sample by sample, whatever stands beside it: the same bits, but for the plain bodies, where Eigen chooses by size.
  const double tolerance = cpu::instruction_set() == cpu::InstructionSet::plain ? 1e-5 : 0;
  for (const Index i : {Index{0}, Index{255}, Index{256}, n - 1}) {
    const auto one = model.predict(Samples{floats}.take(i, 1));
    CHECK(support::relative_error(one, std::vector<float>(expected.data() + i * 5, expected.data() + i * 5 + 5)) <= tolerance);
  }
  CHECK(model.predict(Tensor<float>{Shape{0, 4, 4, 1}}).shape() == Shape{0, 5});
}

TEST_CASE("Inputs of another shape are refused", "[layers][sequential]") {
  const auto model = support::model<float>(Input{4, 4, 1}, {Flatten{}, Dense{.units = 5}});
  CHECK(error_of<ShapeError>([&] {
          model.predict(Tensor<float>{Shape{7, 4, 4}});
        }) == "predict: inputs are [7, 4, 4], expected [n, 4, 4, 1]");
  CHECK(error_of<ShapeError>([&] { model.predict(Samples{}); }) == "predict: inputs are [0], expected [n, 4, 4, 1]");
  CHECK(error_of<ShapeError>([&] { model.predict(Tensor<float>{Shape{}}); }) == "predict: inputs are [], expected [n, 4, 4, 1]");
  const auto scalars = support::model<float>(Input{}, {Tanh{}});
  CHECK(error_of<ShapeError>([&] { scalars.predict(Tensor<float>{Shape{2, 2}}); }) == "predict: inputs are [2, 2], expected [n]");
}

TEST_CASE("Layers can be chosen at run time, in any order", "[layers][sequential]") {
  for (const int depth : {1, 3, 6}) {
    std::vector<LayerSpec<>> specs;
    const auto dense = support::layers<float>({Dense{.units = 8, .activation = Tanh{}}}),
               flat = support::layers<float>({Flatten{}});
    specs.push_back(flat[0]);
    for (int i = 0; i < depth; ++i) specs.push_back(dense[0]);
    const Sequential<> model{Input{2, 2}, specs};
    CHECK(model.layers().size() == static_cast<std::size_t>(depth) + 1);
    CHECK(model.predict(Tensor<float>{Shape{3, 2, 2}}).shape() == Shape{3, 8});
  }
}

TEST_CASE("A whole model passes the gradient check", "[layers][sequential]") {
  const std::vector<support::AnySpec> specs{
      BatchNorm{},  Conv2D{.filters = 3, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
      Dropout{0.2}, BatchNorm{},
      AvgPool2D{2}, Conv2D{.filters = 4, .kernel = 2, .activation = Tanh{}},
      Flatten{},    Dense{.units = 5, .activation = Tanh{}},
      Dropout{0.5}, Dense{.units = 3, .activation = Softmax{}}};
  for (const Index batch : {3, 17}) {
    const auto report = support::check_gradients(Input{6, 6, 2}, specs, {.batch = batch});
    INFO(report);
    CHECK(report.passed());
    CHECK(report.kinks == 0);
  }
}

TEST_CASE("The state of a model cannot change in inference mode", "[layers][sequential]") {
  const Sequential model{Input{2}, Meddler{}};
  CHECK(error_of<StateError>([&] {
          model.predict(Tensor<float>{Shape{1, 2}});
        }) == "Step: the state of a model does not change in inference mode");
  CHECK(model.layers()[0].type == "meddler");  // a spec without a type is known by its name
}

TEST_CASE("A workspace grows, and only where it must", "[layers][sequential]") {
  const auto model = support::model<float>(Input{8}, {Dense{.units = 4}});
  auto workspace = model.workspace(true);
  CHECK(workspace.capacity() == 0);
  workspace.reserve(10);
  const Index bytes = workspace.bytes();
  CHECK(workspace.capacity() == 10);
  CHECK(bytes > 0);
  workspace.reserve(5);
  CHECK(workspace.bytes() == bytes);
  workspace.reserve(1000);
  CHECK(workspace.bytes() > bytes);
  CHECK(workspace.training());
  auto inference = model.workspace(false);
  inference.reserve(1000);
  CHECK(inference.bytes() < workspace.bytes());
}

TEST_CASE("A model that is replaced forgets the memory of its old layers", "[layers][sequential]") {
  auto model = support::model<float>(Input{4}, {Dense{.units = 2}});
  const auto x = support::numbers<float>({3, 4}, 5);
  CHECK(model.predict(x).shape() == Shape{3, 2});
  model = support::model<float>(Input{4}, {Dense{.units = 2}, Tanh{}, Dense{.units = 300}});
  CHECK(model.predict(x).shape() == Shape{3, 300});
  const auto moved = std::move(model);
  CHECK(moved.predict(x).shape() == Shape{3, 300});
  CHECK(model.predict(x).shape() == Shape{3, 300});  // NOLINT: a move is a copy
}

TEST_CASE("No samples give no outputs", "[layers][sequential]") {
  const auto model = support::model<float>(Input{4}, {Dense{.units = 2}});
  CHECK(model.predict(Tensor<float>{Shape{0, 4}}).shape() == Shape{0, 2});
}

namespace {

/// A user's layer that keeps a batch from forward to backward, shares a name with the library's, and may ask for too little.
struct Doubled {
  static constexpr const char* name = "dense_1";
  bool enough_scratch = true;
  bool pass_through = false;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class Doubled::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Doubled& spec, const Shape& input, Setup<T, D>& setup)
      : pass_through_{spec.pass_through},
        output_{spec.pass_through ? Shape{input.size() + 1} : input},
        kept_{setup.keep_batch(input)},
        sums_{setup.keep({input.back()})} {
    if (spec.enough_scratch) setup.scratch(ops::reduce_scratch(input.back()));
  }
  Shape output_shape() const override { return output_; }
  bool passes_through(bool) const override { return pass_through_; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    Batch<T, D> kept = step.kept_batch(kept_, x.count());
    ops::map(
        kept, [](T v) { return 2 * v; }, x);
    ops::copy(kept, y);
    ops::reduce(
        step.kept(sums_), [](T v) { return v; }, step.scratch(), x);
  }
  void backward(const Batch<T, D>& x, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    Batch<T, D> kept = step.kept_batch(kept_, x.count());
    CHECK(std::equal(kept.data(), kept.data() + kept.size(), y.data()));
    if (dx)
      ops::map(
          *dx, [](T v) { return 2 * v; }, dy);
  }

 private:
  bool pass_through_;
  Shape output_;
  Kept kept_, sums_;
};

}  // namespace

TEST_CASE("A user's layer keeps what it asked for, and is told when it asked for too little", "[layers][sequential]") {
  const auto report = tarn::testing::gradient_check(Input{3, 2}, {Doubled{}}, {.batch = 5});
  INFO(report);
  CHECK(report.passed());
  const Sequential model{Input{2}, Doubled{.enough_scratch = false}};
  CHECK(error_of<StateError>([&] { model.predict(Tensor<float>{Shape{1, 2}}); }) == "reduce: scratch holds 0 scalars, needs 32");
  CHECK(error_of<ShapeError>([] {
          Sequential{Input{2}, Doubled{.pass_through = true}};
        }) == "layer 0 (dense_1): passes its input through, but makes [3] of [2]");
}

TEST_CASE("No two layers share a name", "[layers][sequential]") {
  const Sequential model{Input{2}, Dense{.units = 2}, Doubled{}, Dense{.units = 2}};
  CHECK(model.layers()[1].name == "dense_1");
  CHECK(model.layers()[2].name == "dense_2");
}
