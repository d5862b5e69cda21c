// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>
#include <tarn/tarn.hpp>

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
    result = std::max(result, support::relative_error(ops::to_host(gpu.parameters()[entry.parameter]),
                                                      ops::to_host(cpu.parameters()[entry.parameter])));
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

TEST_CASE("A model starts with the same weights on the GPU and predicts the same", "[gpu][train]") {
  fake::Device device;
  const auto models = normalised();
  CHECK(difference(models.cpu, models.gpu) == 0);
  const Dataset data = bright_spots(7);
  CHECK(support::relative_error(models.gpu.predict(data.inputs), models.cpu.predict(data.inputs)) < 1e-5);
  CHECK(support::relative_error(models.gpu.outputs("batch_norm", data.inputs), models.cpu.outputs("batch_norm", data.inputs)) <
        1e-5);
}

TEST_CASE("A model trains on the GPU as on the CPU, whose batch sizes and rates change", "[gpu][train]") {
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

#else

TEST_CASE("Training on the GPU needs the headers of the CUDA toolkit", "[gpu][train]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
