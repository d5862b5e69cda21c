// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>

#include <tarn/layers/sequential.hpp>
#include <tarn/train/callbacks.hpp>

namespace tarn {

/// How EarlyStopping judges.
struct EarlyStoppingOptions {
  Index patience = 0;        ///< epochs in a row without improvement after which the training stops; 0 counts as 1
  double least_change = 0;   ///< what counts as an improvement must exceed it; at least 0 and finite
  Index start_from = 1;      ///< the first epoch that is looked at, from 1 on
  bool restore_best = true;  ///< the model ends with the weights and state of the best epoch; else with the last ones
  bool larger_is_better = false;
  /// What is looked at; unset: the validation loss, or the training loss without validation.
  std::function<double(const EpochRecord&)> monitor = {};
};

/// Ends a training whose monitored figure improves no more. Give it to `fit` as it is, or by std::ref to ask it afterwards.
/// The model must be the one that is trained, and outlive it. Defaults are Keras's but for `restore_best`, which is false there.
/// The first value that is a number counts as the best so far, and NaN never improves on it. Throws ArgumentError for an option out
/// of range.
template <class T, class D>
class EarlyStopping {
 public:
  explicit EarlyStopping(Sequential<T, D>& model, EarlyStoppingOptions options = {})
      : model_{&model}, options_{std::move(options)} {
    if (options_.patience < 0) throw ArgumentError("EarlyStopping: patience is ", options_.patience, ", expected at least 0");
    if (!(options_.least_change >= 0) || std::isinf(options_.least_change))
      throw ArgumentError("EarlyStopping: least_change is ", options_.least_change, ", expected at least 0 and finite");
    if (options_.start_from < 1)
      throw ArgumentError("EarlyStopping: start_from is ", options_.start_from, ", expected at least 1");
  }

  void on_fit_begin(const FitInfo&) {
    best_ = std::numeric_limits<double>::quiet_NaN();
    best_epoch_ = waited_ = 0;
  }
  Training on_epoch_end(const EpochRecord& record) {
    if (record.epoch < options_.start_from) return Training::go_on;
    const double value =
        options_.monitor ? options_.monitor(record) : (record.validation ? record.validation->loss : record.training.loss);
    if (best_epoch_ == 0 || improves(value)) {
      best_ = value;
      best_epoch_ = record.epoch;
      waited_ = 0;
      if (options_.restore_best) keep();
      return Training::go_on;
    }
    return ++waited_ >= std::max<Index>(options_.patience, 1) ? Training::stop : Training::go_on;
  }
  void on_fit_end(const History&) {
    if (!options_.restore_best || best_epoch_ == 0) return;
    Parameters<T, D>& parameters = model_->parameters();
    ops::copy(std::as_const(weights_).view(), parameters.trainable());
    ops::copy(std::as_const(state_).view(), parameters.state());
  }

  double best() const { return best_; }             ///< the best value seen; NaN where there was none
  Index best_epoch() const { return best_epoch_; }  ///< where it was seen; 0 before the first

 private:
  bool improves(double value) const {
    if (std::isnan(best_)) return !std::isnan(value);
    return options_.larger_is_better ? value > best_ + options_.least_change : value < best_ - options_.least_change;
  }
  void keep() {
    const Parameters<T, D>& parameters = std::as_const(*model_).parameters();
    if (weights_.size() != parameters.trainable_count()) weights_ = Tensor<T, D>{Shape{parameters.trainable_count()}};
    if (state_.size() != parameters.state_count()) state_ = Tensor<T, D>{Shape{parameters.state_count()}};
    ops::copy(parameters.trainable(), weights_.view());
    ops::copy(parameters.state(), state_.view());
  }

  Sequential<T, D>* model_;
  EarlyStoppingOptions options_;
  double best_ = std::numeric_limits<double>::quiet_NaN();
  Index best_epoch_ = 0, waited_ = 0;
  Tensor<T, D> weights_, state_;  // of the best epoch
};

}  // namespace tarn
