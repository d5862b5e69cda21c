// SPDX-License-Identifier: MIT
// What a card alone can tell, started by tests/gpu/on_device.sh; without one the same steps go through the fake.
#include <tarn/data.hpp>
#include <tarn/gpu.hpp>
#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "fake/parity.hpp"

namespace {

/// LeNet-5 with batch normalisation at the input and after each tanh: what is timed beside others.
template <class D>
Sequential<float, D> timed_lenet() {
  return Sequential<float, D>{
      Input{28, 28, 1}, BatchNorm{},       Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      Flatten{},         Dense{.units = 84, .activation = Tanh{}},
      BatchNorm{},      Dense{.units = 10}};
}

}  // namespace

TEST_CASE("The description of this GPU goes into the file that TARN_DESCRIPTION names", "[.][describe]") {
  const char* const file = std::getenv("TARN_DESCRIPTION");
  REQUIRE(file);
  fake::Device device;
  const std::string text = device.context.part<gpu::Convolutions>().description();
  CHECK(gpu::cudnn::description_of(gpu::cudnn::described_device(text)) == text);
  std::ofstream{file} << text << "\n";
}

TEST_CASE("Seconds an epoch and microseconds a step of LeNet on MNIST, batches of 128", "[.][times]") {
  const bool autotune = std::getenv("TARN_AUTOTUNE") != nullptr, tf32 = std::getenv("TARN_TF32") != nullptr;
  Dataset train = data::mnist().train;
  if (!fake::on_card()) train = train.take(0, 500);
  fake::Device device;
  device.context.math.autotune = autotune;
  device.context.math.tf32 = tf32;
  auto model = timed_lenet<Gpu>();
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01, .momentum = 0.9}};
  trainer.fit(train, {.epochs = 1, .batch_size = 128});  // compiles, plans and captures
  const History history = trainer.fit(train, {.epochs = fake::on_card() ? 10 : 1, .batch_size = 128});
  std::vector<double> seconds;
  for (const auto& epoch : history.epochs) seconds.push_back(epoch.seconds);
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[seconds.size() / 2];
  std::printf("%s%s%s: %.1f us a step, %.4f s an epoch of %td samples, loss %.4f\n", fake::on_card() ? "card" : "fake",
              autotune ? ", autotuned" : "", tf32 ? ", TF32" : "", 1e6 * median / static_cast<double>(history.epochs[0].steps),
              median, train.size(), history.epochs.back().training.loss);
  CHECK(history.epochs.back().training.loss < history.epochs.front().training.loss + 0.1);
}

TEST_CASE("Microseconds of each layer of LeNet on MNIST, batches of 128", "[.][profile_of_layers]") {
  Dataset train = data::mnist().train;
  if (!fake::on_card()) train = train.take(0, 500);
  fake::Device device;
  auto model = timed_lenet<Gpu>();
  Profile profile;
  Trainer trainer{
      model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01, .momentum = 0.9}, {.profile = &profile}};
  trainer.fit(train, {.epochs = 2, .batch_size = 128});
  std::printf("%s", profile.table().c_str());
  CHECK(profile.training().passes > 0);
}

#else

TEST_CASE("What a card tells needs the headers of the CUDA toolkit", "[.][describe]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
