// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/optim/optimizer.hpp>

namespace tarn {

/// Stochastic gradient descent: w -= rate g; with momentum v = momentum v - rate g, w += v; with Nesterov's
/// w += momentum v - rate g in its place. Source: the definition of Keras's SGD.
/// PyTorch keeps v without the rate (v = momentum v + g, w -= rate v), which is the same while the rate is constant, and its
/// weight decay adds weight_decay w to the gradient, which is the same without momentum.
/// Throws ArgumentError for an option out of range.
struct SGD {
  static constexpr const char* name = "SGD";

  LearningRate learning_rate = 0.01;  ///< per update: a number or a schedule
  double momentum = 0;                ///< share of the last update kept, in [0, 1)
  bool nesterov = false;              ///< looks one step of the momentum ahead; nothing changes without momentum
  double weight_decay = 0;            ///< w -= weight_decay rate w before each update; at least 0
  GradientClip clip = {};             ///< ClipValue{limit} or ClipGlobalNorm{limit}

  template <class T, class D>
  class Updater;
};

/// The optimizer at work on the flat parameters of one model.
template <class T, class D>
class SGD::Updater {
 public:
  Updater(const SGD& spec, Index size) : spec_{spec} {
    detail::expect_share(name, "momentum", spec.momentum);
    detail::expect_common(name, spec.weight_decay, spec.clip);
    if (spec.momentum != 0) velocities_ = Tensor<T, D>{Shape{size}};
  }

  /// The rate of the update at this point. Throws ArgumentError where it is out of range.
  double learning_rate(Progress progress) const { return spec_.learning_rate(progress); }

  /// The numbers of an update with this rate, after `iteration` others: all that changes from one to the next.
  UpdateTerms<double> terms(double rate, Index /*iteration*/) const { return detail::update_terms(spec_, rate); }
  /// One update with this rate, after `iteration` others, of the weights in `ranges`. May change the gradients there.
  void update(const TensorView<T, D>& weights, const TensorView<T, D>& gradients, std::span<const Range> ranges, double rate,
              Index iteration) {
    UpdateTerms<double> terms = this->terms(rate, iteration);
    spec_.clip.prepare_norm(name, gradients, ranges, terms);
    if (spec_.momentum == 0)
      ops::sgd(weights, TensorView<const T, D>{gradients}, ranges, terms);
    else
      ops::sgd_momentum(weights, velocities_.view(), TensorView<const T, D>{gradients}, ranges, terms, spec_.momentum,
                        spec_.nesterov);
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
