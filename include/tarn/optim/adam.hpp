// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/optim/optimizer.hpp>

namespace tarn {

/// Adam: moving means m of the gradient and v of its square, m += (1 - beta_1) (g - m), v += (1 - beta_2) (g^2 - v), and at
/// update number t = 1, 2, ... w -= rate m sqrt(1 - beta_2^t) / (1 - beta_1^t) / (sqrt(v) + epsilon).
/// AMSGrad: the largest v so far in the place of v. Source: the definition of Keras's Adam (the form that ends section 2 of
/// Kingma and Ba, arXiv 1412.6980).
/// PyTorch's epsilon is 1e-8 and meets the corrected root, sqrt(v / (1 - beta_2^t)) + epsilon: the same as epsilon times
/// sqrt(1 - beta_2^t) here; its weight decay adds weight_decay w to the gradient.
/// Throws ArgumentError for an option out of range.
struct Adam {
  static constexpr const char* name = "Adam";

  LearningRate learning_rate = 0.001;  ///< per update: a number or a schedule
  double beta_1 = 0.9;                 ///< share of m kept at each update, in [0, 1)
  double beta_2 = 0.999;               ///< share of v kept at each update, in [0, 1)
  double epsilon = 1e-7;               ///< outside the root, above 0
  bool amsgrad = false;
  double weight_decay = 0;  ///< w -= weight_decay rate w before each update; at least 0
  GradientClip clip = {};   ///< ClipValue{limit} or ClipGlobalNorm{limit}

  template <class T, class D>
  class Updater;
};

/// Adam with weight decay 0.004, as in Keras. PyTorch's AdamW decays alike, by 0.01.
/// Source: Keras's definition (Loshchilov and Hutter, arXiv 1711.05101).
struct AdamW {
  static constexpr const char* name = "AdamW";

  LearningRate learning_rate = 0.001;  ///< per update: a number or a schedule
  double beta_1 = 0.9;                 ///< share of m kept at each update, in [0, 1)
  double beta_2 = 0.999;               ///< share of v kept at each update, in [0, 1)
  double epsilon = 1e-7;               ///< outside the root, above 0
  bool amsgrad = false;
  double weight_decay = 0.004;  ///< w -= weight_decay rate w before each update; at least 0
  GradientClip clip = {};       ///< ClipValue{limit} or ClipGlobalNorm{limit}

  template <class T, class D>
  class Updater;
};

namespace detail {

/// Adam or AdamW at work on the flat parameters of one model.
template <class Spec, class T, class D>
class AdamUpdater {
 public:
  AdamUpdater(const Spec& spec, Index size) : spec_{spec} {
    expect_share(Spec::name, "beta_1", spec.beta_1);
    expect_share(Spec::name, "beta_2", spec.beta_2);
    expect_epsilon<T>(Spec::name, spec.epsilon);
    expect_common(Spec::name, spec.weight_decay, spec.clip);
    momentums_1_ = momentums_2_ = Tensor<T, D>{Shape{size}};
    if (spec.amsgrad) largest_ = Tensor<T, D>{Shape{size}};
  }

  /// The rate of the update at this point, before Adam's own correction. Throws ArgumentError where it is out of range.
  double learning_rate(Progress progress) const { return spec_.learning_rate(progress); }

  /// The numbers of an update with this rate, after `iteration` others: all that changes from one to the next.
  UpdateTerms<double> terms(double rate, Index iteration) const {
    const double t = static_cast<double>(iteration) + 1;
    UpdateTerms<double> terms = update_terms(spec_, rate);
    terms.rate *= std::sqrt(1 - std::pow(spec_.beta_2, t)) / (1 - std::pow(spec_.beta_1, t));
    return terms;
  }
  /// One update with this rate, after `iteration` others, of the weights in `ranges`. May change the gradients there.
  void update(const TensorView<T, D>& weights, const TensorView<T, D>& gradients, std::span<const Range> ranges, double rate,
              Index iteration) {
    UpdateTerms<double> terms = this->terms(rate, iteration);
    spec_.clip.prepare_norm(Spec::name, gradients, ranges, terms);
    ops::adam(weights, momentums_1_.view(), momentums_2_.view(), largest_.view(), TensorView<const T, D>{gradients}, ranges,
              terms, spec_.beta_1, spec_.beta_2, spec_.epsilon);
  }

  /// `momentum_1` (m), `momentum_2` (v); with AMSGrad also `largest_momentum_2`.
  std::vector<Slot<T, D>> slots() {
    std::vector<Slot<T, D>> result{{"momentum_1", momentums_1_.view()}, {"momentum_2", momentums_2_.view()}};
    if (spec_.amsgrad) result.push_back({"largest_momentum_2", largest_.view()});
    return result;
  }

 private:
  Spec spec_;
  Tensor<T, D> momentums_1_, momentums_2_, largest_;  // layout of the parameters; the last empty without AMSGrad
};

}  // namespace detail

template <class T, class D>
class Adam::Updater : public detail::AdamUpdater<Adam, T, D> {
  using detail::AdamUpdater<Adam, T, D>::AdamUpdater;
};
template <class T, class D>
class AdamW::Updater : public detail::AdamUpdater<AdamW, T, D> {
  using detail::AdamUpdater<AdamW, T, D>::AdamUpdater;
};

}  // namespace tarn
