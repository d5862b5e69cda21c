// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include <tarn/ops/optimizers.hpp>
#include <tarn/schedulers/schedule.hpp>

namespace tarn {

/// A part of an optimizer's state: one number for each weight, in the parameters' layout. The name is that of the quantity,
/// the same in every model, so that the state can be saved by name.
template <class T, class D>
struct Slot {
  const char* name;
  TensorView<T, D> values;
};

/// Every element of the gradient is kept in [-limit, limit]. Keras: `clipvalue`; PyTorch: `clip_grad_value_`.
struct ClipValue {
  double limit;  ///< above 0 and finite
};
/// The gradient of all trained weights as one vector is shortened to `limit` where its norm is larger: g limit / |g|.
/// Keras: `global_clipnorm`; PyTorch: `clip_grad_norm_`, which adds 1e-6 to the norm. The norm is summed in double.
struct ClipGlobalNorm {
  double limit;  ///< above 0 and finite
};

/// An optimizer's option to clip gradients: not at all, by value or by norm. It acts before the formula and the slots.
class GradientClip {
 public:
  GradientClip() = default;
  GradientClip(ClipValue clip) : kind_{Kind::value}, limit_{clip.limit} {}             // NOLINT: implicit, an option's value
  GradientClip(ClipGlobalNorm clip) : kind_{Kind::global_norm}, limit_{clip.limit} {}  // NOLINT

  /// Throws ArgumentError for a limit out of range.
  void check(const char* optimizer) const {
    if (kind_ == Kind::none || (limit_ > 0 && std::isfinite(limit_))) return;
    throw ArgumentError(optimizer, kind_ == Kind::value ? ": clip by value" : ": clip by global norm", ": limit is ", limit_,
                        ", expected above 0 and finite");
  }

  /// Sets the part of an update that keeps each element of the gradient in bounds.
  void prepare_value(UpdateTerms<double>& terms) const {
    if (kind_ == Kind::value) terms.limit = limit_;
  }
  /// Sets the part of an update that shortens these gradients; with a model a lane, shortens them in place. Throws StateError where
  /// the norm of a single model's gradient is not finite.
  template <class T, class D>
  void prepare_norm(const char* optimizer, const TensorView<T, D>& gradients, std::span<const Range> ranges,
                    UpdateTerms<double>& terms) const {
    if (kind_ != Kind::global_norm) return;
    if constexpr (std::is_same_v<D, CpuModels>) {
      ops::clip_models(gradients, ranges, limit_);
    } else {
      if constexpr (OnGpu<D>)
        if (ops::clip_in_step(TensorView<const T, D>{gradients}, ranges, limit_)) return;
      const double norm = std::sqrt(ops::sum_of_squares(TensorView<const T, D>{gradients}, ranges));
      if (!std::isfinite(norm)) throw StateError(optimizer, ": clip by global norm: the gradient's norm is ", norm);
      if (norm > limit_) terms.scale = limit_ / norm;
    }
  }

 private:
  enum class Kind { none, value, global_norm } kind_ = Kind::none;
  double limit_ = 0;
};

namespace detail {

/// Throws ArgumentError unless a share (momentum, rho, beta) is in [0, 1).
inline void expect_share(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value < 1))
    throw ArgumentError(optimizer, ": ", option, " is ", value, ", expected at least 0 and below 1");
}
/// Throws ArgumentError unless epsilon is positive as a T.
template <class T>
void expect_epsilon(const char* optimizer, double value) {
  if (!(static_cast<T>(value) > 0) || !std::isfinite(value))
    throw ArgumentError(optimizer, ": epsilon is ", value, ", expected above 0 and finite, in ",
                        sizeof(T) == 4 ? "float" : "double");
}
/// Throws ArgumentError for a weight decay or a clip out of range.
inline void expect_common(const char* optimizer, double weight_decay, const GradientClip& clip) {
  if (!(weight_decay >= 0) || !std::isfinite(weight_decay))
    throw ArgumentError(optimizer, ": weight_decay is ", weight_decay, ", expected at least 0 and finite");
  clip.check(optimizer);
}

/// What all optimizers do around their formula: clip the gradient (by norm once there is one), and let w -= weight_decay rate w first.
template <class Spec>
UpdateTerms<double> update_terms(const Spec& spec, double rate) {
  UpdateTerms<double> terms{.rate = rate, .keep = 1 - spec.weight_decay * rate};
  spec.clip.prepare_value(terms);
  return terms;
}

}  // namespace detail

}  // namespace tarn
