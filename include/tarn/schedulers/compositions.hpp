// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <tarn/schedulers/decays.hpp>

namespace tarn {

/// A schedule that counts epochs in the place of iterations: `ByEpoch{[](Index epoch) { return epoch < 5 ? 0.1 : 0.01; }}`,
/// `ByEpoch{StepDecay{.factor = 0.5, .steps = 10}}`. For learning rates and batch sizes alike.
template <class Schedule>
struct ByEpoch {
  Schedule schedule;

  void check() const { detail::checked(schedule); }
  auto operator()(Progress progress) const { return detail::at(schedule, Progress{progress.epoch, progress.epoch}); }
};
template <class Schedule>
ByEpoch(Schedule) -> ByEpoch<Schedule>;

/// A line from `from` up to the first value of `then`, from + (then(0) - from) i / steps; after `steps` iterations `then`,
/// whose iterations count from there. Its epochs go on from the run's start.
/// With CosineDecay as `then` it is the warm-up of Keras's CosineDecay.
struct WarmUp {
  Index steps = 1000;  ///< at least 1
  double from = 0;     ///< at least 0
  LearningRate then = 0.01;

  void check() const {
    detail::expect_steps("WarmUp", "steps", steps);
    detail::expect_rate("WarmUp", "from", from);
  }
  double operator()(Progress progress) const {
    check();
    if (progress.iteration >= steps) return then(Progress{progress.iteration - steps, progress.epoch});
    const double target = then(Progress{0, progress.epoch});
    return from + (target - from) * (static_cast<double>(progress.iteration) / static_cast<double>(steps));
  }
};

/// One schedule after another, each for its number of steps and counting iterations from its own start, then `last` for good:
/// `Sequence{{{0.1, 500}, {CosineDecay{..}, 4000}}, 0.001}`. Epochs go on from the run's start. (PyTorch: SequentialLR.)
struct Sequence {
  struct Part {
    LearningRate schedule;
    Index steps;  ///< at least 1
  };
  std::vector<Part> parts;
  LearningRate last;

  void check() const {
    for (const Part& part : parts) detail::expect_steps("Sequence", "a part's steps", part.steps);
  }
  double operator()(Progress progress) const {
    check();
    for (const Part& part : parts) {
      if (progress.iteration < part.steps) return part.schedule(progress);
      progress.iteration -= part.steps;
    }
    return last(progress);
  }
};

}  // namespace tarn
