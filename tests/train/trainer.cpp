// SPDX-License-Identifier: MIT
#include <tarn/train/trainer.hpp>

#include <functional>

#include "../catch.hpp"
#include "problem.hpp"

using namespace tarn;
using namespace problem;

namespace {

struct StepSpy {
  std::function<void(const StepInfo&)> see;
  void on_step_end(const StepInfo& step) { see(step); }
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
