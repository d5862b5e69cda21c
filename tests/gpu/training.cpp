// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>
#include <tarn/io.hpp>
#include <tarn/tarn.hpp>

#include <unistd.h>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

namespace {

/// Images of three classes, told apart by where they are bright.
Dataset bright_spots(Index samples) {
  Tensor<std::uint8_t> images{Shape{samples, 8, 8, 3}};
  Tensor<std::uint8_t> labels{Shape{samples}};
  const Stream stream{5, Purpose::split, 0};
  for (Index i = 0; i < samples; ++i) {
    labels[i] = static_cast<std::uint8_t>(i % 3);
    for (Index j = 0; j < 192; ++j)
      images[i * 192 + j] = static_cast<std::uint8_t>(stream.word(j, i) % 100 + (j % 3 == i % 3 ? 80 : 0));
  }
  return {Samples{std::move(images)}.scaled(1.0 / 255), Samples{std::move(labels)}};
}

/// The largest difference of two models' weights and state, relative to the largest of them.
template <class T>
double difference(const Sequential<T, Cpu>& cpu, const Sequential<T, Gpu>& gpu) {
  double result = 0;
  for (const auto& entry : cpu.parameters().entries())
    result = std::max(
        result, support::relative_error(ops::to_host(gpu.parameters()[entry.parameter]), cpu.parameters()[entry.parameter]));
  return result;
}

/// Two models of these layers.
template <class... Specs>
struct Models {
  Sequential<float, Cpu> cpu;
  Sequential<float, Gpu> gpu;
  explicit Models(const Input& input, const Specs&... specs) : cpu{input, specs...}, gpu{input, specs...} {}
};

auto normalised() {
  return Models{Input{8, 8, 3}, BatchNorm{.momentum = 0.9}, AvgPool2D{2},
                Tanh{},         Dropout{.rate = 0.2},       BatchNorm{.momentum = 0.9},
                MaxPool2D{2},   GlobalAvgPool2D{},          Softmax{}};
}

}  // namespace

TEST_CASE("A model starts with the same weights on the GPU and predicts the same", "[gpu][train][card]") {
  fake::Device device;
  const auto models = normalised();
  CHECK(difference(models.cpu, models.gpu) == 0);
  const Dataset data = bright_spots(7);
  CHECK(support::relative_error(models.gpu.predict(data.inputs), models.cpu.predict(data.inputs)) < 1e-5);
  CHECK(support::relative_error(models.gpu.outputs("batch_norm", data.inputs), models.cpu.outputs("batch_norm", data.inputs)) <
        1e-5);
}

TEST_CASE("A model trains on the GPU as on the CPU, whose batch sizes and rates change", "[gpu][train][card]") {
  fake::Device device;
  auto models = normalised();
  const Dataset data = bright_spots(70);
  const FitOptions options{.epochs = 2, .batch_size = 32, .validation = &data, .record_steps = true};
  const CategoricalCrossEntropy loss;
  const Adam adam{.learning_rate = 0.02};
  Trainer on_cpu{models.cpu, loss, adam};
  Trainer on_gpu{models.gpu, loss, adam};
  const History expected = on_cpu.fit(data, options), found = on_gpu.fit(data, options);
  REQUIRE(found.steps.size() == 6);
  for (std::size_t i = 0; i < found.steps.size(); ++i) {
    CHECK(std::abs(found.steps[i].loss - expected.steps[i].loss) < 1e-5);
    CHECK(found.steps[i].running.accuracy == expected.steps[i].running.accuracy);
  }
  CHECK(std::abs(found.epochs[1].validation->loss - expected.epochs[1].validation->loss) < 1e-5);
  CHECK(difference(models.cpu, models.gpu) < 1e-4);
}

namespace {

/// Looks at what the driver is asked for in each step, and at no loss.
struct CountCalls {
  std::map<std::string, int>& calls;
  std::vector<std::map<std::string, int>>& steps;
  bool wants_step() const { return false; }
  void on_epoch_begin(Index) { calls.clear(); }
  void on_step_end(const StepInfo& step) {
    CHECK(step.loss == 0);
    steps.push_back(calls);
    calls.clear();
  }
};

}  // namespace

TEST_CASE("From the third of a batch size on a step is one launch and one graph, and nothing is read before the epoch ends",
          "[gpu][train]") {
  fake::Device device;
  auto models = normalised();
  const Dataset data = bright_spots(42);
  std::vector<std::map<std::string, int>> steps;
  Trainer on_cpu{models.cpu, CategoricalCrossEntropy{}, SGD{.learning_rate = 0.1, .momentum = 0.9, .clip = ClipGlobalNorm{0.01}}};
  Trainer on_gpu{models.gpu, CategoricalCrossEntropy{}, SGD{.learning_rate = 0.1, .momentum = 0.9, .clip = ClipGlobalNorm{0.01}}};
  const History expected = on_cpu.fit(data, {.epochs = 3, .batch_size = 10});
  const History found = on_gpu.fit(data, {.epochs = 3, .batch_size = 10, .callbacks = {CountCalls{device.gpu->calls, steps}}});
  REQUIRE(steps.size() == 15);
  for (const std::size_t step : {2, 3, 6, 7, 8, 11, 12, 13, 14})
    CHECK(steps[step] == std::map<std::string, int>{{"cuCtxSetCurrent", 2}, {"cuGraphLaunch", 1}, {"cuLaunchKernel", 1}});
  CHECK(device.gpu->executables.size() == 2);
  CHECK(difference(models.cpu, models.gpu) < 1e-4);
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    CHECK(std::abs(found.epochs[epoch].training.loss - expected.epochs[epoch].training.loss) < 1e-5);
    CHECK(found.epochs[epoch].training.accuracy == expected.epochs[epoch].training.accuracy);
  }
}

TEST_CASE("Weights, targets of vectors, frozen layers and metrics of one's own are the CPU's too", "[gpu][train][card]") {
  fake::Device device;
  auto models = normalised();
  const Dataset labelled = bright_spots(21);
  Tensor<float> vectors{Shape{21, 3}};
  for (Index i = 0; i < 21; ++i) vectors[i * 3 + i % 3] = 1;
  const Dataset data{labelled.inputs, Samples{std::move(vectors)}};
  models.cpu.freeze("batch_norm");
  models.gpu.freeze("batch_norm");
  FitOptions options{.epochs = 2, .batch_size = 7, .class_weights = {1, 2, 0.5}};
  const auto train = [&](auto& model, auto metrics) {
    using Model = std::remove_reference_t<decltype(model)>;
    TrainerOptions<float, std::conditional_t<std::is_same_v<Model, Sequential<float, Gpu>>, Gpu, Cpu>> trainer_options;
    if (metrics)
      trainer_options.metrics = {TopK{2}, BinaryAccuracy{}, SampleMetric{"first", [](auto y, auto t) { return y[0] * t[0]; }}};
    Trainer trainer{model, MeanSquaredError{}, RMSprop{.learning_rate = 0.01}, trainer_options};
    return trainer.fit(data, options);
  };
  for (const bool metrics : {false, true}) {
    const History expected = train(models.cpu, metrics), found = train(models.gpu, metrics);
    CHECK(difference(models.cpu, models.gpu) < 1e-4);
    CHECK(std::abs(found.epochs[1].training.loss - expected.epochs[1].training.loss) < 1e-5);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(std::abs(found.epochs[1].training.values[i] - expected.epochs[1].training.values[i]) < 1e-5);
  }
}

TEST_CASE("Steps with metrics of one's own are graphs too, and are read one by one", "[gpu][train]") {
  fake::Device device;
  auto models = normalised();
  const Dataset data = bright_spots(42);
  std::vector<int> played;
  const AtStepEnd count{[&](const StepInfo&) { played.push_back(device.gpu->calls["cuGraphLaunch"]); }};
  Trainer on_cpu{models.cpu,
                 CategoricalCrossEntropy{},
                 SGD{},
                 {.metrics = {TopK{2}, Metric<float, Cpu>{"cross-entropy", CategoricalCrossEntropy{}}}}};
  Trainer on_gpu{models.gpu,
                 CategoricalCrossEntropy{},
                 SGD{},
                 {.metrics = {TopK{2}, Metric<float, Gpu>{"cross-entropy", CategoricalCrossEntropy{}}}}};
  FitOptions options{.epochs = 2, .batch_size = 10, .class_weights = {1, 2, 0.5}, .record_steps = true};
  const History expected = on_cpu.fit(data, options);
  options.callbacks = {count};
  const History found = on_gpu.fit(data, options);
  CHECK(played == std::vector<int>{0, 1, 2, 3, 3, 4, 5, 6, 7, 8});  // the first of each batch size is no graph yet
  CHECK(difference(models.cpu, models.gpu) < 1e-4);
  for (std::size_t i = 0; i < 10; ++i)
    for (const std::size_t metric : {0, 1})
      CHECK(std::abs(found.steps[i].running.values[metric] - expected.steps[i].running.values[metric]) < 1e-5);
  const Metrics single = on_gpu.train_on_batch(bright_spots(9)), wanted = on_cpu.train_on_batch(bright_spots(9));
  CHECK(std::abs(single.values[0] - wanted.values[0]) < 1e-5);
}

TEST_CASE("Single batches train on the GPU as on the CPU, and a step can be looked into", "[gpu][train][card]") {
  fake::Device device;
  auto models = normalised();
  Trainer on_cpu{models.cpu, CategoricalCrossEntropy{}, Adam{}};
  Trainer on_gpu{models.gpu, CategoricalCrossEntropy{}, Adam{}};
  for (const Index samples : {4, 9, 4, 4}) {
    const Metrics expected = on_cpu.train_on_batch(bright_spots(samples)), found = on_gpu.train_on_batch(bright_spots(samples));
    CHECK(std::abs(found.loss - expected.loss) < 1e-5);
    CHECK(found.accuracy == expected.accuracy);
  }
  CHECK(difference(models.cpu, models.gpu) < 1e-4);
  const auto expected = on_cpu.diagnose(bright_spots(6));
  const auto found = on_gpu.diagnose(bright_spots(6));
  for (std::size_t i = 0; i < found.layers.size(); ++i) {
    CHECK(std::abs(found.layers[i].activations.deviation - expected.layers[i].activations.deviation) < 1e-4);
    CHECK(std::abs(found.layers[i].gradients.deviation - expected.layers[i].gradients.deviation) < 1e-4);
  }
  CHECK(std::abs(found.parameter("batch_norm/gamma").update_ratio - expected.parameter("batch_norm/gamma").update_ratio) < 1e-4);
  CHECK(on_gpu.iterations() == 4);
}

TEST_CASE("A single batch in the middle of fit is an error on the GPU, which holds one data set", "[gpu][train]") {
  fake::Device device;
  auto models = normalised();
  Trainer trainer{models.gpu, CategoricalCrossEntropy{}, SGD{}};
  const Dataset data = bright_spots(8);
  const AtStepEnd meanwhile{[&](const StepInfo&) { trainer.train_on_batch(bright_spots(4)); }};
  CHECK_THROWS_WITH(trainer.fit(data, {.epochs = 1, .batch_size = 4, .callbacks = {meanwhile}}),
                    "fit: train_on_batch was called meanwhile, expected before or after: the GPU holds one data set");
  CHECK_NOTHROW(trainer.fit(data, {.epochs = 1, .batch_size = 4}));
}

TEST_CASE("A loss that is no longer finite stops the training on the GPU before that step, with the CPU's message",
          "[gpu][train][card]") {
  fake::Device device;
  auto models = normalised();
  Dataset good = bright_spots(20);
  Tensor<float> images{Shape{20, 8, 8, 3}};
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(good.inputs.at(i));
  images[13 * 192 + 5] = std::numeric_limits<float>::quiet_NaN();
  const Dataset data{Samples{std::move(images)}, good.targets};
  const FitOptions options{.epochs = 1, .batch_size = 4, .shuffle = false};
  const auto message = [&](auto& model) {
    Trainer trainer{model, CategoricalCrossEntropy{}, Adam{}};
    const std::string text = support::error_of<StateError>([&] { trainer.fit(data, options); });
    CHECK(trainer.iterations() == 3);
    return text;
  };
  const std::string expected = message(models.cpu);
  CHECK(message(models.gpu) == expected);
  CHECK_THAT(expected, Catch::Matchers::StartsWith("step 3: the loss is nan; first not finite: the input of the model"));
  CHECK(difference(models.cpu, models.gpu) < 1e-5);
}

TEST_CASE("A function of a user's own says that it cannot run on the GPU", "[gpu][train][card]") {
  fake::Device device;
  Batch<float, Gpu> y{nullptr, 2, {3}};
  CHECK_THROWS_WITH(ops::map(
                        y, [](float v) { return v; }, y),
                    "map: a C++ function cannot run on the GPU; use an activation there is, or the CPU");
  CHECK_THROWS_AS(ops::reduce(
                      TensorView<float, Gpu>{}, [](float v) { return v; }, TensorView<float, Gpu>{}, y),
                  DeviceError);
}

TEST_CASE("Weights that one device saves the other loads", "[gpu][train][card]") {
  fake::Device device;
  auto models = normalised();
  const auto file = std::filesystem::temp_directory_path() / ("tarn_gpu_" + std::to_string(getpid()) + ".safetensors");
  models.gpu.initialize(7);
  Trainer{models.gpu, CategoricalCrossEntropy{}, SGD{}}.fit(bright_spots(8), {.epochs = 1, .batch_size = 4});
  io::save_weights(models.gpu, file);
  io::load_weights(models.cpu, file);
  CHECK(difference(models.cpu, models.gpu) == 0);
  models.cpu.initialize(8);
  io::save_weights(models.cpu, file);
  io::load_weights(models.gpu, file);
  CHECK(difference(models.cpu, models.gpu) == 0);
  std::filesystem::remove(file);
}

TEST_CASE("A training that one device has begun the other goes on with", "[gpu][train][card]") {
  fake::Device device;
  auto models = normalised();
  const auto file = std::filesystem::temp_directory_path() / ("tarn_gpu_" + std::to_string(getpid()) + "_begun.safetensors");
  const Dataset data = bright_spots(40);
  const FitOptions epoch{.epochs = 1, .batch_size = 16};
  Trainer on_cpu{models.cpu, CategoricalCrossEntropy{}, Adam{.learning_rate = 0.02}, {.seed = 3}};
  Trainer on_gpu{models.gpu, CategoricalCrossEntropy{}, Adam{.learning_rate = 0.02}, {.seed = 3}};
  const std::size_t slots = on_gpu.slots().size();
  REQUIRE(slots == 2);

  on_gpu.fit(data, epoch);
  io::save_weights(models.gpu, file);
  io::load_weights(models.cpu, file);
  for (std::size_t i = 0; i < slots; ++i) {
    const auto values = ops::to_host(on_gpu.slots()[i].values);
    ops::copy(TensorView<const float, Cpu>{values}, on_cpu.slots()[i].values);
    CHECK(std::string{on_gpu.slots()[i].name} == on_cpu.slots()[i].name);
  }
  on_cpu.set_position(on_gpu.position());
  on_cpu.fit(data, epoch);
  on_gpu.fit(data, epoch);
  CHECK(difference(models.cpu, models.gpu) < 1e-5);

  on_cpu.fit(data, epoch);
  CHECK(difference(models.cpu, models.gpu) > 1e-3);
  io::save_weights(models.cpu, file);
  io::load_weights(models.gpu, file);
  for (std::size_t i = 0; i < slots; ++i)
    ops::upload<float>(TensorView<const float, Cpu>{on_cpu.slots()[i].values}, on_gpu.slots()[i].values);
  on_gpu.set_position(on_cpu.position());
  on_cpu.fit(data, epoch);
  on_gpu.fit(data, epoch);
  CHECK(difference(models.cpu, models.gpu) < 1e-5);
  std::filesystem::remove(file);
}

#else

TEST_CASE("Training on the GPU needs the headers of the CUDA toolkit", "[gpu][train][card]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
