// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <tarn/core/tensor.hpp>
#include <tarn/ops/softmax.hpp>

namespace tarn {

/// What the samples of a batch should give: integer labels [n], or vectors [n, k] such as one-hot.
template <class T, class D = Cpu>
struct Targets {
  TensorView<const std::int32_t, D> labels;  ///< empty where the targets are vectors
  Batch<T, D> vectors;

  bool has_labels() const { return labels.data() != nullptr; }
};

}  // namespace tarn

namespace tarn::ops {

namespace detail {

/// One sample's values among the lanes of its group.
template <class T>
struct LaneView {
  T* data;
  Index stride;
  T& operator[](Index i) const { return data[i * stride]; }
};
template <class T>
LaneView<const T> lane_view(const Batch<T, Cpu>& x, Index sample) {
  return {x.group(sample / x.lanes()) + sample % x.lanes(), x.lanes()};
}
template <class T>
LaneView<T> lane_view(Batch<T, Cpu>& x, Index sample) {
  return {x.group(sample / x.lanes()) + sample % x.lanes(), x.lanes()};
}

/// The first index of the largest value.
template <class T>
Index argmax(const LaneView<const T>& values, Index size) {
  Index best = 0;
  for (Index i = 1; i < size; ++i)
    if (values[i] > values[best]) best = i;
  return best;
}

/// The target of sample s for class k: 1 or 0 of a label, or the vector's element.
template <class T>
T target(const Targets<T, Cpu>& targets, Index sample, Index k) {
  return targets.has_labels() ? T(targets.labels[sample] == k) : lane_view(targets.vectors, sample)[k];
}

}  // namespace detail

/// Sum over the samples of -sum_k t_k log softmax(z)_k, for logits z [n, classes]: from z - max z, so that no logit overflows.
/// Where `gradient` is given it becomes that of the mean: (softmax(z) sum_k t_k - t) / n.
template <class T>
double cross_entropy_from_logits(const Batch<T, Cpu>& logits, const Targets<T, Cpu>& targets, Batch<T, Cpu>* gradient) {
  const Index classes = logits.sample().size();
  const T share = T(1) / static_cast<T>(logits.count());
  if (gradient) softmax(logits, *gradient);
  double loss = 0;
  for (Index sample = 0; sample < logits.count(); ++sample) {
    const auto z = detail::lane_view(logits, sample);
    const double highest = static_cast<double>(z[detail::argmax(z, classes)]);
    double exponentials = 0;
    for (Index k = 0; k < classes; ++k) exponentials += std::exp(static_cast<double>(z[k]) - highest);
    const double log_sum = std::log(exponentials);
    T weight = 0;
    for (Index k = 0; k < classes; ++k) {
      const T t = detail::target(targets, sample, k);
      weight += t;
      if (t != 0) loss += static_cast<double>(t) * (log_sum + (highest - static_cast<double>(z[k])));
    }
    if (!gradient) continue;
    const auto dz = detail::lane_view(*gradient, sample);
    for (Index k = 0; k < classes; ++k) dz[k] = (dz[k] * weight - detail::target(targets, sample, k)) * share;
  }
  return loss;
}

/// The same from probabilities p, clipped to [1e-7, 1 - 1e-7] as Keras does; the gradient is zero where p is clipped.
template <class T>
double cross_entropy_from_probabilities(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets, Batch<T, Cpu>* gradient) {
  const Index classes = outputs.sample().size();
  const T lowest = T(1e-7), highest = T(1) - lowest;
  double loss = 0;
  for (Index sample = 0; sample < outputs.count(); ++sample) {
    const auto p = detail::lane_view(outputs, sample);
    for (Index k = 0; k < classes; ++k) {
      const T t = detail::target(targets, sample, k);
      const bool clipped = p[k] < lowest || p[k] > highest;
      if (t != 0)
        loss -= static_cast<double>(t) * std::log(static_cast<double>(p[k] < lowest ? lowest : p[k] > highest ? highest : p[k]));
      if (gradient)
        detail::lane_view(*gradient, sample)[k] = clipped || t == 0 ? T(0) : -t / p[k] / static_cast<T>(outputs.count());
    }
  }
  return loss;
}

/// Samples whose largest output is at the label, or at the largest element of the target vector; of equals the first counts.
template <class T>
Index count_correct(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets) {
  const Index classes = outputs.sample().size();
  Index correct = 0;
  for (Index sample = 0; sample < outputs.count(); ++sample) {
    const Index expected = targets.has_labels() ? static_cast<Index>(targets.labels[sample])
                                                : detail::argmax(detail::lane_view(targets.vectors, sample), classes);
    correct += detail::argmax(detail::lane_view(outputs, sample), classes) == expected;
  }
  return correct;
}

}  // namespace tarn::ops
