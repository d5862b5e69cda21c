// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <limits>
#include <optional>
#include <set>

#include <tarn/losses/categorical_cross_entropy.hpp>
#include <tarn/optim/sgd.hpp>
#include <tarn/train/callbacks.hpp>
#include <tarn/train/device_steps.hpp>
#include <tarn/train/diagnosis.hpp>
#include <tarn/train/fit_options.hpp>
#include <tarn/train/non_finite.hpp>
#include <tarn/train/target_buffer.hpp>
#include <tarn/train/trainer_options.hpp>

namespace tarn {

/// Trains a model: loss, optimizer, and everything that lasts from step to step. The model must outlive it and stay in place.
/// A loss of your own needs what CategoricalCrossEntropy has: `classifies`, `check(output, targets)`, and a call operator that
/// takes (outputs, targets, gradient or nullptr) and returns the sum over the samples. An optimizer of your own needs what SGD
/// has: a class template `Updater<T, D>`, made from (spec, number of weights), with `learning_rate`, `update` and `slots`.
template <class T, class D, class Loss, class Optimizer>
class Trainer {
 public:
  /// Throws ArgumentError for options of the optimizer that are out of range, more than `max_metrics` metrics, or two of one name.
  Trainer(Sequential<T, D>& model, const Loss& loss, const Optimizer& optimizer, TrainerOptions<T, D> options = {})
      : model_{model},
        loss_{loss},
        updater_{optimizer, model.parameters().trainable_count()},
        metrics_(std::move(options.metrics)),
        profile_{options.profile},
        gradients_{Shape{model.parameters().trainable_count()}},
        state_before_{Shape{model.parameters().state_count()}},
        workspace_{model.workspace(true)},
        slots_{static_cast<Index>(updater_.slots().size())},
        seed_{options.seed},
        layers_{&model.layers()} {
    if (metrics_.size() > max_metrics)
      throw ArgumentError("Trainer: ", metrics_.size(), " metrics, expected at most ", max_metrics);
    std::set<std::string> names{"loss",  "accuracy", "epoch",    "iteration", "batch",      "learning_rate",
                                "steps", "samples",  "training", "running",   "validation", "seconds"};  // of the history
    for (const auto& metric : metrics_)
      if (!names.insert(metric.name()).second)
        throw ArgumentError("Trainer: two metrics are called '", metric.name(),
                            "'; give one another name, as in Metric{name, object}");
  }

  /// Trains for `options.epochs` more epochs or `options.steps` more steps. Memory is taken before the first step, for the largest
  /// batch of the run. Throws ShapeError or ArgumentError for data or options that do not fit, StateError when a loss, an
  /// activation or a gradient is no longer finite, naming step, layer and tensor; the weights are then those before that step, and
  /// the callbacks' on_fit_end has been called with what there is of the history, so that early stopping restores the best weights.
  History fit(const Dataset& data, const FitOptions& options) {
    check(data, "fit");
    if (options.validation) check(*options.validation, "fit: validation");
    const Index samples = detail::check_fit_options(options, data.size());
    const SampleWeights weights = detail::joined_weights("fit", data.targets, options.sample_weights, options.class_weights);
    if (sample_ > 0 && epoch_samples_ != 0 && epoch_samples_ != samples) end_epoch();  // it was left open on other data
    if (sample_ >= samples || (sample_ > 0 && detail::next_batch(options, progress(), samples, samples - sample_) == 0))
      end_epoch();
    const detail::FitPlan plan = detail::plan_fit(options, samples, progress(), sample_);
    reserve(plan.largest_batch, data.targets, !weights.empty());
    load(data, weights, plan.largest_batch, "fit");
    std::vector<std::uint32_t> order(static_cast<std::size_t>(samples));
    History history;
    for (const auto& metric : metrics_) history.metrics.push_back(metric.name());
    history.epochs.reserve(static_cast<std::size_t>(std::clamp<Index>(plan.epochs, 1, 1024)));
    if (options.record_steps) history.steps.reserve(static_cast<std::size_t>(plan.steps));
    for (const auto& callback : options.callbacks)
      callback.fit_begin({plan.epochs, options.steps.value_or(0), samples, history.metrics});
    Index steps_left = options.steps.value_or(std::numeric_limits<Index>::max());
    const Index epochs = options.epochs ? *options.epochs : options.steps ? std::numeric_limits<Index>::max() : 1;
    const bool leaves_epoch_open = options.steps && !options.epochs;
    epoch_samples_ = samples;
    try {
      bool stopped = false;
      for (Index epoch = 1; epoch <= epochs && !stopped; ++epoch) {
        const auto start = std::chrono::steady_clock::now();
        for (const auto& callback : options.callbacks) callback.epoch_begin(epoch);
        std::iota(order.begin(), order.end(), 0U);
        if (options.shuffle) tarn::shuffle(order, Stream{seed_, Purpose::shuffle, epochs_});
        begin_epoch(order);
        EpochRecord record;
        record.epoch = epoch;
        Sums sums;
        while (sample_ < samples && !stopped) {
          const Index count = detail::next_batch(options, progress(), samples, samples - sample_);
          if (count == 0) break;
          const auto rows = std::span{order}.subspan(static_cast<std::size_t>(sample_), static_cast<std::size_t>(count));
          const bool wanted =
              options.record_steps || !metrics_.empty() ||
              std::any_of(options.callbacks.begin(), options.callbacks.end(), [](const Callback& c) { return c.wants_step(); });
          StepInfo info = step(data, weights, rows, sums, "fit");
          if (wanted) read_steps(data, weights, order, "fit", sums, true, &info);
          info.epoch = epoch;
          record.learning_rate = info.learning_rate;
          ++record.steps;
          sample_ += count;
          stopped = --steps_left == 0;
          if (options.record_steps) history.steps.push_back(info);
          for (const auto& callback : options.callbacks) stopped |= callback.step_end(info) == Training::stop;
        }
        read_steps(data, weights, order, "fit", sums, true);
        if (!stopped || sample_ == samples || !leaves_epoch_open) end_epoch();
        record.training = sums.means(Loss::classifies);
        if (options.validation) record.validation = evaluate(*options.validation, 0, "fit: validation");
        if (samples < data.size()) record.validation = evaluate(data, samples, "fit: validation");
        record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        history.epochs.push_back(record);
        for (const auto& callback : options.callbacks) stopped |= callback.epoch_end(record) == Training::stop;
      }
    } catch (...) {
      if (!leaves_epoch_open && sample_ > 0) end_epoch();
      for (const auto& callback : options.callbacks) callback.fit_end(history);
      throw;
    }
    for (const auto& callback : options.callbacks) callback.fit_end(history);
    return history;
  }

  /// One update on all samples of `batch`; its loss and metrics are returned, and added to `running_metrics`. Throws as `fit` does.
  /// Allocates only where a batch is larger than any before.
  Metrics train_on_batch(const Dataset& batch, const SampleWeights& sample_weights = {}) {
    check(batch, "train_on_batch");
    detail::check_sample_weights("train_on_batch", sample_weights, batch.size());
    Sums sums;
    const auto rows = all_rows(batch.size());
    reserve(batch.size(), batch.targets, !sample_weights.empty());
    load(batch, sample_weights, batch.size(), "train_on_batch");
    begin_epoch(rows);
    StepInfo info = step(batch, sample_weights, rows, sums, "train_on_batch");
    read_steps(batch, sample_weights, rows, "train_on_batch", sums, false, &info);
    running_.add(sums);
    return sums.means(Loss::classifies);
  }
  /// Means over all samples that `train_on_batch` has seen since the last reset.
  Metrics running_metrics() const { return running_.means(Loss::classifies); }
  void reset_metrics() { running_ = {}; }

  /// Loss and metrics over a data set, in inference mode. Throws ShapeError or ArgumentError for data that do not fit.
  Metrics evaluate(const Dataset& data) const {
    check(data, "evaluate");
    return evaluate(data, 0, "evaluate");
  }

  /// What one step on this batch would look like inside, layer by layer and parameter by parameter; nothing of the training changes.
  /// Throws as `fit` does.
  Diagnosis<T, D> diagnose(const Dataset& batch, const DiagnosisOptions& options = {}) {
    check(batch, "diagnose");
    detail::Restored<T, D> restored;
    const Tensor<T, D>& before = restored.keep(model_.parameters().trainable());
    restored.keep(model_.parameters().state());
    restored.keep(gradients_.view());
    for (const auto& slot : updater_.slots()) restored.keep(slot.values);
    Diagnosis<T, D> result;
    for (const auto& placed : model_.layers()) result.layers.push_back(detail::diagnosed_layer<T, D>(placed));
    Sums sums;
    step(batch, {}, all_rows(batch.size()), sums, "diagnose", [&](Index layer, const Batch<T, D>& dy) {
      detail::see_gradient(dy, options, result.layers[static_cast<std::size_t>(layer)]);
    });
    --iteration_;
    for (Index i = 0; i <= model_.last_layer(); ++i)
      detail::see_activation(workspace_.activation(i, batch.size()), options, result.layers[static_cast<std::size_t>(i)]);
    result.metrics = sums.means(Loss::classifies);
    result.parameters = detail::diagnosed_parameters(std::as_const(model_), before, std::as_const(gradients_));
    return result;
  }

  Index iterations() const { return iteration_; }  ///< updates made so far
  /// Of the last step, in the parameters' layout. Those of frozen layers, and below the lowest layer that is trained, may be older.
  TensorView<const T, D> gradients() const { return gradients_; }
  Index workspace_bytes() const { return workspace_.bytes(); }

  /// All that a training is, beside the weights and state of the model: tensors by name, to be saved and written back, and a
  /// position. A training that goes on from them, with the same data and options, makes the same steps as one that was not
  /// interrupted: from any step on, also as a callback sees them.
  std::vector<Slot<T, D>> slots() { return updater_.slots(); }
  TrainingPosition position() const { return {iteration_, epochs_, sample_, seed_}; }
  /// Throws ArgumentError for a number below 0.
  void set_position(const TrainingPosition& position) {
    if (position.iteration < 0 || position.epoch < 0 || position.sample < 0)
      throw ArgumentError("set_position: iteration ", position.iteration, ", epoch ", position.epoch, ", sample ",
                          position.sample, ", expected numbers of at least 0");
    iteration_ = position.iteration;
    epochs_ = position.epoch;
    sample_ = position.sample;
    epoch_samples_ = 0;  // not known
    seed_ = position.seed;
  }

 private:
  using Updater = typename Optimizer::template Updater<T, D>;
  using Sums = detail::MetricSums;
  using Buffer = TargetBuffer<T, D, Loss::classifies>;
  static constexpr bool steps_on_device = detail::StepsOnDevice<T, D, Loss, Updater>;

  Sums measured(double loss, const Batch<T, D>& outputs, const Targets<T, D>& targets) const {
    Sums sums;
    sums.loss = loss;
    sums.samples = outputs.count();
    if constexpr (Loss::classifies) sums.correct = ops::count_correct(outputs, targets);
    for (std::size_t i = 0; i < metrics_.size(); ++i) sums.values[i] = metrics_[i].sum(outputs, targets);
    return sums;
  }

  void check(const Dataset& data, const std::string& where) const {
    if (&model_.layers() != layers_)
      throw StateError(where, ": the model was replaced by one of other layers since the trainer was made; make a new trainer");
    detail::check_data(data, model_.input_shape(), where);
    loss_.check(model_.output_shape(), data.targets);
    for (const auto& metric : metrics_) metric.check(model_.output_shape(), data.targets);
  }

  Progress progress() const { return {iteration_, epochs_}; }
  void end_epoch() {
    ++epochs_;
    sample_ = 0;
  }

  void reserve(Index batch, const Samples& targets, bool weighted) {
    workspace_.reserve(batch);
    targets_.reserve(batch, targets, weighted);
  }
  std::span<const std::uint32_t> all_rows(Index count) {
    if (static_cast<Index>(rows_.size()) < count) {
      rows_.resize(static_cast<std::size_t>(count));
      std::iota(rows_.begin(), rows_.end(), 0U);
    }
    return std::span<const std::uint32_t>{rows_}.first(static_cast<std::size_t>(count));
  }

  void load(const Dataset& data, const SampleWeights& weights, Index batch, const char* where) {
    if constexpr (steps_on_device) device_.load(data, weights, Loss::classifies ? model_.output_shape()[0] : 0, batch, where);
  }
  void begin_epoch(std::span<const std::uint32_t> order) {
    if constexpr (steps_on_device) device_.begin_epoch(order);
  }
  /// Takes the sums of the epoch's steps so far and, for `last`, what the last one found, one's own metrics with it. A step that
  /// something stopped is repeated, to find what; those behind it have changed nothing.
  void read_steps(const Dataset& data, const SampleWeights& weights, std::span<const std::uint32_t> order, const char* where,
                  Sums& sums, bool in_epoch, StepInfo* last = nullptr) {
    if constexpr (steps_on_device) {
      const auto found = device_.read();
      if (found.stopped) {
        const auto& at = found.stopped_at;
        iteration_ -= static_cast<std::uint32_t>(iteration_) - at.number;
        if (in_epoch) sample_ = at.first;
        step(data, weights, order.subspan(at.first, at.count), sums, where, [](Index, const Batch<T, D>&) {});
        throw StateError("step ", iteration_ - 1,
                         ": a loss or a gradient was not finite, but none was when the step was repeated");
      }
      sums.loss = found.total_loss;
      sums.correct = static_cast<Index>(found.total_correct);
      sums.samples = static_cast<Index>(found.total_samples);
      if (!last) return;
      last->loss = found.loss / static_cast<double>(last->batch);
      const Batch<T, D> outputs = workspace_.activation(model_.last_layer(), last->batch);
      const Targets<T, D> targets = device_.targets(last->batch);
      for (std::size_t i = 0; i < metrics_.size(); ++i) sums.values[i] += metrics_[i].sum(outputs, targets);
      last->running = sums.means(Loss::classifies);
    }
  }

  /// Over the samples from number `from` on.
  Metrics evaluate(const Dataset& data, Index from, const char* where) const {
    Sums sums;
    model_.with_workspace([&](Workspace<T, D>& workspace) {
      const Index chunk = std::min(model_.predict_batch(), data.size() - from);
      std::vector<std::uint32_t> rows(static_cast<std::size_t>(chunk));
      Buffer buffer;
      workspace.reserve(chunk);
      workspace.set_few(false);
      buffer.reserve(chunk, data.targets, false);
      for (Index first = from; first < data.size(); first += chunk) {
        const Index count = std::min(chunk, data.size() - first);
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
        const auto chosen = std::span<const std::uint32_t>{rows}.first(static_cast<std::size_t>(count));
        Batch<T, D> x = workspace.activation(-1, count);
        Step<T, D> pass{std::as_const(model_).parameters(), workspace};
        pass.record(profile_, count);
        ops::gather(data.inputs, chosen, x);
        const Targets<T, D> targets = buffer.gather(data.targets, {}, chosen, model_.output_shape(), where);
        pass.book(Profile::Other::gather, x.sample().size() * count);
        model_.forward(workspace, count, pass);
        const Batch<T, D> y = workspace.activation(model_.last_layer(), count);
        const double loss = loss_(y, targets, static_cast<Batch<T, D>*>(nullptr));
        pass.book(Profile::Other::loss, y.sample().size() * count);
        sums.add(measured(loss, y, targets));
        pass.book(Profile::Other::rest);
        pass.finish();
      }
    });
    return sums.means(Loss::classifies);
  }

  /// One update. With `seen`, dL/dy is formed for every layer and shown to it.
  StepInfo step(const Dataset& data, const SampleWeights& weights, std::span<const std::uint32_t> rows, Sums& sums,
                const char* where, const std::function<void(Index, const Batch<T, D>&)>& seen = {}) {
    const Index count = static_cast<Index>(rows.size());
    reserve(count, data.targets, !weights.empty());
    const double rate = updater_.learning_rate(progress());  // throws before anything has changed
    std::optional<cpu::UseInstructionSet> use;
    if constexpr (std::is_same_v<D, Cpu>) use.emplace(step_instruction_set<T>(count));
    if constexpr (steps_on_device)
      if (!seen) {
        detail::TrainingParts<T, D, Loss, Updater> parts{model_,     loss_, updater_, gradients_,      state_before_,
                                                         workspace_, seed_, profile_, update_numbers()};
        device_.run(rows, parts, rate, iteration_);
        sums.samples += count;
        return made_step(count, rate, 0, sums);
      }
    Step<T, D> pass{model_.parameters(), workspace_, gradients_.view(), seed_, iteration_};
    seen ? pass.watch() : pass.record(profile_, count);
    workspace_.set_few(model_.few(count));
    Batch<T, D> x = workspace_.activation(-1, count);
    const Targets<T, D> targets = targets_.gather(data.targets, weights, rows, model_.output_shape(), where, x.lanes());
    ops::gather(data.inputs, rows, x);
    pass.book(Profile::Other::gather, x.sample().size() * count);
    ops::copy(std::as_const(model_).parameters().state(), state_before_.view());
    pass.book(Profile::Other::rest, 2 * state_before_.size());
    const Batch<T, D> y = workspace_.activation(model_.last_layer(), count);
    Batch<T, D> dy = workspace_.gradient(model_.last_layer(), count);
    double loss = 0;
    try {
      model_.forward(workspace_, count, pass);
      loss = loss_(y, targets, &dy);
      pass.book(Profile::Other::loss, 2 * y.sample().size() * count);
      if (!std::isfinite(loss)) {
        pass.watch();
        model_.forward(workspace_, count, pass);  // again, to have the output of each layer
        detail::report_loss(iteration_, loss, std::as_const(model_), state_before_, workspace_, count, targets);
      }
      model_.backward(workspace_, count, pass, static_cast<bool>(seen), [&](Index layer, const Batch<T, D>& arrived) {
        if (seen) seen(layer, arrived);
      });
      detail::check_gradients(iteration_, std::as_const(model_), std::as_const(gradients_));
      sums.add(measured(loss, y, targets));
      pass.book(Profile::Other::rest, gradients_.size());
      updater_.update(model_.parameters().trainable(), gradients_.view(), model_.trained(), rate, iteration_);
      pass.book(Profile::Other::optimizer, update_numbers());
      pass.finish();
    } catch (...) {  // moving statistics go back too: they neither keep nor take the blame for what spoilt the step
      ops::copy(std::as_const(state_before_).view(), model_.parameters().state());
      throw;
    }
    return made_step(count, rate, loss, sums);
  }
  /// Weights, gradients and slots, those that are written twice.
  Index update_numbers() const { return (3 + 2 * slots_) * model_.trained_count(); }
  StepInfo made_step(Index count, double rate, double loss, const Sums& sums) {
    StepInfo info;
    info.iteration = iteration_++;
    info.batch = count;
    info.learning_rate = rate;
    info.loss = loss / static_cast<double>(count);
    info.running = sums.means(Loss::classifies);
    return info;
  }

  Sequential<T, D>& model_;
  Loss loss_;
  Updater updater_;
  std::vector<Metric<T, D>> metrics_;
  Profile* profile_;
  Tensor<T, D> gradients_;     // layout of the trainable parameters
  Tensor<T, D> state_before_;  // moving statistics before the step
  Workspace<T, D> workspace_;
  Index slots_;  // of the optimizer, each as large as the gradients
  Buffer targets_;
  [[no_unique_address]] detail::DeviceSteps<T, D> device_;
  std::vector<std::uint32_t> rows_;  // 0, 1, 2 ..
  Sums running_;                     // of train_on_batch
  std::uint64_t seed_;
  const void* layers_;  // of the model that all of this was made for
  Index iteration_ = 0, epochs_ = 0, sample_ = 0;
  Index epoch_samples_ = 0;  // of the epoch that sample_ is in
};

}  // namespace tarn
