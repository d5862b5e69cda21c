// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/ops/losses.hpp>

namespace tarn::ops {

namespace detail {

/// The target of one sample as an array: the vector, or the label as the only element.
template <class T>
struct TargetView {
  const Targets<T, Cpu>& targets;
  Index sample;
  T operator[](Index i) const {
    return targets.has_labels() ? static_cast<T>(targets.labels[sample]) : lane_view(targets.vectors, sample)[i];
  }
};

/// The class that a sample should have: its label, or where its target vector is largest.
template <class T>
Index target_class(const Targets<T, Cpu>& targets, Index sample, Index classes) {
  return targets.has_labels() ? static_cast<Index>(targets.labels[sample]) : argmax(lane_view(targets.vectors, sample), classes);
}

}  // namespace detail

/// Samples whose target class is among the k largest outputs; of equal outputs the first counts as larger.
/// An output that is not a number is the largest nowhere. Throws ArgumentError for a k below 1.
template <class T>
Index count_in_top(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets, Index k) {
  if (k < 1) throw ArgumentError("count_in_top: k is ", k, ", expected at least 1");
  const Index classes = outputs.sample().size();
  Index found = 0;
  for (Index sample = 0; sample < outputs.count(); ++sample) {
    const auto y = detail::lane_view(outputs, sample);
    const Index expected = detail::target_class(targets, sample, classes);
    Index larger = 0;
    for (Index i = 0; i < classes; ++i) larger += y[i] > y[expected] || (y[i] == y[expected] && i < expected);
    found += larger < k && y[expected] == y[expected];
  }
  return found;
}

/// Sum over the samples of the share of elements for which output > threshold where target > target_threshold, and only there.
template <class T>
double count_same_side(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets, double threshold, double target_threshold) {
  const Index elements = outputs.sample().size();
  Index same = 0;
  for (Index sample = 0; sample < outputs.count(); ++sample) {
    const auto y = detail::lane_view(outputs, sample);
    const detail::TargetView<T> t{targets, sample};
    for (Index i = 0; i < elements; ++i)
      same += (static_cast<double>(y[i]) > threshold) == (static_cast<double>(t[i]) > target_threshold);
  }
  return static_cast<double>(same) / static_cast<double>(elements);
}

/// Sum over the samples of f(output, target), both indexable; for integer labels target[0] is the label.
template <class T, class F>
double sum_samples(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets, const F& f) {
  double sum = 0;
  for (Index sample = 0; sample < outputs.count(); ++sample)
    sum += static_cast<double>(f(detail::lane_view(outputs, sample), detail::TargetView<T>{targets, sample}));
  return sum;
}

}  // namespace tarn::ops
