// SPDX-License-Identifier: MIT
// What a trainer refuses, what it stops at, and runs of an odd kind.
#include <cstring>
#include <limits>
#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "problem.hpp"

using namespace tarn;
using namespace problem;
using support::error_of;

namespace {

struct Grow {
  Index& size;
  void on_step_end(const StepInfo&) { size *= 2; }
};
struct StopAtOnce {
  Training on_step_end(const StepInfo&) const { return Training::stop; }
};

}  // namespace

TEST_CASE("Data that do not fit are refused before anything happens", "[train][trainer]") {
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{}};
  const Dataset good = separable(20, 15);
  const auto before = weights_of(model);
  std::vector<std::string> log;
  const auto fit = [&](const Dataset& data, FitOptions options = {}) {
    options.callbacks.push_back(Recorder{log});
    return [&trainer, &data, options] { trainer.fit(data, options); };
  };
  const Dataset empty{Tensor<float>{Shape{0, 2}}, Tensor<std::int32_t>{Shape{0}}};
  const Dataset wide{Tensor<float>{Shape{4, 3}}, Tensor<std::int32_t>{Shape{4}}};
  const Dataset floating{Tensor<float>{Shape{4, 2}}, Tensor<float>{Shape{4}}};
  Dataset unequal = good;
  unequal.targets = Tensor<std::int32_t>{Shape{19}};

  CHECK(error_of<ArgumentError>(fit(empty)) == "fit: the data set is empty");
  CHECK(error_of<ArgumentError>([&] { trainer.evaluate(empty); }) == "evaluate: the data set is empty");
  CHECK(error_of<ArgumentError>([&] { trainer.train_on_batch(empty); }) == "train_on_batch: the data set is empty");
  CHECK(error_of<ArgumentError>(fit(good, {.validation = &empty})) == "fit: validation: the data set is empty");
  CHECK(error_of<ShapeError>(fit(wide)) == "fit: inputs are [4, 3], expected [n, 2]");
  CHECK(error_of<ShapeError>([&] { trainer.evaluate(wide); }) == "evaluate: inputs are [4, 3], expected [n, 2]");
  CHECK(error_of<ShapeError>(fit(good, {.validation = &wide})) == "fit: validation: inputs are [4, 3], expected [n, 2]");
  CHECK(error_of<ShapeError>(fit(unequal)) == "fit: 20 inputs and 19 targets");
  CHECK(error_of<ShapeError>(fit(floating)) ==
        "CategoricalCrossEntropy: targets are [4] of floating point, expected integer labels [n] or vectors [n, 2]");
  CHECK(error_of<ArgumentError>(fit(good, {.epochs = 0})) == "fit: epochs is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(fit(good, {.epochs = -3})) == "fit: epochs is -3, expected at least 1");
  CHECK(error_of<ArgumentError>(fit(good, {.batch_size = 0})) == "batch size: 0 at iteration 0, expected at least 1");
  CHECK(error_of<ArgumentError>(fit(good, {.batch_size = [](Index i) { return 4 - i; }})) ==
        "batch size: 0 at iteration 4, expected at least 1");
  CHECK(log.empty());
  CHECK(trainer.iterations() == 0);
  CHECK(weights_of(model) == before);
}

TEST_CASE("A label that is no class is named with its sample", "[train][trainer]") {
  auto model = support::model<float>(Input{2}, {BatchNorm{}, Dense{.units = 2}});
  Trainer trainer{model, from_logits, SGD{}};
  const auto before = weights_of(model);
  const Dataset above{Tensor<float>{{2, 2}, {1, 2, 3, 4}}, Tensor<std::int32_t>{{2}, {1, 2}}};
  const Dataset below{Tensor<float>{{2, 2}, {1, 2, 3, 4}}, Tensor<std::int32_t>{{2}, {-1, 0}}};
  CHECK(error_of<ArgumentError>([&] { trainer.fit(above, {}); }) == "fit: label 2 of sample 1, expected 0 to 1");
  CHECK(error_of<ArgumentError>([&] { trainer.train_on_batch(below); }) ==
        "train_on_batch: label -1 of sample 0, expected 0 to 1");
  CHECK(error_of<ArgumentError>([&] { trainer.evaluate(above); }) == "evaluate: label 2 of sample 1, expected 0 to 1");
  CHECK(weights_of(model) == before);
}

TEST_CASE("Training stops at what is not finite and names step, layer and tensor", "[train][trainer][finite]") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  auto model = support::model<float>(Input{2}, {BatchNorm{}, Dense{.units = 3, .activation = Tanh{}}, Dense{.units = 2}});
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1, .momentum = 0.9}};
  const Dataset good = separable(12, 16);
  trainer.fit(good, {.batch_size = 6});
  const auto stopped = [&](const Dataset& data) {
    const auto before = weights_of(model);
    const Index iterations = trainer.iterations();
    const std::string message = error_of<StateError>([&] { trainer.train_on_batch(data); });
    CHECK(trainer.iterations() == iterations);
    const auto after = weights_of(model);
    CHECK(std::memcmp(before.data(), after.data(), before.size() * sizeof(double)) == 0);  // moving statistics too
    return message;
  };
  const Dataset spoilt{Tensor<float>{{2, 2}, {1, 2, nan, 4}}, Tensor<std::int32_t>{{2}, {0, 1}}};
  CHECK(stopped(spoilt).find("step 2: the loss is ") == 0);
  CHECK(stopped(spoilt).find("; first not finite: the input of the model") != std::string::npos);

  auto kernel = model.weights("dense_1/kernel");
  const float kept = kernel[3];
  kernel[3] = inf;
  CHECK(stopped(good).find("; first not finite: dense_1/kernel") != std::string::npos);
  kernel[3] = kept;
  trainer.train_on_batch(good);  // goes on

  // Finite input and weights, an activation that overflows: blamed on the layer, not on the statistics behind it.
  auto deep = support::model<float>(Input{1}, {Dense{.units = 1, .kernel_initializer = Ones{}}, Dense{.units = 2}, BatchNorm{}});
  deep.weights("dense/kernel")[0] = 1e30F;
  Trainer other{deep, from_logits, SGD{}};
  const Dataset huge{Tensor<float>{{2, 1}, {1e30F, 1}}, Tensor<std::int32_t>{{2}, {0, 1}}};
  const std::string message = error_of<StateError>([&] { other.train_on_batch(huge); });
  CHECK(message.find("step 0: the loss is ") == 0);
  CHECK(message.find("; first not finite: the output of layer 0 (dense)") != std::string::npos);
  CHECK(deep.weights("batch_norm/moving_mean")[0] == 0);
}

TEST_CASE("Training stops at a gradient that overflows, though the loss is finite", "[train][trainer][finite]") {
  auto model = support::model<float>(Input{1}, {Dense{.units = 1, .kernel_initializer = Zeros{}}, Dense{.units = 2}});
  model.weights("dense_1/kernel")[0] = 1e30F;
  Trainer trainer{model, from_logits, SGD{}};
  const auto before = weights_of(model);
  const Dataset data{Tensor<float>{{1, 1}, {1e20F}}, Tensor<std::int32_t>{{1}, {0}}};
  CHECK(error_of<StateError>([&] { trainer.fit(data, {}); }) == "step 0: first not finite: the gradient of dense/kernel");
  CHECK(weights_of(model) == before);
}

TEST_CASE("Of several gradients that are not finite the first on the way back is named", "[train][trainer][finite]") {
  auto model = support::model<float>(Input{1}, {Dense{.units = 1}, Dense{.units = 1}, Dense{.units = 2}});
  model.weights("dense/kernel")[0] = 1e-3F;
  model.weights("dense_1/kernel")[0] = 1e-37F;
  model.weights("dense_2/kernel")[0] = 3e38F;
  model.weights("dense_2/kernel")[1] = -3e38F;
  Trainer trainer{model, from_logits, SGD{}};
  const Dataset data{Tensor<float>{{1, 1}, {1e4F}}, Tensor<std::int32_t>{{1}, {1}}};
  CHECK(error_of<StateError>([&] { trainer.fit(data, {}); }) == "step 0: first not finite: the gradient of dense_1/bias");
}

TEST_CASE("Targets that are not finite are named", "[train][trainer][finite]") {
  auto model = support::model<float>(Input{1}, {Dense{.units = 2}});
  Trainer trainer{model, from_logits, SGD{}};
  const Dataset data{Tensor<float>{{1, 1}, {1}}, Tensor<float>{{1, 2}, {1, std::numeric_limits<float>::quiet_NaN()}}};
  CHECK(error_of<StateError>([&] { trainer.fit(data, {}); }) == "step 0: the loss is nan; first not finite: the targets");
}

TEST_CASE("A schedule that changes its mind gets the memory it asks for", "[train][trainer]") {
  auto model = support::model<float>(Input{2}, {Dense{.units = 2}});
  Trainer trainer{model, from_logits, SGD{}};
  Index size = 4;
  const auto history =
      trainer.fit(separable(200, 3), {.epochs = 2, .batch_size = [&](Index) { return size; }, .callbacks = {Grow{size}}});
  CHECK(history.epochs.back().training.samples == 200);
}

TEST_CASE("A very long run begins at once", "[train][trainer]") {
  auto model = support::model<float>(Input{2}, {Dense{.units = 2}});
  Trainer trainer{model, from_logits, SGD{}};
  const auto one = [](Index) { return 1; };
  trainer.fit(separable(200, 3), {.epochs = 1'000'000'000, .batch_size = one, .callbacks = {StopAtOnce{}}});
  trainer.fit(separable(200, 3), {.epochs = 1'000'000'000, .batch_size = 1, .callbacks = {StopAtOnce{}}});
  CHECK(trainer.iterations() == 2);
}

TEST_CASE("A rate out of range stops before anything has changed", "[train][trainer]") {
  auto model = support::model<float>(Input{2}, {BatchNorm{}, Dense{.units = 2}});
  const auto before = weights_of(model);
  Trainer trainer{model, from_logits, SGD{.learning_rate = -1e-9}};
  CHECK(error_of<ArgumentError>([&] { trainer.fit(separable(20, 3), {}); }) ==
        "learning rate: -1e-09 at iteration 0, expected at least 0 and finite");
  CHECK(weights_of(model) == before);
}

TEST_CASE("A trainer notices that its model has other layers now", "[train][trainer]") {
  auto model = support::model<float>(Input{2}, {Dense{.units = 2}});
  auto same = model;
  Trainer trainer{model, from_logits, SGD{}};
  model = same;  // other weights, same layers
  trainer.fit(separable(20, 3), {});
  model = support::model<float>(Input{2}, {Dense{.units = 20}, Dense{.units = 2}});
  CHECK(error_of<StateError>([&] { trainer.fit(separable(20, 3), {}); }) ==
        "fit: the model was replaced by one of other layers since the trainer was made; make a new trainer");
}
