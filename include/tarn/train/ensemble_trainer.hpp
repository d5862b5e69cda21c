// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/ensemble.hpp>
#include <tarn/losses/categorical_cross_entropy.hpp>
#include <tarn/optim/sgd.hpp>
#include <tarn/train/fit_options.hpp>

namespace tarn {

/// How an ensemble is trained: the part of FitOptions that is the same for all models. There are no callbacks; call `fit` again
/// and again to look at the models in between. Schedules are asked from several threads.
struct EnsembleFitOptions {
  Index epochs = 1;           ///< at least 1
  BatchSize batch_size = 32;  ///< a number or a schedule
  bool drop_last = false;
  bool shuffle = true;  ///< each model in an order of its own
};

/// One epoch of all models: running means over the samples, a model after the other.
struct EnsembleEpoch {
  Index epoch = 0;  ///< from 1 on
  Index steps = 0;
  double learning_rate = 0;  ///< of the last step
  std::vector<Metrics> training;
};

/// Trains all models of an ensemble, which must outlive it and stay in place. Model m makes the steps that a Trainer of seed
/// `seed + m` would make with it alone. A model whose loss is no longer finite does not stop the others: its figures say so.
/// After an exception from a schedule the models have made different numbers of steps; initialize them anew.
template <class T, class Loss, class Optimizer>
class EnsembleTrainer {
 public:
  EnsembleTrainer(Ensemble<T>& ensemble, const Loss& loss, const Optimizer& optimizer, std::uint64_t seed = 0)
      : ensemble_{ensemble}, loss_{loss}, layers_{&ensemble.groups()[0].layers()} {
    const Index lanes = scalars_per_number<T, CpuModels>();
    for (std::size_t i = 0; i < ensemble.groups().size(); ++i) {
      auto& models = ensemble.groups()[i];
      groups_.push_back({Updater{optimizer, models.parameters().trainable_count()},
                         Tensor<T, CpuModels>{Shape{models.parameters().trainable_count()}},
                         models.workspace(true),
                         {}});
      for (Index lane = 0; lane < lanes; ++lane)
        groups_.back().seeds.push_back(
            seed + static_cast<std::uint64_t>(std::min(static_cast<Index>(i) * lanes + lane, ensemble.size() - 1)));
    }
  }

  /// Trains for some more epochs, each model on data of its own: one set a model, all of one size and shape.
  /// Throws ShapeError or ArgumentError for data or options that do not fit.
  std::vector<EnsembleEpoch> fit(std::span<const Dataset> data, const EnsembleFitOptions& options = {}) {
    std::vector<const Dataset*> each;
    for (const Dataset& set : data) each.push_back(&set);
    return fit(each, options);
  }
  /// All models on the same data, each in an order of its own.
  std::vector<EnsembleEpoch> fit(const Dataset& data, const EnsembleFitOptions& options = {}) {
    return fit(std::vector<const Dataset*>(static_cast<std::size_t>(ensemble_.size()), &data), options);
  }

  /// Loss and metrics of each model over a data set, in inference mode; over one of its own.
  std::vector<Metrics> evaluate(const Dataset& data) const {
    return evaluate(std::vector<const Dataset*>(static_cast<std::size_t>(ensemble_.size()), &data));
  }
  std::vector<Metrics> evaluate(std::span<const Dataset> data) const {
    std::vector<const Dataset*> each;
    for (const Dataset& set : data) each.push_back(&set);
    return evaluate(each);
  }

  Index iterations() const { return progress_.iteration; }  ///< updates made so far

 private:
  using Updater = typename Optimizer::template Updater<T, CpuModels>;
  using Sets = std::vector<const Dataset*>;

  struct Group {
    Updater updater;
    Tensor<T, CpuModels> gradients;  // layout of the trainable parameters
    Workspace<T, CpuModels> workspace;
    std::vector<std::uint64_t> seeds;  // of each lane
  };

  /// The data of the models of one group. Small samples are gathered for several batches together: one model after the other,
  /// while its data are in the cache.
  class Source {
   public:
    Source(const Sets& sets, Index first, Index count, Index largest_batch) {
      for (Index model = first; model < first + count; ++model) {
        inputs_.push_back(&sets[static_cast<std::size_t>(model)]->inputs);
        targets_.push_back(&sets[static_cast<std::size_t>(model)]->targets);
      }
      const Index lanes = scalars_per_number<T, CpuModels>(), input = inputs_[0]->sample().size(),
                  target = targets_[0]->sample().size();
      room_ = std::max(largest_batch, 32768 / (lanes * std::max<Index>(input + target, 1)));
      if (room_ > largest_batch) ahead_ = Storage<T, CpuModels>{room_ * input};
      if (has_labels())
        labels_.resize(static_cast<std::size_t>(room_ * lanes));
      else
        vectors_ = Storage<T, CpuModels>{room_ * target};
    }

    Index models() const { return static_cast<Index>(inputs_.size()); }
    /// Forgets what was gathered: the next rows are others.
    void restart() { ready_ = 0; }

    /// x and the targets of its samples, which stand at rows[model]; `left` rows follow there, these included.
    Targets<T, CpuModels> next(std::span<const std::uint32_t* const> rows, Index left, Batch<T, CpuModels>& x) {
      const Index count = x.count(), lanes = x.lanes();
      if (ready_ < count) {
        done_ = 0, ready_ = ahead_.data() ? std::min(room_, left) : count;
        Batch<T, CpuModels> all{ahead_.data() ? ahead_.data() : x.data(), ready_, x.sample()};
        ops::gather<T>(inputs_, rows, all);
        Batch<T, CpuModels> vectors{vectors_.data(), ready_, targets_[0]->sample()};
        has_labels() ? ops::gather_labels<T>(targets_, rows, ready_, labels_.data()) : ops::gather<T>(targets_, rows, vectors);
      }
      if (ahead_.data()) std::copy_n(ahead_.data() + done_ * x.group_size(), count * x.group_size(), x.data());
      Targets<T, CpuModels> targets;
      if (has_labels())
        targets.labels = {labels_.data() + done_ * lanes, {count}};
      else
        targets.vectors = {vectors_.data() + done_ * targets_[0]->sample().size() * lanes, count, targets_[0]->sample()};
      done_ += count, ready_ -= count;
      return targets;
    }

   private:
    bool has_labels() const { return Loss::classifies && targets_[0]->sample().rank() == 0; }

    std::vector<const Samples*> inputs_, targets_;
    Index room_ = 0, done_ = 0, ready_ = 0;  // samples gathered at once; of them, used and still to be used
    Storage<T, CpuModels> ahead_;            // inputs, if there is room for more than a batch
    std::vector<std::int32_t> labels_;
    Storage<T, CpuModels> vectors_;
  };

  /// Sums over the samples of each model of a group.
  struct Sums {
    LossSum<CpuModels> loss{};
    std::array<Index, cpu::max_lanes<float>> correct{};
    Index samples = 0;

    void add(const LossSum<CpuModels>& batch_loss, const Batch<T, CpuModels>& outputs, const Targets<T, CpuModels>& targets) {
      for (std::size_t i = 0; i < loss.size(); ++i) loss[i] += batch_loss[i];
      if (Loss::classifies) ops::count_correct(outputs, targets, correct.data());
      samples += outputs.count();
    }
    Metrics metrics(std::size_t lane) const {
      Metrics result;
      result.samples = samples;
      result.loss = loss[lane] / static_cast<double>(samples);
      if (Loss::classifies) result.accuracy = static_cast<double>(correct[lane]) / static_cast<double>(samples);
      return result;
    }
  };

  Index models_before(Index group) const { return group * scalars_per_number<T, CpuModels>(); }
  Index models_in(Index group) const {
    return std::min(scalars_per_number<T, CpuModels>(), ensemble_.size() - models_before(group));
  }

  void check(const Sets& data, const char* where) const {
    if (&ensemble_.groups()[0].layers() != layers_ || ensemble_.groups().size() != groups_.size())
      throw StateError(where, ": the ensemble was replaced by another since the trainer was made; make a new trainer");
    if (static_cast<Index>(data.size()) != ensemble_.size())
      throw ShapeError(where, ": ", data.size(), " data sets for ", ensemble_.size(), " models");
    const Dataset* seen = nullptr;
    for (const Dataset* set : data) {
      if (set == seen) continue;
      seen = set;
      detail::check_data(*set, ensemble_.input_shape(), where);
      loss_.check(ensemble_.output_shape(), set->targets);
      check_labels(*set, where);
      if (set->size() != data[0]->size() || set->targets.sample() != data[0]->targets.sample())
        throw ShapeError(where, ": one model has inputs ", data[0]->inputs.shape().to_string(), " and targets ",
                         data[0]->targets.shape().to_string(), ", another ", set->inputs.shape().to_string(), " and ",
                         set->targets.shape().to_string(), ", expected equal shapes");
    }
  }

  /// Throws ArgumentError for a label outside [0, classes), before anything has changed.
  void check_labels(const Dataset& set, const char* where) const {
    if (!Loss::classifies || set.targets.sample().rank() != 0) return;
    const Index classes = ensemble_.output_shape()[0];
    for (Index i = 0; i < set.size(); ++i) {
      const double label = set.targets.at(i);
      if (!(label >= 0 && label < static_cast<double>(classes)))
        throw ArgumentError(where, ": label ", label, " of sample ", i, ", expected 0 to ", classes - 1);
    }
  }

  std::vector<EnsembleEpoch> fit(const Sets& data, const EnsembleFitOptions& options) {
    check(data, "fit");
    const FitOptions single{.epochs = options.epochs, .batch_size = options.batch_size, .drop_last = options.drop_last};
    const Index samples = detail::check_fit_options(single, data[0]->size());
    const detail::FitPlan plan = detail::plan_fit(single, samples, progress_);
    std::vector<EnsembleEpoch> history(static_cast<std::size_t>(options.epochs));
    for (auto& epoch : history) epoch.training.resize(static_cast<std::size_t>(ensemble_.size()));
    parallel::run(static_cast<Index>(groups_.size()),
                  [&](Index group) { fit_group(group, data, options, single, samples, plan.largest_batch, history); });
    for (std::size_t i = 0; i < history.size(); ++i) progress_.iteration += history[i].steps;
    progress_.epoch += options.epochs;
    return history;
  }

  void fit_group(Index index, const Sets& data, const EnsembleFitOptions& options, const FitOptions& single, Index samples,
                 Index largest_batch, std::vector<EnsembleEpoch>& history) {
    Group& group = groups_[static_cast<std::size_t>(index)];
    auto& models = ensemble_.groups()[static_cast<std::size_t>(index)];
    const Index here = models_in(index);
    group.workspace.reserve(largest_batch);
    Source source{data, models_before(index), here, largest_batch};
    std::vector<std::vector<std::uint32_t>> orders(static_cast<std::size_t>(here));
    std::vector<const std::uint32_t*> rows(static_cast<std::size_t>(here));
    Progress progress = progress_;
    for (std::size_t epoch = 0; epoch < history.size(); ++epoch, ++progress.epoch) {
      for (std::size_t m = 0; m < orders.size(); ++m) {
        orders[m].resize(static_cast<std::size_t>(samples));
        std::iota(orders[m].begin(), orders[m].end(), 0U);
        if (options.shuffle) tarn::shuffle(orders[m], Stream{group.seeds[m], Purpose::shuffle, progress.epoch});
      }
      source.restart();
      Sums sums;
      Index steps = 0;
      double rate = 0;
      for (Index first = 0; first < samples; ++steps, ++progress.iteration) {
        const Index count = detail::next_batch(single, progress, samples, samples - first);
        if (count == 0) break;
        for (std::size_t m = 0; m < rows.size(); ++m) rows[m] = orders[m].data() + first;
        rate = group.updater.learning_rate(progress);
        step(group, models, source, rows, count, samples - first, rate, progress.iteration, sums);
        first += count;
      }
      EnsembleEpoch& record = history[epoch];
      for (Index m = 0; m < here; ++m)
        record.training[static_cast<std::size_t>(models_before(index) + m)] = sums.metrics(static_cast<std::size_t>(m));
      if (index != 0) continue;  // the same for all groups
      record.epoch = static_cast<Index>(epoch) + 1;
      record.steps = steps;
      record.learning_rate = rate;
    }
  }

  void step(Group& group, Sequential<T, CpuModels>& models, Source& source, std::span<const std::uint32_t* const> rows,
            Index count, Index left, double rate, Index iteration, Sums& sums) {
    Batch<T, CpuModels> x = group.workspace.activation(-1, count);
    const Targets<T, CpuModels> targets = source.next(rows, left, x);
    Step<T, CpuModels> pass{models.parameters(), group.workspace, group.gradients.view(), group.seeds, iteration};
    models.forward(group.workspace, count, pass);
    const Batch<T, CpuModels> y = group.workspace.activation(models.last_layer(), count);
    Batch<T, CpuModels> dy = group.workspace.gradient(models.last_layer(), count);
    sums.add(loss_(y, targets, &dy), y, targets);
    models.backward(group.workspace, count, pass);
    group.updater.update(models.parameters().trainable(), group.gradients.view(), models.trained(), rate, iteration);
  }

  std::vector<Metrics> evaluate(const Sets& data) const {
    check(data, "evaluate");
    constexpr Index at_once = 64;
    const Index n = data[0]->size();
    std::vector<Metrics> result(static_cast<std::size_t>(ensemble_.size()));
    parallel::run(static_cast<Index>(groups_.size()), [&](Index index) {
      const auto& models = std::as_const(ensemble_).groups()[static_cast<std::size_t>(index)];
      Workspace<T, CpuModels> workspace = models.workspace(false);
      workspace.reserve(std::min(n, at_once));
      Source source{data, models_before(index), models_in(index), std::min(n, at_once)};
      std::vector<std::uint32_t> order(static_cast<std::size_t>(n));
      std::iota(order.begin(), order.end(), 0U);
      Sums sums;
      for (Index first = 0; first < n; first += at_once) {
        const Index count = std::min(at_once, n - first);
        const std::vector<const std::uint32_t*> rows(static_cast<std::size_t>(source.models()), order.data() + first);
        Batch<T, CpuModels> x = workspace.activation(-1, count);
        const Targets<T, CpuModels> targets = source.next(rows, n - first, x);
        Step<T, CpuModels> pass{models.parameters(), workspace};
        models.forward(workspace, count, pass);
        const Batch<T, CpuModels> y = workspace.activation(models.last_layer(), count);
        sums.add(loss_(y, targets, static_cast<Batch<T, CpuModels>*>(nullptr)), y, targets);
      }
      for (std::size_t lane = 0; lane < static_cast<std::size_t>(source.models()); ++lane)
        result[static_cast<std::size_t>(models_before(index)) + lane] = sums.metrics(lane);
    });
    return result;
  }

  Ensemble<T>& ensemble_;
  Loss loss_;
  std::vector<Group> groups_;
  const void* layers_;  // of the ensemble that all of this was made for
  Progress progress_;
};

}  // namespace tarn
