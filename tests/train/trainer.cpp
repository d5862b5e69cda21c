// SPDX-License-Identifier: MIT
#include <tarn/train/trainer.hpp>

#include <cstring>
#include <functional>
#include <sstream>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;

namespace {

const CategoricalCrossEntropy from_logits{.from_logits = true};

/// Points on the plane, class 1 above the diagonal, none near it.
Dataset separable(Index n, std::uint64_t seed) {
  Tensor<float> points{Shape{n, 2}};
  Tensor<std::int32_t> labels{Shape{n}};
  const Stream stream{seed, Purpose::initial_weights, 5};
  for (Index i = 0; i < n; ++i) {
    const float along = static_cast<float>(4 * stream.uniform(i, 0) - 2), above = i % 2 ? 1.0F : -1.0F;
    points[2 * i] = along - above * static_cast<float>(0.3 + stream.uniform(i, 1));
    points[2 * i + 1] = along + above * static_cast<float>(0.3 + stream.uniform(i, 2));
    labels[i] = static_cast<std::int32_t>(i % 2);
  }
  return {points, labels};
}

Sequential<float> small_model(std::uint64_t seed = 0) {
  auto model = support::model<float>(Input{2}, {Dense{.units = 6, .activation = Tanh{}}, Dense{.units = 2}});
  model.initialize(seed);
  return model;
}

/// Writes down what happens.
struct Recorder {
  std::vector<std::string>& log;
  std::string tag = "";
  void on_fit_begin(const FitInfo& info) {
    log.push_back(tag + "fit " + std::to_string(info.epochs) + " " + std::to_string(info.samples));
  }
  void on_epoch_begin(Index epoch) { log.push_back(tag + "epoch " + std::to_string(epoch)); }
  void on_step_end(const StepInfo& step) {
    log.push_back(tag + "step " + std::to_string(step.iteration) + " of " + std::to_string(step.batch));
  }
  void on_epoch_end(const EpochRecord& record) {
    log.push_back(tag + "end " + std::to_string(record.epoch) + " " + std::to_string(record.steps));
  }
  void on_fit_end(const History& history) { log.push_back(tag + "done " + std::to_string(history.epochs.size())); }
};

struct StepSpy {
  std::function<void(const StepInfo&)> see;
  void on_step_end(const StepInfo& step) { see(step); }
};

std::vector<double> weights_of(const Sequential<float>& model) {
  auto values = support::doubles(model.parameters().trainable());
  for (double value : support::doubles(model.parameters().state())) values.push_back(value);
  return values;
}

struct Grow {
  Index& size;
  void on_step_end(const StepInfo&) { size *= 2; }
};
struct StopAtOnce {
  Training on_step_end(const StepInfo&) const { return Training::stop; }
};

}  // namespace

TEST_CASE("A separable problem is learnt without a mistake", "[train][trainer]") {
  const Dataset train = separable(200, 1), test = separable(100, 2);
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.2, .momentum = 0.9}};
  const History history = trainer.fit(train, {.epochs = 15, .batch_size = 16, .validation = &test});
  CHECK(history.epochs.back().training.accuracy == 1.0);
  CHECK(history.epochs.back().validation->accuracy == 1.0);
  CHECK(history.epochs.back().training.loss < history.epochs.front().training.loss / 5);
  CHECK(trainer.evaluate(test).loss == history.epochs.back().validation->loss);
}

TEST_CASE("An update on one batch is the one worked by hand", "[train][trainer]") {
  // Zero weights: p = 1/2 each, dz = (p - t) / 2 for two samples, dW = x^T dz.
  auto model = support::model<double>(Input{1}, {Dense{.units = 2, .kernel_initializer = Zeros{}}});
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.5}};
  const Metrics metrics = trainer.train_on_batch({Tensor<double>{{2, 1}, {1, 3}}, Tensor<std::int32_t>{{2}, {0, 1}}});
  CHECK(metrics.loss == Approx(std::log(2)));
  CHECK(metrics.samples == 2);
  CHECK(metrics.accuracy == 0.5);
  CHECK(support::doubles(trainer.gradients()) == std::vector<double>{-0.25 + 0.75, 0.25 - 0.75, 0, 0});
  CHECK(support::doubles(model.weights("dense/kernel")) == std::vector<double>{-0.25, 0.25});
  CHECK(trainer.iterations() == 1);
}

TEST_CASE("Targets may be labels or one-hot vectors, with the same result", "[train][trainer]") {
  const Dataset labelled = separable(50, 3);
  Tensor<float> one_hot{Shape{50, 2}};
  for (Index i = 0; i < 50; ++i) one_hot[2 * i + i % 2] = 1;
  auto a = small_model(), b = small_model();
  Trainer with_labels{a, from_logits, SGD{.learning_rate = 0.1}}, with_vectors{b, from_logits, SGD{.learning_rate = 0.1}};
  const auto first = with_labels.fit(labelled, {.epochs = 2, .batch_size = 16, .validation = &labelled});
  const Dataset vectors{labelled.inputs, one_hot};
  const auto second = with_vectors.fit(vectors, {.epochs = 2, .batch_size = 16, .validation = &vectors});
  CHECK(weights_of(a) == weights_of(b));
  CHECK(first.epochs[1].training.loss == second.epochs[1].training.loss);
  CHECK(first.epochs[1].validation->accuracy == second.epochs[1].validation->accuracy);
}

TEST_CASE("Training metrics are running means weighted by the size of the batch", "[train][trainer]") {
  const Dataset data = separable(37, 4);
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1}};
  double sum = 0, last_running = 0;
  Index samples = 0, steps = 0;
  std::vector<Index> sizes;
  const auto history =
      trainer.fit(data, {.batch_size = 16, .callbacks = {StepSpy{[&](const StepInfo& step) {
                                             sum += step.loss * static_cast<double>(step.batch);
                                             samples += step.batch;
                                             sizes.push_back(step.batch);
                                             last_running = step.running.loss;
                                             ++steps;
                                             CHECK(step.running.samples == samples);
                                             CHECK(step.running.loss == Approx(sum / static_cast<double>(samples)));
                                             CHECK(step.learning_rate == 0.1);
                                             CHECK(step.epoch == 1);
                                             CHECK(step.iteration == steps - 1);
                                           }}}});
  CHECK(sizes == std::vector<Index>{16, 16, 5});  // the last short batch is kept
  const EpochRecord& record = history.epochs.at(0);
  CHECK(history.epochs.size() == 1);
  CHECK(record.training.loss == last_running);
  CHECK(record.training.samples == 37);
  CHECK(record.steps == 3);
  CHECK(record.epoch == 1);
  CHECK(record.learning_rate == 0.1);
  CHECK(record.seconds >= 0);
  CHECK_FALSE(record.validation.has_value());
}

TEST_CASE("With rate zero the epoch's training metrics are those of evaluate", "[train][trainer]") {
  const Dataset data = separable(700, 5);
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.0}};
  const auto history = trainer.fit(data, {.batch_size = 48});
  const Metrics metrics = trainer.evaluate(data);
  CHECK(history.epochs[0].training.loss == Approx(metrics.loss).epsilon(1e-6));
  CHECK(history.epochs[0].training.accuracy == metrics.accuracy);
  CHECK(metrics.samples == 700);
}

TEST_CASE("Evaluate sees what predict gives", "[train][trainer]") {
  const Dataset data = separable(300, 6);
  const auto model_seed = 9;
  auto model = small_model(model_seed);
  const Trainer trainer{model, from_logits, SGD{}};
  const Tensor<float> logits = model.predict(data.inputs);
  double loss = 0;
  Index correct = 0;
  for (Index i = 0; i < 300; ++i) {
    const double a = logits[2 * i], b = logits[2 * i + 1], label = static_cast<double>(i % 2);
    loss += std::log(std::exp(a) + std::exp(b)) - (label == 0 ? a : b);
    correct += (b > a) == (label == 1);
  }
  CHECK(trainer.evaluate(data).loss == Approx(loss / 300).epsilon(1e-6));
  CHECK(trainer.evaluate(data).accuracy == static_cast<double>(correct) / 300);
}

TEST_CASE("Validation runs in inference mode", "[train][trainer]") {
  const Dataset train = separable(64, 7), test = separable(64, 8);
  auto model = support::model<float>(Input{2}, {BatchNorm{}, Dropout{0.5}, Dense{.units = 2}});
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.0}};
  const auto history = trainer.fit(train, {.epochs = 1, .batch_size = 64, .validation = &test});
  CHECK(history.epochs[0].validation->loss == trainer.evaluate(test).loss);
  const auto state = support::doubles(model.parameters().state());
  const double loss = trainer.evaluate(test).loss;
  CHECK(trainer.evaluate(test).loss == loss);                    // no dropout
  CHECK(support::doubles(model.parameters().state()) == state);  // no moving of statistics
  CHECK(model.weights("batch_norm/moving_variance")[0] != 1);    // which the training step did move
}

TEST_CASE("The order of samples changes with epoch and seed alone", "[train][trainer]") {
  // One sample a step: the step's loss tells which one it was.
  const Dataset data = separable(20, 9);
  const auto order = [&](std::uint64_t seed, bool shuffle) {
    auto model = small_model();
    Trainer trainer{model, from_logits, SGD{.learning_rate = 0.0}, {.seed = seed}};
    std::vector<std::vector<double>> epochs(2);
    trainer.fit(data,
                {.epochs = 2, .batch_size = 1, .shuffle = shuffle, .callbacks = {StepSpy{[&](const StepInfo& step) {
                                                                     epochs[static_cast<std::size_t>(step.epoch - 1)].push_back(
                                                                         step.loss);
                                                                   }}}});
    return epochs;
  };
  const auto stored = order(1, false), first = order(1, true), again = order(1, true), other = order(2, true);
  CHECK(stored[0] == stored[1]);
  CHECK(first == again);
  CHECK(first[0] != stored[0]);
  CHECK(first[0] != first[1]);
  CHECK(first[0] != other[0]);
  auto sorted = first[1], all = stored[0];
  std::sort(sorted.begin(), sorted.end());
  std::sort(all.begin(), all.end());
  CHECK(sorted == all);  // every sample once
}

TEST_CASE("Two fits of one epoch are one fit of two", "[train][trainer]") {
  const Dataset data = separable(50, 10);
  const std::vector<support::AnySpec> specs{Dense{.units = 5, .activation = Tanh{}}, Dropout{0.3}, BatchNorm{},
                                            Dense{.units = 2}};
  auto a = support::model<float>(Input{2}, specs), b = a;
  const SGD sgd{.learning_rate = [](Index i) { return 0.1 / static_cast<double>(1 + i); }, .momentum = 0.5};
  Trainer once{a, from_logits, sgd, {.seed = 3}}, twice{b, from_logits, sgd, {.seed = 3}};
  once.fit(data, {.epochs = 2, .batch_size = 16});
  twice.fit(data, {.epochs = 1, .batch_size = 16});
  twice.fit(data, {.epochs = 1, .batch_size = 16});
  CHECK(weights_of(a) == weights_of(b));
  CHECK(twice.iterations() == 8);
}

TEST_CASE("Callbacks are called in order", "[train][callbacks]") {
  const Dataset data = separable(20, 11);
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{}};
  std::vector<std::string> log;
  trainer.fit(data, {.epochs = 2, .batch_size = 16, .callbacks = {Recorder{log}, Recorder{log, "second "}}});
  CHECK(log == std::vector<std::string>{"fit 2 20",     "second fit 2 20",     "epoch 1",     "second epoch 1",
                                        "step 0 of 16", "second step 0 of 16", "step 1 of 4", "second step 1 of 4",
                                        "end 1 2",      "second end 1 2",      "epoch 2",     "second epoch 2",
                                        "step 2 of 16", "second step 2 of 16", "step 3 of 4", "second step 3 of 4",
                                        "end 2 2",      "second end 2 2",      "done 2",      "second done 2"});
}

TEST_CASE("A callback stops the training after a step or an epoch", "[train][callbacks]") {
  struct StopAtStep {
    Index last;
    Training on_step_end(const StepInfo& step) { return step.iteration == last ? Training::stop : Training::go_on; }
  };
  struct StopAtEpoch {
    Training on_epoch_end(const EpochRecord& record) { return record.epoch == 2 ? Training::stop : Training::go_on; }
  };
  const Dataset data = separable(20, 12);
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{}};
  std::vector<std::string> log;
  auto history = trainer.fit(data, {.epochs = 5, .batch_size = 4, .callbacks = {StopAtStep{1}, Recorder{log}}});
  CHECK(trainer.iterations() == 2);
  CHECK(history.epochs.size() == 1);
  CHECK(history.epochs[0].steps == 2);
  CHECK(history.epochs[0].training.samples == 8);
  CHECK(log == std::vector<std::string>{"fit 5 20", "epoch 1", "step 0 of 4", "step 1 of 4", "end 1 2", "done 1"});
  history = trainer.fit(data, {.epochs = 5, .batch_size = 4, .callbacks = {StopAtEpoch{}}});
  CHECK(history.epochs.size() == 2);
}

TEST_CASE("A callback can be referred to, and keeps its state there", "[train][callbacks]") {
  struct Counter {
    int steps = 0;
    void on_step_end(const StepInfo&) { ++steps; }
  };
  const Dataset data = separable(20, 13);
  auto model = small_model();
  Trainer trainer{model, from_logits, SGD{}};
  Counter counted, copied;
  trainer.fit(data, {.batch_size = 5, .callbacks = {std::ref(counted), copied}});
  CHECK(counted.steps == 4);
  CHECK(copied.steps == 0);
}

TEST_CASE("Schedules are asked with iteration 0, 1, 2 and so on across epochs", "[train][trainer]") {
  const Dataset data = separable(20, 14);
  auto model = small_model();
  std::vector<Index> asked;
  Trainer trainer{model, from_logits, SGD{.learning_rate = [&](Index i) {
                    asked.push_back(i);
                    return 0.01 * static_cast<double>(i);
                  }}};
  std::vector<double> rates;
  std::vector<Index> sizes;
  const auto history = trainer.fit(
      data, {.epochs = 2, .batch_size = [](Index i) { return 3 + i; }, .callbacks = {StepSpy{[&](const StepInfo& step) {
                                                                         rates.push_back(step.learning_rate);
                                                                         sizes.push_back(step.batch);
                                                                       }}}});
  CHECK(asked == std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(sizes == std::vector<Index>{3, 4, 5, 6, 2, 8, 9, 3});
  CHECK(rates.back() == 0.07);
  CHECK(history.epochs[0].learning_rate == 0.04);
  CHECK(history.epochs[1].steps == 3);
}

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
