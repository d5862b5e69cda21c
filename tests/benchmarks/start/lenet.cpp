// SPDX-License-Identifier: MIT
// The LeNet program whose size and start are measured: it loads MNIST, makes one training step and ends.
// lenet_start <threads> <folder of the data>
#include <cstdlib>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

int main(int, char** argv) {
  using namespace tarn;
  parallel::set_threads(std::atoi(argv[1]));
  const auto [train, test] = data::mnist({.folder = argv[2]});
  Sequential model{
      Input{28, 28, 1}, BatchNorm{},       Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      Flatten{},         Dense{.units = 84, .activation = Tanh{}},
      BatchNorm{},      Dense{.units = 10}};
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01}};
  trainer.fit(train, {.steps = 1, .batch_size = 128});
}
