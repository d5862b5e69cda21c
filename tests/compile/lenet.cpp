// SPDX-License-Identifier: MIT
// A whole training program in twenty lines: LeNet-5 with batch normalisation on MNIST. Its compile time is the budget.
#include <iostream>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

int main() {
  using namespace tarn;
  const auto [train, test] = data::mnist();
  Sequential model{
      Input{28, 28, 1}, BatchNorm{},       Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      Flatten{},         Dense{.units = 84, .activation = Tanh{}},
      BatchNorm{},      Dense{.units = 10}};
  std::cout << model.summary();
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01}};
  trainer.fit(train, {.epochs = 10, .batch_size = 128, .validation = &test, .callbacks = {ProgressBar{}}});
}
