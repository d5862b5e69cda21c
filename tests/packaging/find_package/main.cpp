// SPDX-License-Identifier: MIT
// Trains one dense layer to tell which of two numbers is larger, saves its weights and loads them into another.
#include <iostream>

#include <tarn/data.hpp>
#include <tarn/io.hpp>
#include <tarn/tarn.hpp>

int main() {
  using namespace tarn;
  const Dataset points{Tensor<float>{{4, 2}, {0.1F, 0.9F, 0.8F, 0.3F, 0.2F, 0.6F, 0.7F, 0.4F}},
                       Tensor<std::int32_t>{{4}, {1, 0, 1, 0}}};
  Sequential model{Input{2}, Dense{.units = 2}};
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.5}};
  trainer.fit(points, {.epochs = 100, .batch_size = 4});
  io::save_weights(model, "weights.safetensors");
  Sequential loaded{Input{2}, Dense{.units = 2}};
  io::load_weights(loaded, "weights.safetensors");
  Trainer judge{loaded, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.5}};
  const double accuracy = judge.evaluate(points).accuracy.value();
  std::cout << "Tarn " << version << ", accuracy " << accuracy << '\n';
  return accuracy == 1 ? 0 : 1;
}
