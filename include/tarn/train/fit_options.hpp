// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include <tarn/data/dataset.hpp>
#include <tarn/layers/sequential.hpp>
#include <tarn/schedulers/schedule.hpp>
#include <tarn/train/callbacks.hpp>

namespace tarn {

/// How `fit` goes. Whichever of `epochs` and `steps` comes first ends it; without either, one epoch. Defaults are Keras's.
/// A run by `steps` alone that ends in the middle of an epoch leaves it open: the next run begins with the rest of it, which
/// counts as its first epoch. Any other run closes its last epoch, even where a callback stopped it.
struct FitOptions {
  std::optional<Index> epochs = {};     ///< at least 1
  std::optional<Index> steps = {};      ///< updates, at least 1
  BatchSize batch_size = 32;            ///< a number or a schedule
  bool drop_last = false;               ///< end an epoch where the next batch would pass its end, else make that one shorter
  bool shuffle = true;                  ///< a new order each epoch, else the stored one
  const Dataset* validation = nullptr;  ///< evaluated after each epoch
  /// Or this share of the data, in [0, 1), held out: all but the first floor(n (1 - share)) of n samples.
  double validation_split = 0;
  /// Of each sample's loss, the held-out ones included: one a sample of the data, or none. Validation counts all alike.
  std::vector<double> sample_weights = {};
  std::vector<double> class_weights = {};  ///< by class: one a class, or none; multiplied with those of the samples
  bool record_steps = false;               ///< keep a record of each step in the history; on the GPU each step is then waited for
  std::vector<Callback> callbacks = {};
};

namespace detail {

/// Throws ShapeError or ArgumentError unless the data can go into a model with such inputs.
[[gnu::cold]] inline void check_data(const Dataset& data, const Shape& input, const std::string& where) {
  if (data.size() > std::numeric_limits<std::uint32_t>::max())
    throw ArgumentError(where, ": ", data.size(), " samples, expected at most ", std::numeric_limits<std::uint32_t>::max());
  if (data.size() == 0) throw ArgumentError(where, ": the data set is empty");
  if (data.inputs.size() != data.targets.size())
    throw ShapeError(where, ": ", data.inputs.size(), " inputs and ", data.targets.size(), " targets");
  if (data.inputs.sample() != input)
    throw ShapeError(where, ": inputs are ", data.inputs.shape().to_string(), ", expected ", with_batch(input));
}

/// Samples to train on, of `size`: all but those held out. Throws ArgumentError for options out of range.
[[gnu::cold]] inline Index check_fit_options(const FitOptions& options, Index size) {
  if (options.epochs && *options.epochs < 1) throw ArgumentError("fit: epochs is ", *options.epochs, ", expected at least 1");
  if (options.steps && *options.steps < 1) throw ArgumentError("fit: steps is ", *options.steps, ", expected at least 1");
  const double split = options.validation_split;
  if (!(split >= 0 && split < 1)) throw ArgumentError("fit: validation_split is ", split, ", expected at least 0 and below 1");
  if (split > 0 && options.validation) throw ArgumentError("fit: both validation and validation_split, expected one of them");
  const double share = static_cast<double>(size) * (1 - split);
  const Index trained = static_cast<Index>(share + 1e-12 * static_cast<double>(size));  // 0.9 of 10 samples leaves one, not none
  if (split > 0 && (trained == 0 || trained == size))
    throw ArgumentError("fit: validation_split ", split, " of ", size, " samples leaves ", trained, " to train on and ",
                        size - trained, " to validate with");
  return trained;
}

/// Samples of the next batch of an epoch that has `rest` left; 0 at its end.
inline Index next_batch(const FitOptions& options, Progress progress, Index samples, Index rest) {
  const Index size = options.batch_size(progress);
  if (!options.drop_last) return std::min(size, rest);
  if (size <= rest) return size;
  if (rest == samples)
    throw ArgumentError("fit: the batch size is ", size, " at iteration ", progress.iteration, " for ", samples,
                        " samples; without short batches (drop_last) no step can be made");
  return 0;
}

/// What lies ahead from sample number `first` of an epoch on, found by running the schedule of batch sizes alone; of a very long run, its first part. A step whose batch
/// is larger all the same takes more memory before it begins.
struct FitPlan {
  Index largest_batch = 0, steps = 0;
  Index epochs = 0;  ///< 0: not known
};
inline FitPlan plan_fit(const FitOptions& options, Index samples, Progress progress, Index first = 0) {
  constexpr Index horizon = 1'000'000;
  const Index epochs = options.epochs ? *options.epochs : options.steps ? std::numeric_limits<Index>::max() : 1;
  const Index steps = options.steps ? *options.steps : std::numeric_limits<Index>::max();
  FitPlan plan;
  Index epoch = 0;
  for (; epoch < epochs && plan.steps < std::min(steps, horizon); ++epoch, ++progress.epoch, first = 0)
    while (first < samples && plan.steps < std::min(steps, horizon)) {
      const Index count = next_batch(options, progress, samples, samples - first);
      if (count == 0) break;
      plan.largest_batch = std::max(plan.largest_batch, count);
      first += count;
      ++plan.steps;
      ++progress.iteration;
    }
  plan.epochs = plan.steps < horizon ? epoch : options.epochs.value_or(0);
  return plan;
}

}  // namespace detail

}  // namespace tarn
