// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/ops/optimizers.hpp>
#include <tarn/optim/optimizer.hpp>

namespace tarn {

/// Stochastic gradient descent: w -= rate g; with momentum v = momentum v - rate g, w += v, as Keras does.
/// (PyTorch keeps v without the rate, v = momentum v + g, w -= rate v: the same while the rate is constant.)
/// Throws ArgumentError for a momentum outside [0, 1).
struct SGD {
  static constexpr const char* name = "SGD";

  LearningRate learning_rate = 0.01;  ///< per update: a number or a schedule
  double momentum = 0;                ///< share of the last update kept, in [0, 1)

  template <class T, class D>
  class Updater;
};

/// The optimizer at work on the flat parameters of one model.
template <class T, class D>
class SGD::Updater {
 public:
  Updater(const SGD& spec, Index size) : spec_{spec} {
    if (!(spec.momentum >= 0 && spec.momentum < 1))
      throw ArgumentError("SGD: momentum is ", spec.momentum, ", expected at least 0 and below 1");
    if (spec.momentum != 0) velocities_ = Tensor<T, D>{Shape{size}};
  }

  /// The rate of the update at this point. Throws ArgumentError where it is out of range.
  double learning_rate(Progress progress) const { return spec_.learning_rate(progress); }

  /// One update with this rate, after `iteration` others, of the weights in `ranges`.
  void update(const TensorView<T, D>& weights, const TensorView<const T, D>& gradients, std::span<const Range> ranges,
              double rate, Index /*iteration*/) {
    if (spec_.momentum == 0)
      ops::sgd(weights, gradients, ranges, rate);
    else
      ops::sgd_momentum(weights, velocities_.view(), gradients, ranges, rate, spec_.momentum);
  }

  /// With momentum: `velocity`.
  std::vector<Slot<T, D>> slots() {
    if (spec_.momentum == 0) return {};
    return {{"velocity", velocities_.view()}};
  }

 private:
  SGD spec_;
  Tensor<T, D> velocities_;  // layout of the parameters; empty without momentum
};

}  // namespace tarn
