// SPDX-License-Identifier: MIT
#include <tarn/data.hpp>
#include <tarn/gpu.hpp>
#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

namespace {

/// LeNet-5 with batch normalisation and dropout.
template <class T, class D>
Sequential<T, D> lenet() {
  return Sequential<T, D>{Input{28, 28, 1},
                          Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}},
                          BatchNorm{.momentum = 0.9},
                          AvgPool2D{2},
                          Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}},
                          BatchNorm{.momentum = 0.9},
                          MaxPool2D{2},
                          Conv2D{.filters = 120, .kernel = 5, .activation = ReLU{}},
                          Flatten{},
                          Dropout{.rate = 0.2},
                          Dense{.units = 84, .activation = Tanh{}},
                          Dense{.units = 10}};
}

/// Trains on both devices; losses and all weights must agree.
template <class T, class Optimizer>
void compare(double tolerance, const Dataset& data, const Dataset& validation, const Optimizer& optimizer, FitOptions options,
             Index steps, std::size_t graphs) {
  fake::Device device;
  auto cpu = lenet<T, Cpu>();
  auto gpu = lenet<T, Gpu>();
  const CategoricalCrossEntropy loss{.from_logits = true};
  options.validation = &validation;
  options.record_steps = true;
  Trainer on_cpu{cpu, loss, optimizer, {.seed = 3}};
  Trainer on_gpu{gpu, loss, optimizer, {.seed = 3}};
  const History expected = on_cpu.fit(data, options), found = on_gpu.fit(data, options);
  REQUIRE(static_cast<Index>(found.steps.size()) == steps);
  double difference = 0;
  for (std::size_t i = 0; i < found.steps.size(); ++i) {
    CHECK(found.steps[i].batch == expected.steps[i].batch);
    CHECK(found.steps[i].learning_rate == expected.steps[i].learning_rate);
    difference = std::max(difference, std::abs(found.steps[i].loss - expected.steps[i].loss));
  }
  CHECK(difference < tolerance);
  CHECK(std::abs(found.epochs[0].validation->loss - expected.epochs[0].validation->loss) < tolerance);
  CHECK(found.steps.back().loss < 0.7 * found.steps.front().loss);  // it learns
  for (const auto& entry : cpu.parameters().entries()) {
    INFO(entry.name);
    CHECK(support::relative_error(ops::to_host(gpu.parameters()[entry.parameter]), cpu.parameters()[entry.parameter]) <
          tolerance);
  }
  if (!fake::on_card()) CHECK(device.gpu->executables.size() == graphs);
}

}  // namespace

TEST_CASE("LeNet trains on MNIST on the GPU as on the CPU: sixty steps and a shorter last one, with a schedule",
          "[gpu][train][card]") {
  const Dataset train = data::mnist().train;
  const CyclicLR rate{.base = 0.005, .max = 0.05, .step_size = 15};
  compare<float>(1e-4, train.take(0, 60 * 32 + 19), train.take(50000, 300), SGD{.learning_rate = rate, .momentum = 0.9},
                 {.epochs = 1, .batch_size = 32}, 61, 1);
}

TEST_CASE("LeNet trains on MNIST on the GPU as on the CPU with a batch size that changes", "[gpu][train][card]") {
  const Dataset train = data::mnist().train;
  // In double: rounding cannot tell the two apart, however a pass with few samples makes it grow.
  compare<double>(1e-9, train.take(0, 600), train.take(50000, 100),
                  SGD{.learning_rate = 0.03, .momentum = 0.8, .nesterov = true, .weight_decay = 0.01, .clip = ClipGlobalNorm{1}},
                  {.epochs = 1, .batch_size = CyclicBatchSize{.base = 8, .max = 24, .step_size = 4, .multiple = 8}}, 34, 3);
}

#else

TEST_CASE("Training LeNet on the GPU needs the headers of the CUDA toolkit", "[gpu][train][card]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
