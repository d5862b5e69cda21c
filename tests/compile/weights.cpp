// SPDX-License-Identifier: MIT
// Trains a small convolutional network for some steps with each optimizer and prints its weights to the last bit.
#include <cstdio>

#include <tarn/tarn.hpp>

namespace {

template <class Optimizer>
void train(const tarn::Dataset& data, const Optimizer& optimizer) {
  using namespace tarn;
  Sequential model{Input{12, 12, 1},
                   Conv2D{.filters = 5, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
                   BatchNorm{},
                   AvgPool2D{2},
                   Conv2D{.filters = 20, .kernel = 3},
                   ReLU{},
                   MaxPool2D{2},
                   Dropout{.rate = 0.25},
                   Flatten{},
                   Dense{.units = 3}};
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, optimizer};
  trainer.fit(data, {.epochs = 2, .batch_size = 21});
  for (const float weight : model.parameters().trainable()) std::printf("%a\n", static_cast<double>(weight));
  for (const float output : model.predict(data.inputs)) std::printf("%a\n", static_cast<double>(output));
}

}  // namespace

int main() {
  using namespace tarn;
  Tensor<float> images{{50, 12, 12, 1}};
  Tensor<std::int32_t> labels{{50}};
  const Stream stream{1, Purpose::split, 0};
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(stream.uniform(i));
  for (Index i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 3);
  const Dataset data{std::move(images), std::move(labels)};
  train(data, SGD{.learning_rate = 0.1, .momentum = 0.9});
  train(data, RMSprop{});
  train(data, Adam{});
}
