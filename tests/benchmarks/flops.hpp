// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/sequential.hpp>

namespace benchmark {

/// Arithmetic of one sample.
struct Flops {
  double predict = 0, train = 0;
};

/// Counted from the shapes: two operations for each multiply-add of the convolutions and products, with the zeros of padding. Training
/// is the forward pass and both gradients, without the gradient of the first convolution's or product's input: the data have none,
/// and that of a normalisation before it follows from sums. Biases, activations, pooling, normalisation and the optimizer count
/// nothing.
template <class T, class D>
Flops flops(const tarn::Sequential<T, D>& model) {
  Flops total;
  double first = 0;
  for (const auto& placed : model.layers()) {
    const double forward = placed.layer ? placed.layer->flops() : 0;
    if (first == 0) first = forward;
    total.predict += forward;
  }
  total.train = 3 * total.predict - first;
  return total;
}

}  // namespace benchmark
