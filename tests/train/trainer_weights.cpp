// SPDX-License-Identifier: MIT
// Weights of samples and classes, frozen layers, metrics of one's own choice.
#include <cstring>
#include <tarn/losses/mean_absolute_error.hpp>
#include <tarn/losses/mean_squared_error.hpp>
#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::from_logits;

namespace {

using WideModel = Sequential<double>;

Dataset some(Index n, std::uint64_t seed = 1) {
  Tensor<std::int32_t> labels{Shape{n}};
  for (Index i = 0; i < n; ++i) labels[i] = static_cast<std::int32_t>((i * i + i / 3) % 3);
  return {support::numbers<double>({n, 4}, seed), labels};
}
/// The samples at these rows, in order.
Dataset rows_of(const Dataset& data, const std::vector<Index>& rows) {
  Tensor<double> x{data.inputs.sample().prepend(static_cast<Index>(rows.size()))};
  Tensor<std::int32_t> labels{Shape{static_cast<Index>(rows.size())}};
  const Index size = data.inputs.sample().size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (Index k = 0; k < size; ++k) x[static_cast<Index>(i) * size + k] = data.inputs.at(rows[i] * size + k);
    labels[static_cast<Index>(i)] = static_cast<std::int32_t>(data.targets.at(rows[i]));
  }
  return {x, labels};
}
WideModel small() { return support::model<double>(Input{4}, {Dense{.units = 5, .activation = Tanh{}}, Dense{.units = 3}}); }

/// The gradient of one batch, and its loss as the last element, both times the number of samples.
std::vector<double> sums_of(WideModel model, const Dataset& batch, const SampleWeights& weights = {}) {
  Trainer trainer{model, from_logits, SGD{}};
  const double loss = trainer.train_on_batch(batch, weights).loss;
  std::vector<double> sums = support::doubles(trainer.gradients());
  sums.push_back(loss);
  for (double& value : sums) value *= static_cast<double>(batch.size());
  return sums;
}

template <class View>
std::vector<double> copied(const View& values) {
  return support::doubles(values);
}

}  // namespace

TEST_CASE("A sample of weight 2 counts like two, one of weight 0 not at all", "[train][trainer][weights]") {
  const Dataset data = some(5);
  const auto weighted = sums_of(small(), data, {2, 0, 1, 3, 0});
  CHECK(support::relative_error(weighted, sums_of(small(), rows_of(data, {0, 0, 2, 3, 3, 3}))) < 1e-14);
  CHECK(sums_of(small(), data, {1, 1, 1, 1, 1}) == sums_of(small(), data));
  const auto nothing = sums_of(small(), data, {0, 0, 0, 0, 0});
  CHECK(std::all_of(nothing.begin(), nothing.end(), [](double value) { return value == 0; }));
}

TEST_CASE("Weights of classes are those of their samples, and multiply", "[train][trainer][weights]") {
  const Dataset data = some(23);
  const std::vector<double> classes{0.5, 2, 0};
  std::vector<double> samples, products;
  for (Index i = 0; i < 23; ++i) {
    samples.push_back(1 + static_cast<double>(i % 4));
    products.push_back(samples.back() * classes[static_cast<std::size_t>(data.targets.at(i))]);
  }
  auto a = small(), b = small();
  Trainer by_class{a, from_logits, SGD{.learning_rate = 0.1}}, by_sample{b, from_logits, SGD{.learning_rate = 0.1}};
  const auto first = by_class.fit(
      data, {.epochs = 2, .batch_size = 7, .validation = &data, .sample_weights = samples, .class_weights = classes});
  const auto second = by_sample.fit(data, {.epochs = 2, .batch_size = 7, .validation = &data, .sample_weights = products});
  CHECK(copied(a.parameters().trainable()) == copied(b.parameters().trainable()));
  CHECK(first.epochs[1].training.loss == second.epochs[1].training.loss);
  CHECK(first.epochs[1].validation->loss == by_class.evaluate(data).loss);  // validation counts all alike
}

TEST_CASE("The weighted loss is its sum over samples divided by their number, accuracy counts all alike",
          "[train][trainer][weights]") {
  auto model = support::model<double>(Input{1}, {Dense{.units = 1, .kernel_initializer = Zeros{}}});
  Trainer trainer{model, MeanSquaredError{}, SGD{.learning_rate = 0.5}};
  const Dataset data{Tensor<double>{{2, 1}, {1, 2}}, Tensor<double>{{2, 1}, {3, 1}}};
  CHECK(trainer.train_on_batch(data, {2, 4}).loss == (2 * 9 + 4 * 1) / 2.0);
  CHECK(copied(trainer.gradients()) ==
        std::vector<double>{-(2 * 2 * 3 * 1 + 4 * 2 * 1 * 2) / 2.0, -(2 * 2 * 3 + 4 * 2 * 1) / 2.0});
  auto classes = small();
  Trainer classifier{classes, from_logits, SGD{.learning_rate = 0.0}};
  const Dataset labelled = some(9);
  const Metrics plain = classifier.train_on_batch(labelled);
  CHECK(classifier.train_on_batch(labelled, {9, 0, 1, 2, 3, 4, 5, 6, 0}).accuracy == plain.accuracy);
  CHECK(error_of<ArgumentError>([&] {
          classifier.train_on_batch(labelled, {1, 2});
        }) == "train_on_batch: 2 sample weights for 9 samples");
  CHECK(error_of<ArgumentError>([&] {
          classifier.fit(labelled, {.class_weights = {1, 1}});
        }) == "fit: sample 4 is of class 2, but there are 2 class weights");
}

TEST_CASE("A weight that overflows the model's scalar is named", "[train][trainer][weights]") {
  auto model = support::model<float>(Input{4}, {Dense{.units = 3}});
  Trainer trainer{model, from_logits, SGD{}};
  const std::string message = error_of<StateError>([&] { trainer.train_on_batch(some(2), {1, 1e300}); });
  CHECK(message == "step 0: the loss is inf; first not finite: the sample weights");
}

TEST_CASE("Frozen layers keep their bits, the others train as with a rate of zero there", "[train][trainer][freeze]") {
  const std::vector<support::AnySpec> specs{Dense{.units = 5, .activation = Tanh{}}, BatchNorm{},
                                            Dense{.units = 4, .activation = Tanh{}}, Dense{.units = 3}};
  const Dataset data = some(40);
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{"dense"},
                                             {"batch_norm"},
                                             {"dense_1"},
                                             {"dense_2"},
                                             {"dense", "batch_norm"},
                                             {"batch_norm", "dense_2"},
                                             {"dense", "batch_norm", "dense_1", "dense_2"}}) {
    INFO(names[0] << " and " << names.size() - 1 << " more");
    auto model = support::model<double>(Input{4}, specs);
    for (const auto& name : names) model.freeze(name);
    const auto before = model;
    Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1, .momentum = 0.9}};
    trainer.fit(data, {.epochs = 3, .batch_size = 16});
    for (const auto& entry : model.parameters().entries()) {
      INFO(entry.name);
      const std::string layer = entry.name.substr(0, entry.name.find('/'));
      const bool frozen = std::find(names.begin(), names.end(), layer) != names.end();
      const auto now = std::as_const(model).weights(entry.name), then = before.weights(entry.name);
      CHECK(support::same_bits(now, then) == frozen);
    }
    for (const auto& name : names) model.unfreeze(name);
    trainer.fit(data, {.epochs = 1, .batch_size = 16});
    for (const auto& entry : model.parameters().entries())
      CHECK_FALSE(support::same_bits(std::as_const(model).weights(entry.name), before.weights(entry.name)));
  }
}

TEST_CASE("Below a frozen BatchNorm gradients agree with differences", "[train][trainer][freeze]") {
  auto model = support::model<double>(Input{4}, {Dense{.units = 5, .activation = Tanh{}}, BatchNorm{}, Dense{.units = 3}});
  for (Index i = 0; i < 5; ++i) {
    model.weights("batch_norm/gamma")[i] = 0.5 + 0.3 * static_cast<double>(i);
    model.weights("batch_norm/beta")[i] = 0.1 * static_cast<double>(i) - 0.2;
    model.weights("batch_norm/moving_mean")[i] = 0.2 - 0.1 * static_cast<double>(i);
    model.weights("batch_norm/moving_variance")[i] = 0.4 + 0.2 * static_cast<double>(i);
  }
  model.freeze("batch_norm");
  const Dataset data = some(7);
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.0}};
  // Frozen, a BatchNorm works as in inference: the loss of a training step is that of evaluate.
  CHECK(trainer.train_on_batch(data).loss == Approx(trainer.evaluate(data).loss).epsilon(1e-14));
  const auto gradients = copied(trainer.gradients());
  for (const std::string name : {"dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"}) {
    const Parameter& p = model.parameters().find(name).parameter;
    std::vector<double> expected, found;
    for (Index i = 0; i < p.shape.size(); ++i) {
      double& w = model.weights(name)[i];
      const double kept = w, h = 1e-5;
      w = kept + h;
      const double above = trainer.evaluate(data).loss;
      w = kept - h;
      const double below = trainer.evaluate(data).loss;
      w = kept;
      expected.push_back((above - below) / (2 * h));
      found.push_back(gradients[static_cast<std::size_t>(p.offset + i)]);
    }
    INFO(name);
    CHECK(support::relative_error(found, expected) < 1e-8);
  }
}

TEST_CASE("A frozen layer whose gradient is not finite stops nothing", "[train][trainer][freeze][finite]") {
  auto model = support::model<float>(Input{1}, {Dense{.units = 1, .kernel_initializer = Zeros{}}, Dense{.units = 2}});
  model.weights("dense_1/kernel")[0] = 1e30F;
  Trainer trainer{model, from_logits, SGD{}};
  const Dataset data{Tensor<float>{{1, 1}, {1e20F}}, Tensor<std::int32_t>{{1}, {0}}};
  CHECK(error_of<StateError>([&] { trainer.train_on_batch(data); }) == "step 0: first not finite: the gradient of dense/kernel");
  model.freeze("dense");
  trainer.train_on_batch(data);
  CHECK(trainer.iterations() == 1);
}

TEST_CASE("A trainer's metrics are measured beside loss and accuracy, over epochs, validation and batches",
          "[train][trainer][metrics]") {
  const Dataset data = some(37), other = some(11, 2);
  auto model = small();
  Trainer trainer{model,
                  from_logits,
                  SGD{.learning_rate = 0.0},
                  {.metrics = {TopK{2}, TopK{1}, SampleMetric{"label", [](auto, auto t) { return t[0]; }}}}};
  const History history = trainer.fit(data, {.epochs = 1, .batch_size = 16, .validation = &other, .record_steps = true});
  CHECK(history.metrics == std::vector<std::string>{"top 2", "top 1", "label"});
  const auto labels = [](const Dataset& set) {
    double sum = 0;
    for (Index i = 0; i < set.size(); ++i) sum += set.targets.at(i);
    return sum / static_cast<double>(set.size());
  };
  const EpochRecord& record = history.epochs[0];
  CHECK(history.value(record.training, "label") == labels(data));
  CHECK(history.value(*record.validation, "label") == labels(other));
  CHECK(history.value(record.training, "top 1") == record.training.accuracy);
  CHECK(history.value(record.training, "top 2") >= *record.training.accuracy);
  CHECK(history.value(trainer.evaluate(data), "top 2") == history.value(record.training, "top 2"));  // the rate is 0
  CHECK(history.steps[2].running.values == record.training.values);

  CHECK(trainer.running_metrics().samples == 0);
  trainer.train_on_batch(data);
  CHECK(history.value(trainer.train_on_batch(other), "label") == labels(other));
  CHECK(trainer.running_metrics().samples == 48);
  CHECK(history.value(trainer.running_metrics(), "label") == Approx((37 * labels(data) + 11 * labels(other)) / 48));
  trainer.reset_metrics();
  CHECK(trainer.running_metrics().samples == 0);
  CHECK(trainer.running_metrics().loss == 0);
}

TEST_CASE("Metrics that do not fit are refused, when the trainer is made or before the first step", "[train][trainer][metrics]") {
  auto model = small();
  const auto made = [&](const std::vector<Metric<double>>& metrics) {
    return [&model, metrics] { Trainer{model, from_logits, SGD{}, {.metrics = metrics}}; };
  };
  CHECK(error_of<ArgumentError>(made(std::vector<Metric<double>>(9, TopK{}))) == "Trainer: 9 metrics, expected at most 8");
  CHECK(error_of<ArgumentError>(made({TopK{}, {"top 5", TopK{2}}})) ==
        "Trainer: two metrics are called 'top 5'; give one another name, as in Metric{name, object}");
  CHECK(error_of<ArgumentError>(made({{"loss", TopK{}}})) ==
        "Trainer: two metrics are called 'loss'; give one another name, as in Metric{name, object}");
  Trainer trainer{model, from_logits, SGD{}, {.metrics = {MeanAbsoluteError{}}}};
  CHECK(error_of<ShapeError>([&] { trainer.fit(some(8), {}); }) ==
        "MeanAbsoluteError: targets are [8], expected [8, 3], as the outputs are");
  CHECK(trainer.iterations() == 0);
}

TEST_CASE("A step whose metric throws has not happened", "[train][trainer][metrics]") {
  auto model = support::model<double>(Input{4}, {BatchNorm{}, Dense{.units = 3}});
  const auto before = model;
  bool throws = true;
  const auto meddle = [&](auto, auto) -> double {
    if (throws) throw ArgumentError("no value");
    return 1;
  };
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1, .momentum = 0.9}, {.metrics = {SampleMetric{"own", meddle}}}};
  CHECK(error_of<ArgumentError>([&] { trainer.train_on_batch(some(8)); }) == "no value");
  for (const auto& entry : model.parameters().entries())
    CHECK(support::same_bits(std::as_const(model).weights(entry.name), before.weights(entry.name)));
  CHECK(trainer.iterations() == 0);
  throws = false;
  CHECK(trainer.train_on_batch(some(8)).values[0] == 1);
}

TEST_CASE("A label that is no class is found in validation too", "[train][trainer]") {
  auto model = small();
  Trainer trainer{model, from_logits, SGD{}};
  const Dataset wrong{Tensor<double>{Shape{2, 4}}, Tensor<std::int32_t>{{2}, {0, 3}}};
  CHECK(error_of<ArgumentError>([&] { trainer.fit(some(8), {.validation = &wrong}); }) ==
        "fit: validation: label 3 of sample 1, expected 0 to 2");
}
