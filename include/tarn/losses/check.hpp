// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/data/dataset.hpp>

/// What losses ask of their targets, with the errors they have in common.
namespace tarn::detail {

/// Throws ShapeError unless there is a target for each output: samples of the outputs' shape or, for a model with one output,
/// targets [n].
inline void check_targets_like_outputs(const char* loss, const Shape& output, const Samples& targets) {
  const Shape sample = targets.sample();
  if (sample == output || (sample.rank() == 0 && output == Shape{1})) return;
  const std::string expected = output.prepend(targets.size()).to_string();
  throw ShapeError(loss, ": targets are ", targets.shape().to_string(), ", expected ", expected,
                   output == Shape{1} ? " or [" + std::to_string(targets.size()) + "]" : std::string{}, ", as the outputs are");
}

/// Position of the first target for which `found(value)`, or their number.
template <class Found>
Index find_target(const Samples& targets, Found found) {
  return std::visit(
      [&](const auto& values) {
        Index i = 0;
        while (i < values.size() && !found(targets.scale() * static_cast<double>(values[i]) + targets.offset())) ++i;
        return i;
      },
      targets.values());
}

/// Throws ArgumentError for a target that is neither -1 nor 1, nor 0 where no other is -1.
inline void check_signs(const char* loss, const Samples& targets) {
  bool zeros = false, negatives = false;
  const Index wrong = find_target(targets, [&](double t) {
    zeros |= t == 0;
    negatives |= t == -1;
    return !(t == 1 || t == -1 || t == 0) || (zeros && negatives);
  });
  if (wrong == targets.shape().size()) return;
  const std::string expected = ", expected labels -1 and 1, or 0 and 1 throughout";
  if (zeros && negatives) throw ArgumentError(loss, ": targets hold both 0 and -1", expected);
  throw ArgumentError(loss, ": target ", targets.at(wrong), " of element ", wrong, expected);
}

/// Throws ArgumentError for a target outside [0, 1].
inline void check_shares(const char* loss, const Samples& targets) {
  const Index wrong = find_target(targets, [](double t) { return !(t >= 0 && t <= 1); });
  if (wrong < targets.shape().size())
    throw ArgumentError(loss, ": target ", targets.at(wrong), " of element ", wrong, ", expected 0 to 1");
}

/// Throws ArgumentError for a label smoothing outside [0, 1].
inline void check_smoothing(const char* loss, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1)) throw ArgumentError(loss, ": label_smoothing is ", smoothing, ", expected 0 to 1");
}

}  // namespace tarn::detail
