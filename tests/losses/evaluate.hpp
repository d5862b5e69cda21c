// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <tarn/losses/targets.hpp>
#include <tarn/ops/copy.hpp>

#include "../support/compare.hpp"

namespace support {

using LossValues = std::vector<double>;

/// What a loss looks at: outputs [n, sample...], and targets like them, or [n], or labels.
struct LossInput {
  tarn::Shape sample;
  LossValues outputs, targets;
  std::vector<std::int32_t> labels = {};
  LossValues weights = {};
  bool scalar_targets = false;  ///< targets [n] for outputs [n, 1]

  tarn::Index count() const { return static_cast<tarn::Index>(outputs.size()) / sample.size(); }
};

struct LossFound {
  double sum = 0;       ///< what the loss returned
  LossValues gradient;  ///< of the objective
  bool clean = true;    ///< unused lanes of the gradient hold zeros, and without a gradient the loss is the same number
};

template <class T>
tarn::Batch<T> batch_of(tarn::Tensor<T>& memory, tarn::Index count, const tarn::Shape& sample, const LossValues& values) {
  memory = tarn::Tensor<T>{tarn::Shape{tarn::Batch<T>{nullptr, count, sample}.size()}};
  tarn::Batch<T> result{memory.data(), count, sample};
  const tarn::Tensor<T> tensor{result.shape(), std::vector<T>(values.begin(), values.end())};
  tarn::ops::from_tensor(tensor.view(), result);
  return result;
}

/// The loss and its gradient in T; the loss alone must be the same number.
template <class T, class Loss>
LossFound evaluate(const Loss& loss, const LossInput& input) {
  const tarn::Index count = input.count();
  tarn::Tensor<T> memory_y, memory_t, memory_g;
  const tarn::Batch<T> y = batch_of(memory_y, count, input.sample, input.outputs);
  tarn::Targets<T> targets;
  if (!input.labels.empty())
    targets.labels = {input.labels.data(), {count}};
  else
    targets.vectors = batch_of(memory_t, count, input.scalar_targets ? tarn::Shape{} : input.sample, input.targets);
  const std::vector<T> weights(input.weights.begin(), input.weights.end());
  if (!weights.empty()) targets.weights = {weights.data(), {count}};
  tarn::Batch<T> gradient = batch_of(memory_g, count, input.sample, LossValues(input.outputs.size(), 99));
  LossFound found;
  found.sum = loss(y, targets, &gradient);
  const double alone = loss(y, targets, static_cast<tarn::Batch<T>*>(nullptr));
  if (!(alone == found.sum) && !(alone != alone && found.sum != found.sum)) found.clean = false;
  tarn::Tensor<T> result{gradient.shape()};
  tarn::ops::to_tensor(gradient, result.view());
  found.gradient = doubles(result);
  for (tarn::Index i = 0; i < gradient.size(); ++i) {
    const tarn::Index lane = i % gradient.lanes(), group = i / gradient.group_size();
    if (lane >= gradient.used_lanes(group) && memory_g[i] != 0) found.clean = false;
  }
  return found;
}

}  // namespace support
