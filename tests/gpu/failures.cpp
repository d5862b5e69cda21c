// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>
#include <tarn/tarn.hpp>

#include <cstdio>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;
using Catch::Matchers::StartsWith;

#if TARN_GPU_HEADERS

#include "fake/gpu.hpp"

namespace {

Dataset random_images() {
  Tensor<float> images{Shape{9, 6, 6, 1}};
  Tensor<std::int32_t> labels{Shape{9}};
  const Stream stream{1, Purpose::split, 0};
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(stream.uniform(i));
  for (Index i = 0; i < 9; ++i) labels[i] = static_cast<std::int32_t>(i % 2);
  return {Samples{std::move(images)}, Samples{std::move(labels)}};
}

/// A training with everything in it: kernels, convolutions, products, graphs, validation, prediction. Its loss.
template <class D>
double train(const Dataset& data) {
  Sequential<float, D> model{Input{6, 6, 1},   Conv2D{.filters = 2, .kernel = 3, .activation = Tanh{}},
                             BatchNorm{},      AvgPool2D{2},
                             Flatten{},        Dropout{.rate = 0.1},
                             Dense{.units = 2}};
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true},
                  SGD{.learning_rate = 0.1, .momentum = 0.9, .clip = ClipGlobalNorm{1}}};
  const History history = trainer.fit(data, {.epochs = 1, .batch_size = 3, .validation = &data});
  Profile profile;
  model.predict(data.inputs, &profile);
  return history.epochs[0].training.loss;
}
double train_on_gpu(const Dataset& data) {
  gpu::Context context;
  const gpu::CurrentContext current{context};
  return train<Gpu>(data);
}

/// Lets calls of each function fail, one a training: all of them, or some.
void fail_at_each(CUresult failure, bool all) {
  const Dataset data = random_images();
  const double loss = train<Cpu>(data);
  fake::Gpu gpu;
  CHECK(std::abs(train_on_gpu(data) - loss) < 1e-5);
  const auto calls = gpu->calls;
  gpu->failure = failure;
  int attempts = 0;
  for (const auto& [name, count] : calls) {
    if (name == "cuGetErrorName" || name == "cuDriverGetVersion") continue;
    int errors = 0;
    for (int number = 1; number <= count; number += all ? 1 : 1 + number / 2, ++attempts) {
      INFO(name << ", call " << number << " of " << count);
      gpu->calls.clear();
      gpu->fail_at = {{name, number}};
      try {
        train_on_gpu(data);
      } catch (const DeviceError& error) {
        ++errors;
        CHECK_THAT(error.what(), StartsWith("gpu: "));
      }
      CHECK(gpu->clean());
      gpu->lost = false;
    }
    INFO(name);
    if (!fake::cleans_up(name)) CHECK(errors > 0);
    if (fake::cleans_up(name) && failure == CUDA_ERROR_OUT_OF_MEMORY) CHECK(errors == 0);
    gpu->fail_at.clear();
    CHECK(train<Cpu>(data) == loss);
  }
  std::printf("%d failures of %zu functions\n", attempts, calls.size());
  CHECK(std::abs(train_on_gpu(data) - loss) < 1e-5);
}

}  // namespace

TEST_CASE("Whichever call of a training on the GPU fails, the error is typed, nothing leaks, and processor and GPU go on",
          "[gpu][failures][slow]") {
  fail_at_each(CUDA_ERROR_OUT_OF_MEMORY, true);
}

TEST_CASE("A GPU that is lost in a training is a typed error, nothing leaks, and the processor goes on", "[gpu][failures]") {
  fail_at_each(CUDA_ERROR_LAUNCH_FAILED, false);
}

#else

TEST_CASE("Failures of a GPU need the headers of the CUDA toolkit", "[gpu][failures]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
