// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <tarn/layers/step.hpp>
#include <tarn/ops/norm.hpp>
#include <tarn/ops/norm_pool2d.hpp>

namespace tarn {

/// Batch normalisation y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each channel of the last axis.
/// Training: mean and biased variance of the batch over all other axes; the moving statistics then become
/// momentum old + (1 - momentum) new. Inference, and while the layer is frozen: the moving statistics. Defaults and formulas
/// are Keras's; PyTorch counts the momentum from the other end (0.01 here) and moves towards the unbiased variance.
/// Shapes: x and y [batch, .., c]; `gamma`, `beta`, `moving_mean`, `moving_variance` [c].
/// Throws ShapeError for a sample without axes, ArgumentError for a momentum outside [0, 1] or an epsilon that is not
/// above 0 and finite as a T.
struct BatchNorm {
  static constexpr const char* type = "BatchNorm";
  static constexpr const char* name = "batch_norm";

  double momentum = 0.99;  ///< share of the old moving statistic kept at each step
  double epsilon = 1e-3;   ///< added to the variance, inside the root

  bool operator==(const BatchNorm&) const = default;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class BatchNorm::Layer final : public tarn::Layer<T, D> {
 public:
  [[gnu::cold]] Layer(const BatchNorm& spec, const Shape& input, Setup<T, D>& setup)
      : spec_{checked(spec, input)}, output_{input} {
    const Shape channels{input.back()};
    gamma_ = setup.parameter("gamma", channels, Ones{});
    beta_ = setup.parameter("beta", channels, Zeros{});
    moving_mean_ = setup.state("moving_mean", channels, Zeros{});
    moving_variance_ = setup.state("moving_variance", channels, Ones{});
    mean_ = setup.keep(channels);
    variance_ = setup.keep(channels);
    sums_ = setup.keep({2, input.back()});
    setup.scratch(ops::norm_scratch(input.back()));
  }

  Shape output_shape() const override { return output_; }
  bool gives_dz() const override { return true; }
  Reads backward_reads(const Step<T, D>& step) const override {
    return {!step.takes_sums() && (!step.frozen() || step.below() != Activation{}), false};
  }
  TensorView<T, D> gradient_sums(const Step<T, D>& step) const override {
    if constexpr (OnCpu<D>)
      if (!step.frozen() && ops::can_use_sums(step.value(gamma_), step.value(beta_))) return step.kept(sums_);
    return {};
  }
  std::shared_ptr<const LayerPair<T, D>> paired(const tarn::Layer<T, D>& next) const override {
    if constexpr (OnCpu<D>)
      if (next.averages()) return std::make_shared<Averaged>(*this, *next.averages());
    return nullptr;
  }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    TensorView<const T, D> mean = step.value(moving_mean_), variance = step.value(moving_variance_);
    if (step.training() && !step.frozen()) {
      ops::moments(x, step.kept(mean_), step.kept(variance_), step.scratch());
      move_statistics(step);
      mean = step.kept(mean_), variance = step.kept(variance_);
    }
    ops::normalize(x, mean, variance, spec_.epsilon, step.value(gamma_), step.value(beta_), y, step.scratch());
  }
  void backward(const Batch<T, D>& x, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    if (step.frozen()) {  // dx = gamma / sqrt(variance + epsilon) dy
      if (!dx) return;
      ops::normalize_input_gradient(dy, step.value(moving_variance_), spec_.epsilon, step.value(gamma_), *dx, step.scratch());
      ops::activation_gradient(step.below(), x, *dx);
      return;
    }
    if constexpr (OnCpu<D>)
      if (step.takes_sums())
        return ops::normalize_gradient_of_sums<T, D>(step.kept(sums_), step.value(gamma_), step.value(beta_),
                                                     step.gradient(gamma_), step.gradient(beta_));
    // dbeta = sum dy, dgamma = sum dy xhat, dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - xhat mean(dy xhat))
    const TensorView<const T, D> mean = step.kept(mean_), variance = step.kept(variance_);
    ops::normalize_gradient(x, dy, mean, variance, spec_.epsilon, step.value(gamma_), step.gradient(gamma_), step.gradient(beta_),
                            dx, step.scratch(), step.below());
  }

 private:
  /// With the mean of windows behind it: a mean of normalised values is the normalised mean, of which there are fewer.
  class Averaged final : public LayerPair<T, D> {
   public:
    Averaged(const Layer& norm, const cpu::PoolGeometry& windows) : norm_{norm}, windows_{windows} {}

    void forward(const Batch<T, D>& x, Batch<T, D>& between, Batch<T, D>& y, Step<T, D>& step) const override {
      Batch<T, D> pooled{between.data(), y.count(), y.sample(), y.lanes()};
      TensorView<const T, D> mean = step.value(norm_.moving_mean_), variance = step.value(norm_.moving_variance_);
      if (step.training()) {
        ops::moments_and_pool(x, windows_, step.kept(norm_.mean_), step.kept(norm_.variance_), pooled, step.scratch());
        norm_.move_statistics(step);
        mean = step.kept(norm_.mean_), variance = step.kept(norm_.variance_);
      } else {
        ops::avg_pool2d(x, windows_, pooled);
      }
      ops::normalize(std::as_const(pooled), mean, variance, norm_.spec_.epsilon, step.value(norm_.gamma_),
                     step.value(norm_.beta_), y, step.scratch());
    }
    void backward(const Batch<T, D>& x, const Batch<T, D>& between, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx,
                  Step<T, D>& step) const override {
      Batch<T, D> memory = between;
      const Batch<T, D> pooled{memory.data(), y.count(), y.sample(), y.lanes()};
      const TensorView<const T, D> mean = step.kept(norm_.mean_), variance = step.kept(norm_.variance_);
      ops::normalize_pooled_gradient(x, pooled, windows_, dy, mean, variance, norm_.spec_.epsilon, step.value(norm_.gamma_),
                                     step.gradient(norm_.gamma_), step.gradient(norm_.beta_), dx, step.scratch(), step.below());
    }

   private:
    Layer norm_;
    cpu::PoolGeometry windows_;
  };

  /// The moving statistics go towards those of the batch.
  void move_statistics(Step<T, D>& step) const {
    const TensorView<const T, D> mean = step.kept(mean_), variance = step.kept(variance_);
    ops::move_towards(step.state(moving_mean_), mean, 1 - spec_.momentum);
    ops::move_towards(step.state(moving_variance_), variance, 1 - spec_.momentum);
  }

  static const BatchNorm& checked(const BatchNorm& spec, const Shape& input) {
    if (input.rank() == 0) throw ShapeError("BatchNorm: a sample is a single number, expected at least one axis");
    if (!(spec.momentum >= 0 && spec.momentum <= 1))
      throw ArgumentError("BatchNorm: momentum is ", spec.momentum, ", expected 0 to 1");
    if (!(spec.epsilon <= static_cast<double>(std::numeric_limits<T>::max())) || !(static_cast<T>(spec.epsilon) > 0))
      throw ArgumentError("BatchNorm: epsilon is ", spec.epsilon, ", expected above 0 and finite, in ",
                          sizeof(T) == 4 ? "float" : "double");
    return spec;
  }

  BatchNorm spec_;
  Shape output_;
  Parameter gamma_, beta_, moving_mean_, moving_variance_;  // each [c]
  Kept mean_, variance_, sums_;                             // [c], [c] of the batch; [2, c] of what arrives
};

}  // namespace tarn
