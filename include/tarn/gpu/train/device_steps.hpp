// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include <tarn/gpu/ops/losses.hpp>
#include <tarn/gpu/ops/optimizers.hpp>
#include <tarn/gpu/train/samples.hpp>
#include <tarn/train/device_steps.hpp>
#include <tarn/train/target_buffer.hpp>

namespace tarn::detail {

/// The steps of a training as graphs: one for each batch size and choice of frozen layers, captured at its second step. What changes
/// from step to step, and what a step finds, stands in the GPU's memory; a step takes no memory there, waits for nothing and reads
/// nothing. Where a profile is asked for, each step is started anew and waited for.
template <class T>
class DeviceSteps<T, Gpu> {
 public:
  using State = gpu::StepState<T>;

  /// Brings the data to the GPU, where they stay; `batch` is the largest batch of the run. With `classes`, targets [n] are labels of
  /// so many. Throws ArgumentError for a label that is none.
  void load(const Dataset& data, const SampleWeights& weights, Index classes, Index batch, const char* where) {
    inputs_.load(data.inputs);
    const bool labelled = classes > 0 && data.targets.sample().rank() == 0;
    const Index samples = data.targets.size();
    all_ = batch_ = {};
    if (labelled) {
      std::vector<std::int32_t> labels(static_cast<std::size_t>(samples));
      for (Index i = 0; i < samples; ++i) labels[static_cast<std::size_t>(i)] = label_of(data.targets, i, classes, where);
      all_.labels = write(labels_, labels);
      batch_.labels = room(batch_labels_, batch);
    } else {
      targets_.load(data.targets);
      target_ = data.targets.sample();
      room(batch_vectors_, batch * target_.size());
    }
    if (!weights.empty()) {
      all_.weights = write(weights_, std::vector<T>(weights.begin(), weights.end()));
      batch_.weights = room(batch_weights_, batch);
    }
    room(rows_, batch);
    room(state_, 1);
  }
  /// From now on batches are parts of `order`, which stays in place until the next; totals begin anew.
  void begin_epoch(std::span<const std::uint32_t> order) {
    order_ = order;
    write(order_on_gpu_, order);
    gpu::Context::current().zero(state_.data(), sizeof(State));
  }

  /// One step on the samples at `rows`, a part of the epoch's order. Throws StateError where that is another's by now.
  template <class Loss, class Updater>
  void run(std::span<const std::uint32_t> rows, const TrainingParts<T, Gpu, Loss, Updater>& parts, double rate, Index iteration) {
    const std::less_equal<const std::uint32_t*> before;
    if (!before(order_.data(), rows.data()) || !before(rows.data() + rows.size(), order_.data() + order_.size()))
      throw StateError("fit: train_on_batch was called meanwhile, expected before or after: the GPU holds one data set");
    gpu::Context& context = gpu::Context::current();
    const Index count = static_cast<Index>(rows.size());
    Recorded& step = recorded(count, parts);
    State* const state = state_.data();
    const gpu::StepAddresses addresses{step.trained.data(), &state->terms, &state->position.number,
                                       &state->stopped,     &state->loss,  &state->norm};
    Step<T, Gpu> pass{parts.model.parameters(), parts.workspace, parts.gradients.view(), parts.seed, iteration};
    const auto body = [&] { context.run_step(addresses, [&] { run(count, parts, pass, rate, iteration); }); };
    const bool graph = step.ran && !parts.profile;
    if (graph && !step.graph) step.graph = context.capture(body);
    pass.record(parts.profile, count);
    ops::detail::launch(gpu::kernel::begin_step<T>, count, state, parts.updater.terms(rate, iteration).template as<T>(),
                        static_cast<std::uint32_t>(iteration), static_cast<std::uint32_t>(rows.data() - order_.data()),
                        order_on_gpu_.data(), all_, rows_.data(), batch_, ops::detail::kernel_size(count));
    if (graph) return context.play(*step.graph);
    state_kept_ = false;
    try {
      body();
      pass.finish();
    } catch (...) {
      restore(parts);
      throw;
    }
    step.ran = true;
  }

  /// Of the last step, which had so many samples.
  Targets<T, Gpu> targets(Index count) {
    Targets<T, Gpu> targets;
    if (batch_.labels)
      targets.labels = {batch_.labels, {count}};
    else
      targets.vectors = {batch_vectors_.data(), count, target_};
    if (batch_.weights) targets.weights = {batch_.weights, {count}};
    return targets;
  }

  /// What the steps have found; waits for them.
  State read() const {
    State state;
    gpu::Context::current().download(&state, state_.data(), sizeof state);
    return state;
  }

 private:
  /// A step that was made before.
  struct Recorded {
    std::vector<std::uint64_t> key;  ///< all that it depends on
    Storage<Range, Gpu> trained;
    bool ran = false;  ///< then all kernels are loaded, and all memory taken
    std::optional<gpu::Graph> graph;
  };

  template <class Loss, class Updater>
  void run(Index count, const TrainingParts<T, Gpu, Loss, Updater>& parts, Step<T, Gpu>& pass, double rate, Index iteration) {
    gpu::Context& context = gpu::Context::current();
    const auto& [model, loss, updater, gradients, state_before, workspace, seed, profile, update_numbers] = parts;
    State* const state = state_.data();
    Batch<T, Gpu> x = workspace.activation(-1, count), dy = workspace.gradient(model.last_layer(), count);
    const Batch<T, Gpu> y = workspace.activation(model.last_layer(), count);
    const typename gpu::DeviceSamples<T>::Rows rows{rows_.data(), {count}};
    inputs_.gather(rows, x);
    Targets<T, Gpu> targets = this->targets(count);
    if (!batch_.labels) targets_.gather(rows, targets.vectors);
    pass.book(Profile::Other::gather, x.size());
    ops::copy(std::as_const(model).parameters().state(), state_before.view());
    pass.book(Profile::Other::rest, 2 * state_before.size());
    state_kept_ = true;
    model.forward(workspace, count, pass);
    loss(y, targets, &dy);
    pass.book(Profile::Other::loss, 2 * y.size());
    model.backward(workspace, count, pass);
    if constexpr (Loss::classifies) ops::detail::add_correct(y, targets, &state->correct);
    for (const Range& range : model.trained())
      ops::detail::launch(gpu::kernel::find_nonfinite<T>, range.last - range.first, gradients.data() + range.first,
                          ops::detail::kernel_size(range.last - range.first), &state->nonfinite);
    context.launch(gpu::kernel::end_step<T>, {}, state);
    pass.book(Profile::Other::rest, gradients.size());
    updater.update(model.parameters().trainable(), gradients.view(), model.trained(), rate, iteration);
    pass.book(Profile::Other::optimizer, update_numbers);
    ops::detail::launch(gpu::kernel::restore_if<T>, state_before.size(), &state->stopped, state_before.data(),
                        model.parameters().state().data(), ops::detail::kernel_size(state_before.size()));
    pass.book(Profile::Other::rest);
  }

  /// Moving statistics as they were before a step that was not finished.
  template <class Loss, class Updater>
  void restore(const TrainingParts<T, Gpu, Loss, Updater>& parts) noexcept {
    try {
      if (state_kept_) ops::copy(std::as_const(parts.state_before).view(), parts.model.parameters().state());
    } catch (const Error&) {  // of a GPU that is lost, and they with it
    }
  }

  template <class Loss, class Updater>
  Recorded& recorded(Index count, const TrainingParts<T, Gpu, Loss, Updater>& parts) {
    const auto number = [](const auto* pointer) { return reinterpret_cast<std::uint64_t>(pointer); };
    auto& parameters = parts.model.parameters();
    key_.assign({static_cast<std::uint64_t>(count), parts.seed, static_cast<std::uint64_t>(parts.workspace.capacity()),
                 number(parts.workspace.activation(-1, count).data()), number(parameters.trainable().data()),
                 number(parameters.state().data()), number(state_.data()), number(rows_.data()), number(batch_.labels),
                 number(batch_.weights), number(batch_vectors_.data())});
    inputs_.describe(key_);
    if (!batch_.labels) targets_.describe(key_);
    for (const Range& range : parts.model.trained())
      key_.insert(key_.end(), {static_cast<std::uint64_t>(range.first), static_cast<std::uint64_t>(range.last)});
    for (Recorded& step : recorded_)
      if (step.key == key_) return step;
    if (recorded_.size() == most_recorded) recorded_.erase(recorded_.begin());
    Recorded step;
    step.key = key_;
    write(step.trained, parts.model.trained());
    recorded_.push_back(std::move(step));
    return recorded_.back();
  }

  /// At least so many elements.
  template <class Value>
  static Value* room(Storage<Value, Gpu>& values, Index size) {
    if (values.size() < size) values = Storage<Value, Gpu>{size};
    return values.data();
  }
  template <class Value, class Values>
  static Value* write(Storage<Value, Gpu>& to, const Values& values) {
    room(to, static_cast<Index>(values.size()));
    if (!values.empty()) gpu::Context::current().upload(to.data(), values.data(), values.size() * sizeof(Value));
    return to.data();
  }

  static constexpr std::size_t most_recorded = 64;
  gpu::DeviceSamples<T> inputs_, targets_;
  Shape target_;
  Storage<std::int32_t, Gpu> labels_, batch_labels_;
  Storage<T, Gpu> weights_, batch_weights_, batch_vectors_;
  Storage<std::uint32_t, Gpu> order_on_gpu_, rows_;
  gpu::LabelsAndWeights<T> all_, batch_;
  std::span<const std::uint32_t> order_;
  Storage<State, Gpu> state_;
  bool state_kept_ = false;  // whether this step has copied the moving statistics
  std::vector<std::uint64_t> key_;
  std::vector<Recorded> recorded_;
};

}  // namespace tarn::detail
