// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <tarn/layers/activations.hpp>
#include <tarn/layers/batch_norm.hpp>
#include <tarn/layers/conv2d.hpp>
#include <tarn/layers/dense.hpp>
#include <tarn/layers/dropout.hpp>
#include <tarn/layers/flatten.hpp>
#include <tarn/layers/pool2d.hpp>

namespace benchmark {

/// What is timed: a network in words and how it is trained, or that it is asked.
struct Description {
  std::string input;              ///< of one sample: "28x28x1", "784"
  std::string layers;             ///< "conv 32 3 same relu; avgpool 2; flatten; dense 10"
  tarn::Index batch = 32;         ///< samples of a step or of a call
  std::string optimizer = "sgd";  ///< one of `optimizers`
  bool predict = false;           ///< a call of `predict` instead of a training step
};

inline const std::vector<std::string> optimizers{"sgd", "momentum", "rmsprop", "adam"};

/// Any layer that a word stands for.
using AnyLayer = std::variant<tarn::AvgPool2D, tarn::BatchNorm, tarn::Conv2D, tarn::Dense, tarn::Dropout, tarn::Flatten,
                              tarn::LeakyReLU, tarn::MaxPool2D, tarn::ReLU, tarn::Sigmoid, tarn::Softmax, tarn::Tanh>;

/// "28x28x1" as [28, 28, 1]. Throws ArgumentError that names the part which is no extent.
tarn::Shape parse_input(const std::string& text);

/// Layers in words, with a semicolon between two: `conv F K same|valid [activation]`, `avgpool N`, `maxpool N`, `batchnorm`,
/// `dropout R`, `flatten`, `dense U [activation]`, and the activations `relu`, `leakyrelu`, `tanh`, `sigmoid`, `softmax`, which are
/// layers too. Throws ArgumentError that names the layer and the word.
std::vector<AnyLayer> parse_layers(const std::string& text);

}  // namespace benchmark
