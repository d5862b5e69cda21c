// SPDX-License-Identifier: MIT
// Few samples are predicted one after another, with channels in the vectors: the same bits as among many.
#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../support/models.hpp"
#include "prelu.hpp"

using namespace tarn;

namespace {

/// a x + b, then half of the elements dropped, in inference too.
struct Noisy {
  static constexpr const char* name = "noisy";
  template <class T, class D>
  class Layer;
};
template <class T, class D>
class Noisy::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Noisy&, const Shape& input, Setup<T, D>& setup)
      : output_{input}, b_{setup.parameter("b", {input.back()}, Ones{})} {}
  Shape output_shape() const override { return output_; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    const auto f = [](T value, T b) { return value * T(1.1) + b; };
    ops::map(y, f, x, step.value(b_));
    ops::dropout(y, 0.5, false, step.stream(), y);
  }
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>&, Batch<T, D>*, Step<T, D>&) const override {}

 private:
  Shape output_;
  Parameter b_;
};

/// The mean of the batch, in inference too, in place of each sample.
struct BatchMean {
  static constexpr const char* name = "batch_mean";
  template <class T, class D>
  class Layer;
};
template <class T, class D>
class BatchMean::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const BatchMean&, const Shape& input, Setup<T, D>& setup)
      : output_{input}, mean_{setup.keep({input.back()})}, variance_{setup.keep({input.back()})} {
    setup.scratch(ops::norm_scratch(input.back()));
  }
  Shape output_shape() const override { return output_; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    ops::moments(x, step.kept(mean_), step.kept(variance_), step.scratch());
    ops::map(
        y, [](T, T mean) { return mean; }, x, TensorView<const T, D>{step.kept(mean_)});
  }
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>&, Batch<T, D>*, Step<T, D>&) const override {}

 private:
  Shape output_;
  Kept mean_, variance_;
};

template <class T>
void compare_predictions(Sequential<T> model) {
  const Shape shape = model.input_shape();
  auto numbers = support::numbers<T>({40, shape.size()}, 5);
  auto parameters = support::numbers<T>(Shape{model.parameters().trainable_count()}, 7, 0.3, 0.1);
  ops::copy(std::as_const(parameters).view(), model.parameters().trainable());
  auto state = support::numbers<T>(Shape{model.parameters().state().size()}, 9, 0.4, 0.6);
  ops::copy(std::as_const(state).view(), model.parameters().state());
  const Tensor<T> many = model.predict(TensorView<const T>{numbers.data(), shape.prepend(40)});
  const Index outputs = model.output_shape().size();
  for (Index count = 1; count <= 6; ++count) {
    const Tensor<T> few = model.predict(TensorView<const T>{numbers.data(), shape.prepend(count)});
    Index different = 0;
    for (Index i = 0; i < count * outputs; ++i) different += !(few[i] == many[i]);
    INFO(count << " samples of " << shape.to_string() << " to " << model.output_shape().to_string());
    CHECK(different == 0);
  }
  const Tensor<T> again = model.predict(TensorView<const T>{numbers.data(), shape.prepend(40)});
  for (Index i = 0; i < 40 * outputs; ++i) REQUIRE(again[i] == many[i]);
}

}  // namespace

TEMPLATE_TEST_CASE("Few samples give the bits that they give among many", "[layers][few]", float, double) {
  using T = TestType;
  for (const int filters : {1, 3, 8, 16, 17, 31, 70})
    for (const Padding padding : {Padding::valid, Padding::same})
      for (const Size2D stride : {Size2D{1}, Size2D{2, 3}}) {
        const Conv2D conv{.filters = filters, .kernel = {3, 2}, .stride = stride, .padding = padding, .activation = Tanh{}};
        compare_predictions(Sequential<T>{Input{7, 13, 3}, conv});
        compare_predictions(Sequential<T>{Input{3, 2, 5}, conv, BatchNorm{}, Flatten{}, Dense{.units = filters}});
      }
  // Rows of a vector and more, with few outputs a pixel: those stand in the lanes, in whole tiles and in overlapping ones.
  for (const int filters : {1, 2, 3, 4, 5, 6, 7, 8, 9})
    for (const Index width : {15, 16, 17, 32, 35, 50})
      for (const Index channels : {1, 3}) {
        const Conv2D conv{.filters = filters, .kernel = {3, 4}, .padding = Padding::same, .activation = Tanh{}};
        compare_predictions(Sequential<T>{Input{5, width, channels}, conv});
        compare_predictions(Sequential<T>{Input{6, width + 1, channels},
                                          Conv2D{.filters = filters, .kernel = {3, 2}, .stride = {2, 1}, .use_bias = false},
                                          BatchNorm{}});
      }
  compare_predictions(Sequential<T>{Input{1}, Dense{.units = 1}});
  compare_predictions(Sequential<T>{Input{9}, Dense{.units = 5, .activation = Sigmoid{}, .use_bias = false},
                                    Dense{.units = 3, .activation = Softmax{}}});
  compare_predictions(
      Sequential<T>{Input{300}, Dense{.units = 300, .activation = ReLU{}}, Dropout{0.3}, Dense{.units = 19}, Softmax{}});
  compare_predictions(Sequential<T>{Input{1000}, Dense{.units = 301}});  // shared among threads
  compare_predictions(Sequential<T>{Input{2, 3, 5}, Softmax{}, LeakyReLU{}, Conv2D{.filters = 400, .kernel = 2}});
  compare_predictions(
      Sequential<T>{Input{12, 12, 40}, Conv2D{.filters = 32, .kernel = 5, .padding = Padding::same}});  // shared among threads
}

TEMPLATE_TEST_CASE("Pooling, normalising and joining few samples gives the same bits too", "[layers][few]", float, double) {
  using T = TestType;
  for (const Index channels : {1, 2, 3, 5, 7, 8, 9, 16, 19}) {
    for (const Padding padding : {Padding::valid, Padding::same}) {
      compare_predictions(Sequential<T>{Input{7, 6, channels}, AvgPool2D{.window = {3, 2}, .stride = 2, .padding = padding}});
      compare_predictions(Sequential<T>{Input{7, 6, channels}, MaxPool2D{.window = {3, 2}, .stride = 2, .padding = padding}});
    }
    compare_predictions(Sequential<T>{Input{4, 5, channels}, BatchNorm{}, GlobalAvgPool2D{}});
    compare_predictions(Sequential<T>{Input{4, 5, channels}, GlobalMaxPool2D{}, BatchNorm{}});
    const Conv2D conv{.filters = static_cast<int>(channels), .kernel = 3, .padding = Padding::same, .activation = ReLU{}};
    compare_predictions(Sequential<T>{Input{4, 5, channels}, Residual{conv, BatchNorm{}},
                                      Concatenate{conv, Block{}, Conv2D{.filters = 2, .kernel = 1}},
                                      Conv2D{.filters = 7, .kernel = 2}});
  }
}

TEMPLATE_TEST_CASE("Scaled bytes are the same numbers in few samples, in many, and in an ensemble", "[layers][few]", float,
                   double) {
  using T = TestType;
  Tensor<std::uint8_t> bytes{Shape{64, 9}};
  for (Index i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37);
  for (const auto& [scale, offset] : std::vector<std::pair<double, double>>{{1 / 255.0, 0}, {1 / 127.5, -1}}) {
    const Samples samples = Samples{bytes}.scaled(scale, offset);
    const Tensor<T> many = Sequential<T>{Input{9}, Flatten{}}.predict(samples);
    for (Index i = 0; i < 64; ++i) {
      const Tensor<T> one = Sequential<T>{Input{9}, Flatten{}}.predict(samples.take(i, 1));
      REQUIRE(std::equal(one.begin(), one.end(), many.begin() + 9 * i));
    }
    const Tensor<T> members = Ensemble<T>{3, Input{9}, Flatten{}}.predict(samples);
    for (Index member = 0; member < 3; ++member)
      CHECK(std::equal(many.begin(), many.end(), members.begin() + member * many.size()));
  }
}

TEMPLATE_TEST_CASE("A user's layer works on few samples as on many", "[layers][few]", float, double) {
  using T = TestType;
  compare_predictions(
      Sequential<T>{Input{5, 4, 3}, PReLU{}, Conv2D{.filters = 18, .kernel = 2}, PReLU{}, Flatten{}, PReLU{}, Dense{.units = 2}});
  compare_predictions(Sequential<T>{Input{5, 4, 3}, Noisy{}, Conv2D{.filters = 18, .kernel = 2}, Noisy{}});

  const auto numbers = support::numbers<T>({3, 12}, 4);
  const Sequential<T> mean{Input{2, 2, 3}, BatchMean{}};
  for (const Index count : {1, 2, 3}) {
    const Tensor<T> y = mean.predict(TensorView<const T>{numbers.data(), Shape{count, 2, 2, 3}});
    for (Index c = 0; c < 3; ++c) {
      double sum = 0;
      for (Index i = c; i < count * 12; i += 3) sum += static_cast<double>(numbers[i]);
      for (Index i = c; i < count * 12; i += 3)
        CHECK(static_cast<double>(y[i]) == Approx(sum / static_cast<double>(4 * count)).margin(1e-6));
    }
  }
}

TEST_CASE("A model that has predicted few samples evaluates and trains as before", "[layers][few]") {
  Sequential<float> model{Input{6}, Dense{.units = 9, .activation = Tanh{}}, Dense{.units = 3}};
  const auto numbers = support::numbers<float>({30, 6}, 2);
  Tensor<float> inputs{Shape{30, 6}};
  ops::copy(std::as_const(numbers).view(), inputs.view());
  Tensor<std::int32_t> labels{Shape{30}};
  for (Index i = 0; i < 30; ++i) labels[i] = static_cast<std::int32_t>(i % 3);
  const Dataset data{std::move(inputs), std::move(labels)};
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.1}};
  const double before = trainer.evaluate(data).loss;
  model.predict(TensorView<const float>{numbers.data(), Shape{1, 6}});
  CHECK(trainer.evaluate(data).loss == before);
}
