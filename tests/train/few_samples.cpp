// SPDX-License-Identifier: MIT
// The trainer takes few samples one after another, and those that fill half of the widest vectors in narrower ones: from the size of
// a batch alone.
#include <algorithm>
#include <cmath>
#include <limits>

#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../support/models.hpp"

using namespace tarn;

namespace {

const std::vector<support::AnySpec> few_network{Conv2D{.filters = 5, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
                                                MaxPool2D{2},
                                                Conv2D{.filters = 18, .kernel = 3, .activation = ReLU{}},
                                                Dropout{0.3},
                                                Flatten{},
                                                Dense{.units = 10}};

template <class T>
double weight_distance(const Sequential<T>& a, const Sequential<T>& b) {
  double largest = 0, worst = 0;
  for (Index i = 0; i < a.parameters().trainable_count(); ++i) {
    const double x = static_cast<double>(a.parameters().trainable()[i]), y = static_cast<double>(b.parameters().trainable()[i]);
    largest = std::max(largest, std::abs(x));
    if (!(std::abs(x - y) <= worst)) worst = std::abs(x - y);
  }
  return worst / largest;
}

}  // namespace

TEMPLATE_TEST_CASE("A step on few samples, or on half a group, changes the weights as it does among samples that do not count",
                   "[trainer][few]", float, double) {
  using T = TestType;
  const Dataset data = support::byte_images(64, 12, 1);
  for (Index count = 1; count <= cpu::lanes<T>() / 2; ++count) {
    auto few = support::model<T>(Input{12, 12, 1}, few_network), many = few;
    const CategoricalCrossEntropy loss{.from_logits = true, .reduction = Reduction::sum};
    Trainer a{few, loss, SGD{.learning_rate = 0.1}}, b{many, loss, SGD{.learning_rate = 0.1}};
    SampleWeights weights(64, 0.0);
    std::fill_n(weights.begin(), count, 1.0);
    for (int step = 0; step < 3; ++step) {
      const Metrics found = a.train_on_batch(data.take(0, count)), expected = b.train_on_batch(data, weights);
      CHECK(found.loss * static_cast<double>(count) == Approx(expected.loss * 64).epsilon(1e-5));
    }
    INFO(count << " samples");
    CHECK(weight_distance(many, few) < (sizeof(T) == 4 ? 1e-5 : 1e-12));
  }
}

TEMPLATE_TEST_CASE("Batches of few samples and of many take turns, with the same bits for any number of threads",
                   "[trainer][few]", float, double) {
  using T = TestType;
  const Dataset data = support::byte_images(150, 12, 1);
  std::vector<Sequential<T>> found;
  for (const int threads : {1, 2, 3, 8}) {
    const support::Threads scope{threads};
    found.push_back(support::model<T>(Input{12, 12, 1}, support::small_lenet()));
    Trainer trainer{found.back(), support::from_logits, Adam{.learning_rate = 0.01}};
    const History history = trainer.fit(data, {.epochs = 3, .batch_size = [](Index i) { return 1 + i * 7 % 20; }});
    CHECK(history.epochs.back().training.loss < history.epochs.front().training.loss);
    CHECK(weight_distance(found.front(), found.back()) == 0);
  }
}

TEMPLATE_TEST_CASE("Half a group is trained on as in a process of narrower vectors, among other batches too", "[trainer][few]",
                   float, double) {
  using T = TestType;
  if (cpu::instruction_set() != cpu::InstructionSet::v4) return;
  const Index half = cpu::lanes<T>() / 2;
  CHECK(step_instruction_set<T>(half) == cpu::InstructionSet::v3);
  CHECK(step_instruction_set<T>(half + 1) == cpu::InstructionSet::v4);
  CHECK(step_instruction_set<T>(few_samples<T>()) == cpu::InstructionSet::v4);
  const Dataset data = support::byte_images(150, 12, 1);
  for (const auto& network : {support::small_lenet(), few_network}) {
    auto model = support::model<T>(Input{12, 12, 1}, network), narrow = model;
    Trainer a{model, support::from_logits, Adam{}};
    {
      const cpu::UseInstructionSet use{cpu::InstructionSet::v3};
      Trainer b{narrow, support::from_logits, Adam{}};
      for (Index i = 0; i < 5; ++i) b.train_on_batch(data.take(i * half, half));
    }
    for (Index i = 0; i < 5; ++i) a.train_on_batch(data.take(i * half, half));
    CHECK(weight_distance(narrow, model) == 0);
  }
  // After batches of any other size, the same as with a trainer that knows none.
  auto one =
           support::model<T>(Input{12, 12, 1}, {Conv2D{.filters = 5, .kernel = 3, .activation = Tanh{}}, BatchNorm{},
                                                AvgPool2D{2}, Conv2D{.filters = 18, .kernel = 3}, Flatten{}, Dense{.units = 10}}),
       several = one;
  Trainer a{one, support::from_logits, SGD{}};
  for (const Index count : {half, Index{1}, half, 3 * half, few_samples<T>(), half, 2 * half}) {
    a.train_on_batch(data.take(0, count));
    Trainer{several, support::from_logits, SGD{}}.train_on_batch(data.take(0, count));
    CHECK(weight_distance(several, one) == 0);
    CHECK(a.evaluate(data).loss == Trainer{several, support::from_logits, SGD{}}.evaluate(data).loss);
  }
}

TEST_CASE("Inside a step on half a group other models predict as ever", "[trainer][few]") {
  if (cpu::instruction_set() != cpu::InstructionSet::v4) return;
  const auto inner = support::model<float>(Input{12, 12, 1}, support::small_lenet());
  const auto images = support::numbers<float>({40, 12, 12, 1}, 3);
  const auto first = [&](Index count) { return TensorView<const float>{images.data(), {count, 12, 12, 1}}; };
  const Tensor<float> expected = inner.predict(first(40));
  const auto check = [&](const Sequential<float>& model, Index count) {
    const Tensor<float> found = model.predict(first(count));
    double worst = 0;
    for (Index i = 0; i < found.size(); ++i) worst = std::max(worst, static_cast<double>(std::abs(found[i] - expected[i])));
    CHECK(worst < 1e-5);
  };
  const Sequential<float> copy = inner;  // with no memory yet
  {
    const cpu::UseInstructionSet use{cpu::InstructionSet::v3};  // as a step has it
    for (const Index count : {1, 8, 40}) check(copy, count);
  }
  for (const Index count : {8, 1, 40}) check(copy, count);
  const Sequential<float> another = inner;
  {
    const cpu::UseInstructionSet use{cpu::InstructionSet::v3};
    check(another, 8);
  }
  check(another, 8);
}

TEST_CASE("A network learns one sample at a time", "[trainer][few]") {
  const Dataset data = support::byte_images(10, 12, 1);
  auto model = support::model<float>(Input{12, 12, 1}, {Flatten{}, Dense{.units = 20, .activation = Tanh{}}, Dense{.units = 10}});
  Profile profile;
  Trainer trainer{model, support::from_logits, SGD{.learning_rate = 0.05}, {.profile = &profile}};
  trainer.fit(data, {.epochs = 60, .batch_size = 1});
  CHECK(trainer.evaluate(data).accuracy == 1);
  CHECK(profile.table().find("dense_1") != std::string::npos);
}

TEST_CASE("A single sample can be looked into", "[trainer][few][diagnosis]") {
  const Dataset data = support::byte_images(4, 12, 1);
  auto model = support::model<float>(
      Input{12, 12, 1}, {Conv2D{.filters = 5, .kernel = 3, .activation = Tanh{}}, AvgPool2D{2}, Flatten{}, Dense{.units = 10}});
  const auto before = model;
  Trainer trainer{model, support::from_logits, SGD{.learning_rate = 0.05}};
  const auto found = trainer.diagnose(data.take(2, 1), {.keep_values = true});
  CHECK(weight_distance(before, model) == 0);
  const Tensor<float> y = model.outputs("conv2d", data.inputs.take(2, 1));
  const auto& values = found.layer("conv2d").activation_values;
  REQUIRE(values.size() == y.size());
  CHECK(std::equal(y.begin(), y.end(), values.begin()));
  CHECK(found.layer("conv2d").gradients.deviation > 0);
  CHECK(found.parameter("conv2d/kernel").gradient_norm > 0);
}

TEST_CASE("A sample that is not finite stops a step of its own, and is named", "[trainer][few]") {
  Tensor<float> inputs{Shape{1, 6}};
  inputs[3] = std::numeric_limits<float>::quiet_NaN();
  const Dataset data{inputs, Tensor<std::int32_t>{Shape{1}}};
  auto model = support::model<float>(Input{6}, {Dense{.units = 3}});
  const auto before = model;
  Trainer trainer{model, support::from_logits, SGD{.learning_rate = 0.05}};
  CHECK_THROWS_WITH(trainer.train_on_batch(data), Catch::Contains("first not finite: the input of the model"));
  CHECK(weight_distance(before, model) == 0);
}
