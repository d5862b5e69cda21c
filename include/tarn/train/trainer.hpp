// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include <tarn/layers/sequential.hpp>
#include <tarn/losses/categorical_cross_entropy.hpp>
#include <tarn/optim/sgd.hpp>
#include <tarn/train/callbacks.hpp>
#include <tarn/train/target_buffer.hpp>

namespace tarn {

/// How `fit` goes.
struct FitOptions {
  Index epochs = 1;                     ///< at least 1
  BatchSize batch_size = 32;            ///< a number or a schedule; an epoch's last batch may be shorter
  const Dataset* validation = nullptr;  ///< evaluated after each epoch
  bool shuffle = true;                  ///< a new order each epoch, else the stored one
  std::vector<Callback> callbacks = {};
};

/// Trains a model: loss, optimizer, and everything that lasts from step to step. The model must outlive it and stay in place.
/// A loss of your own needs what CategoricalCrossEntropy has: `classifies`, `check(output, targets)`, and a call operator that
/// takes (outputs, targets, gradient or nullptr) and returns the sum over the samples. An optimizer of your own needs what SGD
/// has: a class template `Updater<T, D>`, made from (spec, number of weights), with `learning_rate`, `update` and `slots`.
template <class T, class D, class Loss, class Optimizer>
class Trainer {
 public:
  /// `seed` is that of data order and dropout; weights are the model's own.
  Trainer(Sequential<T, D>& model, const Loss& loss, const Optimizer& optimizer, std::uint64_t seed = 0)
      : model_{model},
        loss_{loss},
        updater_{optimizer, model.parameters().trainable_count()},
        gradients_{Shape{model.parameters().trainable_count()}},
        state_before_{Shape{model.parameters().state_count()}},
        workspace_{model.workspace(true)},
        seed_{seed},
        layers_{&model.layers()} {}

  /// Trains for `options.epochs` more epochs. Memory is taken before the first step, for the largest batch of the run.
  /// Throws ShapeError or ArgumentError for data or options that do not fit, StateError when a loss, an activation or a
  /// gradient is no longer finite, naming step, layer and tensor; the weights are then those before that step.
  History fit(const Dataset& data, const FitOptions& options) {
    check(data, "fit");
    if (options.validation) check(*options.validation, "fit: validation");
    if (options.epochs < 1) throw ArgumentError("fit: epochs is ", options.epochs, ", expected at least 1");
    reserve(largest_batch(data.size(), options), data.targets);
    std::vector<std::uint32_t> order(static_cast<std::size_t>(data.size()));
    History history;
    history.epochs.reserve(static_cast<std::size_t>(std::min<Index>(options.epochs, 1024)));
    for (const auto& callback : options.callbacks) callback.fit_begin({options.epochs, data.size()});
    bool stopped = false;
    for (Index epoch = 1; epoch <= options.epochs && !stopped; ++epoch) {
      const auto start = std::chrono::steady_clock::now();
      for (const auto& callback : options.callbacks) callback.epoch_begin(epoch);
      std::iota(order.begin(), order.end(), 0U);
      if (options.shuffle) tarn::shuffle(order, Stream{seed_, Purpose::shuffle, epochs_});
      EpochRecord record;
      record.epoch = epoch;
      Sums sums;
      for (Index first = 0; first < data.size() && !stopped;) {
        const Index count = std::min(options.batch_size(Progress{iteration_, epochs_}), data.size() - first);
        StepInfo info =
            step(data, std::span{order}.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), sums, "fit");
        info.epoch = epoch;
        record.learning_rate = info.learning_rate;
        ++record.steps;
        first += count;
        for (const auto& callback : options.callbacks) stopped |= callback.step_end(info) == Training::stop;
      }
      ++epochs_;
      record.training = sums.metrics();
      if (options.validation) record.validation = evaluate(*options.validation);
      record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      history.epochs.push_back(record);
      for (const auto& callback : options.callbacks) stopped |= callback.epoch_end(record) == Training::stop;
    }
    for (const auto& callback : options.callbacks) callback.fit_end(history);
    return history;
  }

  /// One update on all samples of `batch`. Throws as `fit` does. Allocates only where a batch is larger than any before.
  Metrics train_on_batch(const Dataset& batch) {
    check(batch, "train_on_batch");
    reserve(batch.size(), batch.targets);
    if (static_cast<Index>(rows_.size()) < batch.size()) {
      rows_.resize(static_cast<std::size_t>(batch.size()));
      std::iota(rows_.begin(), rows_.end(), 0U);
    }
    Sums sums;
    step(batch, std::span{rows_}.first(static_cast<std::size_t>(batch.size())), sums, "train_on_batch");
    return sums.metrics();
  }

  /// Loss and metrics over a data set, in inference mode. Throws ShapeError or ArgumentError for data that do not fit.
  Metrics evaluate(const Dataset& data) const {
    check(data, "evaluate");
    Sums sums;
    model_.with_workspace([&](Workspace<T, D>& workspace) {
      constexpr Index chunk = Sequential<T, D>::predict_batch;
      std::vector<std::uint32_t> rows(static_cast<std::size_t>(std::min(chunk, data.size())));
      TargetBuffer<T, D> buffer;
      workspace.reserve(static_cast<Index>(rows.size()));
      buffer.reserve(static_cast<Index>(rows.size()), data.targets);
      for (Index first = 0; first < data.size(); first += chunk) {
        const Index count = std::min(chunk, data.size() - first);
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
        const auto chosen = std::span<const std::uint32_t>{rows}.first(static_cast<std::size_t>(count));
        Batch<T, D> x = workspace.activation(-1, count);
        ops::gather(data.inputs, chosen, x);
        Step<T, D> pass{std::as_const(model_).parameters(), workspace};
        model_.forward(workspace, count, pass);
        const Batch<T, D> y = workspace.activation(model_.last_layer(), count);
        const Targets<T, D> targets = buffer.gather(data.targets, chosen, y.sample(), "evaluate");
        sums.add(loss_(y, targets, static_cast<Batch<T, D>*>(nullptr)), correct(y, targets), count);
      }
    });
    return sums.metrics();
  }

  Index iterations() const { return iteration_; }                  ///< updates made so far
  TensorView<const T, D> gradients() const { return gradients_; }  ///< of the last step, in the parameters' layout
  Index workspace_bytes() const { return workspace_.bytes(); }

 private:
  /// Sums over samples, in double and in order, so that they do not depend on the batch's split.
  struct Sums {
    double loss = 0;
    Index correct = 0, samples = 0;

    void add(double batch_loss, Index batch_correct, Index batch) {
      loss += batch_loss;
      correct += batch_correct;
      samples += batch;
    }
    Metrics metrics() const {
      const double n = static_cast<double>(samples);
      Metrics result{samples, samples ? loss / n : 0, {}};
      if (Loss::classifies && samples) result.accuracy = static_cast<double>(correct) / n;
      return result;
    }
  };

  static Index correct(const Batch<T, D>& outputs, const Targets<T, D>& targets) {
    if constexpr (Loss::classifies)
      return ops::count_correct(outputs, targets);
    else
      return 0;
  }

  void check(const Dataset& data, const std::string& where) const {
    if (&model_.layers() != layers_)
      throw StateError(where, ": the model was replaced by one of other layers since the trainer was made; make a new trainer");
    if (data.size() > std::numeric_limits<std::uint32_t>::max())
      throw ArgumentError(where, ": ", data.size(), " samples, expected at most ", std::numeric_limits<std::uint32_t>::max());
    if (data.size() == 0) throw ArgumentError(where, ": the data set is empty");
    if (data.inputs.size() != data.targets.size())
      throw ShapeError(where, ": ", data.inputs.size(), " inputs and ", data.targets.size(), " targets");
    if (data.inputs.sample() != model_.input_shape())
      throw ShapeError(where, ": inputs are ", data.inputs.shape().to_string(), ", expected ",
                       detail::with_batch(model_.input_shape()));
    loss_.check(model_.output_shape(), data.targets);
  }

  /// The largest batch that the schedule will ask for, found by running it alone; of a very long run, its first part. A step
  /// whose batch is larger all the same takes more memory before it begins.
  Index largest_batch(Index samples, const FitOptions& options) const {
    if (options.batch_size.is_constant()) return std::min(options.batch_size(Progress{}), samples);
    const Index horizon = iteration_ + 1'000'000;
    Index largest = 0, iteration = iteration_;
    for (Index epoch = 0; epoch < options.epochs && largest < samples && iteration < horizon; ++epoch)
      for (Index first = 0; first < samples && iteration < horizon; ++iteration) {
        const Index count = std::min(options.batch_size(Progress{iteration, epochs_ + epoch}), samples - first);
        largest = std::max(largest, count);
        first += count;
      }
    return largest;
  }

  void reserve(Index batch, const Samples& targets) {
    workspace_.reserve(batch);
    targets_.reserve(batch, targets);
  }

  StepInfo step(const Dataset& data, std::span<const std::uint32_t> rows, Sums& sums, const char* where) {
    const Index count = static_cast<Index>(rows.size());
    reserve(count, data.targets);
    const double rate = updater_.learning_rate(Progress{iteration_, epochs_});  // throws before anything has changed
    const Targets<T, D> targets = targets_.gather(data.targets, rows, model_.output_shape(), where);
    Batch<T, D> x = workspace_.activation(-1, count);
    ops::gather(data.inputs, rows, x);
    ops::copy(std::as_const(model_).parameters().state(), state_before_.view());
    Step<T, D> pass{model_.parameters(), workspace_, gradients_.view(), seed_, iteration_};
    const Batch<T, D> y = workspace_.activation(model_.last_layer(), count);
    Batch<T, D> dy = workspace_.gradient(model_.last_layer(), count);
    double loss = 0;
    try {
      model_.forward(workspace_, count, pass);
      loss = loss_(y, targets, &dy);
      if (!std::isfinite(loss)) report_loss(loss, count, targets);
      model_.backward(workspace_, count, pass);
      if (!ops::all_finite(std::as_const(gradients_).view())) report_gradient();
    } catch (...) {  // moving statistics go back too: they neither keep nor take the blame for what spoilt the step
      ops::copy(std::as_const(state_before_).view(), model_.parameters().state());
      throw;
    }
    sums.add(loss, correct(y, targets), count);
    StepInfo info;
    info.iteration = iteration_;
    info.batch = count;
    info.learning_rate = rate;
    updater_.update(model_.parameters().trainable(), gradients_.view(), model_.trained(), rate, iteration_);
    info.loss = loss / static_cast<double>(count);
    info.running = sums.metrics();
    ++iteration_;
    return info;
  }

  static bool finite(const Batch<T, D>& batch) { return ops::all_finite(TensorView<const T, D>{batch.data(), {batch.size()}}); }

  /// Names the first tensor on the way forward that is not finite: input, targets, weights, then the layers' outputs. State
  /// (moving statistics) is looked at as it was before the step.
  [[noreturn]] void report_loss(double loss, Index count, const Targets<T, D>& targets) {
    const std::string where = tarn::detail::join({"step ", iteration_, ": the loss is ", loss, "; first not finite: "});
    if (!finite(workspace_.activation(-1, count))) throw StateError(where, "the input of the model");
    if (!targets.has_labels() && !finite(targets.vectors)) throw StateError(where, "the targets");
    const auto& parameters = std::as_const(model_).parameters();
    for (const auto& entry : parameters.entries()) {
      const auto& p = entry.parameter;
      const auto values = p.trainable ? parameters[p] : TensorView<const T, D>{state_before_.data() + p.offset, p.shape};
      if (!ops::all_finite(values)) throw StateError(where, entry.name);
    }
    for (Index i = 0; i <= model_.last_layer(); ++i)
      if (!finite(workspace_.activation(i, count)))
        throw StateError(where, "the output of layer ", i, " (", model_.layers()[static_cast<std::size_t>(i)].name, ")");
    throw StateError(where, "the loss itself");
  }
  /// Names the first gradient on the way back that is not finite.
  [[noreturn]] void report_gradient() {
    const auto& entries = std::as_const(model_).parameters().entries();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      const auto& p = entry->parameter;
      if (p.trainable && !ops::all_finite(TensorView<const T, D>{gradients_.data() + p.offset, p.shape}))
        throw StateError("step ", iteration_, ": first not finite: the gradient of ", entry->name);
    }
    throw StateError("step ", iteration_, ": a gradient is not finite");
  }

  Sequential<T, D>& model_;
  Loss loss_;
  typename Optimizer::template Updater<T, D> updater_;
  Tensor<T, D> gradients_;     // layout of the trainable parameters
  Tensor<T, D> state_before_;  // moving statistics before the step
  Workspace<T, D> workspace_;
  TargetBuffer<T, D> targets_;
  std::vector<std::uint32_t> rows_;  // 0, 1, 2 ..
  std::uint64_t seed_;
  const void* layers_;  // of the model that all of this was made for
  Index iteration_ = 0, epochs_ = 0;  // completed
};

}  // namespace tarn
