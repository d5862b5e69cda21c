// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models.hpp"

/// The cases of tests/reference/*.json, whose README describes them.
namespace support {

/// One pass of a layer or of a model of blocks. Where there is no training, there are no gradients.
struct LayerCase {
  std::string name;
  std::vector<AnySpec> specs;  ///< the layer; none for blocks, which the test builds
  std::string frozen;          ///< a layer that is not trained, or empty
  tarn::Shape x_shape, y_shape;
  bool training = true;
  std::map<std::string, Values> parameters, gradients, after;  ///< by full name, as in "conv2d/kernel"
  Values x, y, dy, dx;
};
std::vector<LayerCase> layer_cases();        ///< layers.json
std::vector<LayerCase> keras_layer_cases();  ///< layers_keras.json
std::vector<LayerCase> keras_block_cases();  ///< blocks_keras.json

/// What a model of the case's layers makes of its x and dy, for float and double.
template <class T>
Run run(tarn::Sequential<T> model, const LayerCase& c);
/// Where that differs from the case by more than `tolerance`, and by how much; empty if it agrees.
std::string differences(const Run& run, const LayerCase& c, double tolerance);

struct LossCase {
  std::string name;
  bool from_logits = false;
  tarn::Shape x_shape;
  Values x, targets, dx;  ///< targets: empty where there are labels
  std::vector<std::int32_t> labels;
  double loss = 0, accuracy = 0;
};
std::vector<LossCase> loss_cases();

/// What is kept of a tensor.
struct TensorSummary {
  double sum = 0, sum_of_squares = 0;
  Values first, last;
};
struct LeNetCase {
  struct Parameter {
    std::string name;
    int salt = 0;
    double factor = 0, offset = 0;
    TensorSummary start, first_gradient, after;
  };
  std::string name;
  std::vector<AnySpec> specs;
  double learning_rate = 0, momentum = 0;
  tarn::Index batch_size = 0, steps = 0;
  int pixel_salt = 0;
  Values losses, logits;
  std::vector<Parameter> parameters;
  std::map<std::string, Values> moving;  ///< by full name, as in "batch_norm/moving_mean"
};
std::vector<LeNetCase> lenet_cases();

/// The exact formula that all tensors are made of.
inline double reference_value(tarn::Index i, int salt) {
  return static_cast<double>(((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0;
}
/// The largest difference of a tensor from a summary, relative to its own largest magnitude.
double summary_error(const Values& values, const TensorSummary& expected);

}  // namespace support
