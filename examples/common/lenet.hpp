// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <tarn/layers/batch_norm.hpp>
#include <tarn/layers/conv2d.hpp>
#include <tarn/layers/dense.hpp>
#include <tarn/layers/dropout.hpp>
#include <tarn/layers/flatten.hpp>
#include <tarn/layers/pool2d.hpp>
#include <tarn/layers/sequential.hpp>

namespace examples {

/// What stands at the input and after each hidden tanh of LeNet-5.
struct LeNetOptions {
  bool input_batch_norm = false, hidden_batch_norm = false;
  bool dropout = false;  ///< of 0.2 at the input and 0.5 at the hidden layers; before the batch normalisation where there is one
};

/// LeNet-5 as problems 3 and 4 of the assignment have it, for images [28, 28, 1]. Dropout and batch normalisation stand after each
/// tanh, before the pooling. The softmax is part of the loss.
template <class D = tarn::Cpu>
tarn::Sequential<float, D> lenet(const LeNetOptions& options) {
  using namespace tarn;
  std::vector<LayerSpec<float, D>> layers;
  const auto regularise = [&](bool batch_norm, double rate) {
    if (options.dropout) layers.push_back(Dropout{rate});
    if (batch_norm) layers.push_back(BatchNorm{});
  };
  const auto hidden = [&](const LayerSpec<float, D>& layer) {
    layers.push_back(layer);
    regularise(options.hidden_batch_norm, 0.5);
  };
  regularise(options.input_batch_norm, 0.2);
  hidden(Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}});
  layers.push_back(AvgPool2D{2});
  hidden(Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}});
  layers.push_back(AvgPool2D{2});
  hidden(Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}});
  layers.push_back(Flatten{});
  hidden(Dense{.units = 84, .activation = Tanh{}});
  layers.push_back(Dense{.units = 10});
  return {Input{28, 28, 1}, layers};
}

}  // namespace examples
