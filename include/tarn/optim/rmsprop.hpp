// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/optim/optimizer.hpp>

namespace tarn {

/// RMSprop: the gradient divided by the root of a moving mean of its squares, s = rho s + (1 - rho) g^2,
/// w -= rate g / sqrt(s + epsilon). Centered: the variance s - m^2 in the place of s, m the moving mean of g.
/// With momentum v = momentum v + rate g / sqrt(s + epsilon), w -= v. Source: the definition of Keras's RMSprop, here with the
/// variance kept from falling below 0 by rounding.
/// PyTorch's has rho (its alpha) 0.99, the rate 0.01 and epsilon 1e-8, adds epsilon outside the root and keeps v without the
/// rate; its weight decay adds weight_decay w to the gradient.
/// Throws ArgumentError for an option out of range.
struct RMSprop {
  static constexpr const char* name = "RMSprop";

  LearningRate learning_rate = 0.001;  ///< per update: a number or a schedule
  double rho = 0.9;                    ///< share of the moving means kept at each update, in [0, 1)
  double momentum = 0;                 ///< share of the last update kept, in [0, 1)
  double epsilon = 1e-7;               ///< inside the root, above 0
  bool centered = false;
  double weight_decay = 0;  ///< w -= weight_decay rate w before each update; at least 0
  GradientClip clip = {};   ///< ClipValue{limit} or ClipGlobalNorm{limit}

  template <class T, class D>
  class Updater;
};

/// The optimizer at work on the flat parameters of one model.
template <class T, class D>
class RMSprop::Updater {
 public:
  Updater(const RMSprop& spec, Index size) : spec_{spec} {
    detail::expect_share(name, "rho", spec.rho);
    detail::expect_share(name, "momentum", spec.momentum);
    detail::expect_epsilon<T>(name, spec.epsilon);
    detail::expect_common(name, spec.weight_decay, spec.clip);
    squares_ = Tensor<T, D>{Shape{size}};
    if (spec.centered) means_ = Tensor<T, D>{Shape{size}};
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
    ops::rmsprop(weights, squares_.view(), means_.view(), velocities_.view(), TensorView<const T, D>{gradients}, ranges, terms,
                 spec_.rho, spec_.momentum, spec_.epsilon);
  }

  /// `mean_square`; centered also `mean`; with momentum also `velocity`.
  std::vector<Slot<T, D>> slots() {
    std::vector<Slot<T, D>> result{{"mean_square", squares_.view()}};
    if (spec_.centered) result.push_back({"mean", means_.view()});
    if (spec_.momentum != 0) result.push_back({"velocity", velocities_.view()});
    return result;
  }

 private:
  RMSprop spec_;
  Tensor<T, D> squares_, means_, velocities_;  // layout of the parameters; empty where the spec does without
};

}  // namespace tarn
