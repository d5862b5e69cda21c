// SPDX-License-Identifier: MIT
// Every member of an ensemble is the model that would be trained alone: to the bit on the plain bodies, else up to rounding.
#include <tarn/train/ensemble_trainer.hpp>

#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::from_logits;

namespace {

template <class D>
std::vector<LayerSpec<float, D>> vector_layers() {
  return {Dense{.units = 5, .activation = ReLU{}}, Dropout{0.3}, BatchNorm{}, Residual{Dense{.units = 5, .activation = Tanh{}}},
          Dense{.units = 3}};
}
template <class D>
std::vector<LayerSpec<float, D>> image_layers() {
  return {Conv2D{.filters = 3, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
          BatchNorm{},
          MaxPool2D{2},
          Dropout{.rate = 0.2, .per_channel = true},
          Conv2D{.filters = 4, .kernel = 2, .stride = 2, .activation = LeakyReLU{}, .use_bias = false},
          Concatenate{Block{}, Sigmoid{}},
          AvgPool2D{.window = 2, .stride = 1, .padding = Padding::same},
          Flatten{},
          Dense{.units = 3, .activation = Softmax{}}};
}

/// Data of their own for some models: `samples` of this shape with labels below 3.
std::vector<Dataset> data_for(Index models, Index samples, const Shape& sample) {
  std::vector<Dataset> result;
  for (Index m = 0; m < models; ++m) {
    Tensor<std::int32_t> labels{Shape{samples}};
    for (Index i = 0; i < samples; ++i) labels[i] = static_cast<std::int32_t>((i * 7 + m) % 3);
    result.push_back({support::numbers<float>(sample.prepend(samples), static_cast<std::uint64_t>(100 + m)), labels});
  }
  return result;
}

/// Trains all models together and each alone, and compares everything.
template <class Loss, class Optimizer>
void compare(Index models, const Input& input, const std::vector<LayerSpec<float>>& layers,
             const std::vector<LayerSpec<float, CpuModels>>& same_layers, const std::vector<Dataset>& data, const Loss& loss,
             const Optimizer& optimizer, const EnsembleFitOptions& options) {
  const double tolerance = cpu::instruction_set() == cpu::InstructionSet::plain ? 0 : 1e-5;
  Ensemble<float> ensemble{models, input, same_layers};
  ensemble.initialize(5);
  EnsembleTrainer together{ensemble, loss, optimizer, 11};
  const auto epochs = together.fit(std::span{data}, options);
  const auto measured = together.evaluate(data[0]);
  const Tensor<float> outputs = ensemble.predict(data[0].inputs);
  const Index size = outputs.size() / models;
  double weights = 0, losses = 0, predictions = 0;
  for (Index m = 0; m < models; ++m) {
    const auto member = static_cast<std::size_t>(m);
    Sequential<float> model{input, layers};
    model.initialize(5 + static_cast<std::uint64_t>(m));
    Trainer alone{model, loss, optimizer, {.seed = 11 + static_cast<std::uint64_t>(m)}};
    const History history = alone.fit(
        data[member],
        {.epochs = options.epochs, .batch_size = options.batch_size, .drop_last = options.drop_last, .shuffle = options.shuffle});
    for (const auto& entry : model.parameters().entries()) {
      const Tensor<float> values = ensemble.weights(m, entry.name);
      for (Index i = 0; i < values.size(); ++i)
        weights = std::max(weights, std::abs(static_cast<double>(values[i] - model.parameters()[entry.parameter][i])));
    }
    for (std::size_t e = 0; e < epochs.size(); ++e) {
      losses = std::max(losses, std::abs(epochs[e].training[member].loss - history.epochs[e].training.loss));
      CHECK(epochs[e].training[member].accuracy == history.epochs[e].training.accuracy);
      CHECK(epochs[e].steps == history.epochs[e].steps);
      CHECK(epochs[e].learning_rate == history.epochs[e].learning_rate);
    }
    const Metrics metrics = alone.evaluate(data[0]);
    losses = std::max(losses, std::abs(metrics.loss - measured[member].loss));
    const Tensor<float> y = model.predict(data[0].inputs);
    for (Index i = 0; i < size; ++i)
      predictions = std::max(predictions, std::abs(static_cast<double>(outputs[m * size + i] - y[i])));
  }
  CHECK(weights <= tolerance);
  CHECK(losses <= std::max(tolerance, 1e-14));  // sums in double, of batches of other sizes
  CHECK(predictions <= tolerance);
}

}  // namespace

TEST_CASE("Models of vectors train side by side as they would alone", "[train][ensemble]") {
  const auto data = data_for(19, 50, {4});
  const auto alone = vector_layers<Cpu>();
  const auto together = vector_layers<CpuModels>();
  SECTION("Adam") {
    compare(19, Input{4}, alone, together, data, from_logits, Adam{.learning_rate = 0.01}, {.epochs = 3, .batch_size = 24});
  }
  SECTION("SGD with momentum, decay and each gradient clipped by its own norm") {
    compare(19, Input{4}, alone, together, data, from_logits,
            SGD{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .clip = ClipGlobalNorm{0.3}},
            {.epochs = 2, .batch_size = 16, .drop_last = true});
  }
  SECTION("in the stored order, with sizes that change") {
    compare(3, Input{4}, alone, together, {data.begin(), data.begin() + 3}, from_logits,
            RMSprop{.learning_rate = 0.003, .clip = ClipValue{0.05}},
            {.epochs = 2, .batch_size = BatchSize{[](Index i) { return 5 + i % 9; }}, .shuffle = false});
  }
}

TEST_CASE("Models with wide inputs train side by side as they would alone", "[train][ensemble]") {
  const std::vector<LayerSpec<float>> alone{Dense{.units = 17, .activation = Tanh{}}, Dense{.units = 3}};
  const std::vector<LayerSpec<float, CpuModels>> together{Dense{.units = 17, .activation = Tanh{}}, Dense{.units = 3}};
  compare(2, Input{1100}, alone, together, data_for(2, 20, {1100}), from_logits, SGD{.learning_rate = 0.01},
          {.epochs = 1, .batch_size = 8});
}

TEST_CASE("Models of more samples than are gathered at once train as they would alone", "[train][ensemble]") {
  const std::vector<LayerSpec<float>> alone{Dense{.units = 4, .activation = Tanh{}}, Dense{.units = 3}};
  const std::vector<LayerSpec<float, CpuModels>> together{Dense{.units = 4, .activation = Tanh{}}, Dense{.units = 3}};
  compare(5, Input{40}, alone, together, data_for(5, 1000, {40}), from_logits, SGD{.learning_rate = 0.03},
          {.epochs = 2, .batch_size = BatchSize{[](Index i) { return 7 + 5 * (i % 6); }}, .drop_last = true});
}

TEST_CASE("Models of narrow layers train side by side as they would alone", "[train][ensemble]") {
  const auto layers = []<class D>(D) -> std::vector<LayerSpec<float, D>> {
    return {Dense{.units = 2, .activation = ReLU{}},
            Dense{.units = 4, .activation = LeakyReLU{.slope = 0.2}},
            Dense{.units = 5, .activation = Tanh{}, .use_bias = false},
            Dense{.units = 3, .activation = Sigmoid{}},
            Residual{Dense{.units = 3}},
            Dense{.units = 1, .activation = Tanh{}},
            Dense{.units = 3, .activation = Softmax{}}};
  };
  compare(19, Input{3}, layers(Cpu{}), layers(CpuModels{}), data_for(19, 50, {3}), CategoricalCrossEntropy{},
          Adam{.learning_rate = 0.01}, {.epochs = 3, .batch_size = 24});
  // So many samples that threads share them.
  compare(2, Input{3}, layers(Cpu{}), layers(CpuModels{}), data_for(2, 4000, {3}), CategoricalCrossEntropy{},
          Adam{.learning_rate = 0.01}, {.epochs = 2, .batch_size = 3000});
}

TEST_CASE("Models of images train side by side as they would alone", "[train][ensemble]") {
  compare(18, Input{8, 7, 2}, image_layers<Cpu>(), image_layers<CpuModels>(), data_for(18, 30, {8, 7, 2}),
          CategoricalCrossEntropy{.label_smoothing = 0.1}, RMSprop{.learning_rate = 0.003}, {.epochs = 2, .batch_size = 13});
}

TEST_CASE("Models of numbers train side by side as they would alone", "[train][ensemble]") {
  std::vector<Dataset> data;
  for (Index m = 0; m < 5; ++m) {
    const auto seed = static_cast<std::uint64_t>(m);
    data.push_back({support::numbers<float>({40, 2}, seed), support::numbers<float>({40}, seed + 50)});
  }
  compare(5, Input{2}, {Dense{.units = 6, .activation = Sigmoid{}}, Dense{.units = 1}},
          {Dense{.units = 6, .activation = Sigmoid{}}, Dense{.units = 1}}, data, Huber{.delta = 0.3}, Adam{},
          {.epochs = 3, .batch_size = 7});
}

TEST_CASE("An ensemble gives the same bits with any number of threads", "[train][ensemble][concurrency]") {
  const auto data = data_for(40, 20, {4});
  const auto trained = [&](int threads) {
    const support::Threads scope{threads};
    Ensemble<float> ensemble{40, Input{4}, vector_layers<CpuModels>()};
    EnsembleTrainer trainer{ensemble, from_logits, SGD{.learning_rate = 0.1}};
    trainer.fit(std::span{data}, {.epochs = 2, .batch_size = 8});
    return ensemble.predict(data[0].inputs);
  };
  const Tensor<float> one = trained(1);
  for (const int threads : {2, 3, 8}) CHECK(support::same_bits(one, trained(threads)));
}

TEST_CASE("A member that diverges leaves the others alone", "[train][ensemble]") {
  auto data = data_for(3, 20, {4});
  Tensor<float> huge{Shape{20, 4}};
  std::fill(huge.begin(), huge.end(), 1e30F);
  const auto losses_of = [](const std::vector<Dataset>& sets) {
    Ensemble<float> ensemble{3, Input{4}, {Dense{.units = 3}}};
    EnsembleTrainer trainer{ensemble, MeanSquaredError{}, SGD{.learning_rate = 1}};
    std::vector<Dataset> numbers;
    for (const Dataset& set : sets) numbers.push_back({set.inputs, support::numbers<float>({20, 3}, 1)});
    const auto epochs = trainer.fit(std::span{numbers}, {.epochs = 3});
    return epochs.back().training;
  };
  const auto calm = losses_of(data);
  data[1].inputs = huge;
  const auto disturbed = losses_of(data);
  CHECK(!std::isfinite(disturbed[1].loss));
  CHECK(disturbed[0].loss == calm[0].loss);
  CHECK(disturbed[2].loss == calm[2].loss);
}

TEST_CASE("A member's weights can be read, set, and exchanged with a single model", "[train][ensemble]") {
  Ensemble ensemble{20, Input{4}, Dense{.units = 3}, BatchNorm{}};
  Sequential<float> single{Input{4}, Dense{.units = 3}, BatchNorm{}};
  ensemble.initialize(7);
  single.initialize(7 + 17);
  CHECK(support::doubles(ensemble.weights(17, "dense/kernel")) == support::doubles(single.weights("dense/kernel")));
  std::fill(single.weights("batch_norm/moving_mean").begin(), single.weights("batch_norm/moving_mean").end(), 2.5F);
  ensemble.copy_from(19, single);
  CHECK(support::doubles(ensemble.weights(19, "batch_norm/moving_mean")) == std::vector<double>(3, 2.5));
  CHECK(support::doubles(ensemble.weights(18, "batch_norm/moving_mean")) == std::vector<double>(3, 0));
  const Tensor<float> x = support::numbers<float>({5, 4}, 3);
  const Tensor<float> all = ensemble.predict(Samples{x}), one = single.predict(x);
  for (Index i = 0; i < one.size(); ++i) CHECK(all[19 * one.size() + i] == Approx(one[i]).margin(1e-6));
  Sequential<float> other{Input{4}, Dense{.units = 3}, BatchNorm{}};
  ensemble.copy_to(19, other);
  CHECK(support::same_bits(std::as_const(other).parameters().trainable(), std::as_const(single).parameters().trainable()));
}

TEST_CASE("An ensemble rejects what does not fit", "[train][ensemble]") {
  Ensemble ensemble{3, Input{4}, Dense{.units = 3}};
  EnsembleTrainer trainer{ensemble, from_logits, SGD{}};
  CHECK(error_of<ArgumentError>([] { Ensemble{0, Input{4}, Dense{.units = 3}}; }) == "Ensemble: 0 models, expected at least 1");
  CHECK(error_of<ArgumentError>([&] { ensemble.weights(3, "dense/kernel"); }) == "Ensemble: model 3, expected 0 to 2");
  CHECK(error_of<ShapeError>([&] { ensemble.set_weights(0, "dense/bias", Tensor<float>{Shape{4}}); }) ==
        "Ensemble: dense/bias is [4], expected [3]");
  auto data = data_for(3, 6, {4});
  CHECK(error_of<ShapeError>([&] { trainer.fit(std::span{data}.first(2)); }) == "fit: 2 data sets for 3 models");
  CHECK(error_of<ArgumentError>([&] { trainer.fit(std::span{data}, {.epochs = 0}); }) == "fit: epochs is 0, expected at least 1");
  data[2] = data_for(1, 7, {4})[0];
  CHECK(error_of<ShapeError>([&] { trainer.fit(std::span{data}); }) ==
        "fit: one model has inputs [6, 4] and targets [6], another [7, 4] and [7], expected equal shapes");
  data = data_for(3, 6, {5});
  CHECK(error_of<ShapeError>([&] { trainer.fit(std::span{data}); }) == "fit: inputs are [6, 5], expected [n, 4]");
  CHECK(error_of<ShapeError>([&] { ensemble.predict(data[0].inputs); }) == "predict: inputs are [6, 5], expected [6, 4]");
  data = data_for(3, 6, {4});
  Tensor<std::int32_t> labels{{6}, {0, 1, 2, 3, 0, 1}};
  data[1].targets = labels;
  CHECK(error_of<ArgumentError>([&] { trainer.fit(std::span{data}); }) == "fit: label 3 of sample 3, expected 0 to 2");
}

TEST_CASE("An ensemble knows a model of other layers, and a trainer an ensemble of others", "[train][ensemble]") {
  Ensemble<float> ensemble{3, Input{4}, {Dense{.units = 3}}};
  EnsembleTrainer trainer{ensemble, from_logits, SGD{}};
  Sequential<float> other{Input{4}, Dense{.units = 2}}, deeper{Input{4}, Dense{.units = 3}, Dense{.units = 3}};
  CHECK(error_of<ShapeError>([&] { ensemble.copy_from(1, other); }) ==
        "Ensemble: the model has dense/kernel [4, 2], expected dense/kernel [4, 3]");
  CHECK(error_of<ShapeError>([&] { ensemble.copy_to(1, deeper); }) == "Ensemble: the model has 4 parameters, expected 2");
  ensemble = Ensemble<float>{3, Input{4}, {Dense{.units = 5}, Dense{.units = 3}}};
  const auto data = data_for(3, 6, {4});
  CHECK(error_of<StateError>([&] { trainer.fit(std::span{data}); }) ==
        "fit: the ensemble was replaced by another since the trainer was made; make a new trainer");
}
