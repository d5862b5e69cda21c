// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/formulas/optimizers.hpp>

namespace tarn::gpu {

/// What changes from one training step to the next, in the GPU's memory: so that a captured step can be played again.
template <class T>
struct StepState {
  /// Which step: its number, and where its batch stands in the epoch's order.
  struct Position {
    std::uint32_t number, first, count;
  };

  UpdateTerms<T> terms;
  Position position;
  unsigned nonfinite;  ///< whether a gradient is not finite
  unsigned correct;    ///< samples classified right
  double loss;         ///< sum over the samples
  double norm;         ///< of the gradient, where that is clipped by it

  // Since all of this was last set to zero. A step that finds a loss or a gradient that is not finite changes nothing, and none
  // behind it does.
  unsigned stopped;
  Position stopped_at;
  double total_loss;
  std::uint64_t total_correct, total_samples;
};

}  // namespace tarn::gpu
