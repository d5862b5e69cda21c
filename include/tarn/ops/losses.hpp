// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/losses.hpp>
#include <tarn/losses/targets.hpp>
#include <tarn/ops/detail.hpp>

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

/// The first index of the largest value.
template <class T>
Index argmax(const LaneView<const T>& values, Index size) {
  Index best = 0;
  for (Index i = 1; i < size; ++i)
    if (values[i] > values[best]) best = i;
  return best;
}

/// Throws ShapeError unless weights and gradient, where there are any, fit the outputs.
template <class T, class D>
void check_loss(const char* where, const Batch<T, D>& outputs, const Targets<T, D>& targets, const Batch<T, D>* gradient) {
  if (targets.has_weights()) check_shape(where, "weights", targets.weights.shape(), {outputs.count()});
  if (gradient) check_same_shape(where, "gradient", *gradient, outputs);
}

/// Sum of weight times loss over the samples, in order, in double. `body(group, scales, losses)` gives the losses of a group's
/// lanes; the scales are weight times `share`, and 0 in unused lanes. Groups go to several threads, samples of 512 at a time.
template <class T, class Body>
double sum_of_losses(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets, double share, Body body) {
  constexpr Index samples_at_once = 512;
  const Index lanes = outputs.lanes(), count = outputs.count();
  const T* weights = targets.weights.data();
  double sum = 0;
  for (Index first = 0; first < count; first += samples_at_once) {
    alignas(alignment) T scales[samples_at_once] = {};
    double losses[samples_at_once];
    const Index samples = std::min(samples_at_once, count - first), groups = ceil_divide(samples, lanes);
    std::fill_n(scales, samples, static_cast<T>(share));
    for (Index i = 0; i < (weights ? samples : 0); ++i)
      scales[i] = static_cast<T>(static_cast<double>(weights[first + i]) * share);
    detail::run(16 * groups * outputs.group_size(), groups,
                [&](Index i) { body(first / lanes + i, scales + i * lanes, losses + i * lanes); });
    if (!weights) {
      for (Index i = 0; i < samples; ++i) sum += losses[i];
      continue;
    }
    for (Index i = 0; i < samples; ++i)
      if (weights[first + i] != 0) sum += static_cast<double>(weights[first + i]) * losses[i];
  }
  return sum;
}

/// With a model a lane, the sums of each.
template <class T, class Body>
LossSum<CpuModels> sum_of_losses(const Batch<T, CpuModels>& outputs, const Targets<T, CpuModels>&, double share, Body body) {
  alignas(alignment) T scales[cpu::max_lanes<T>];
  std::fill_n(scales, cpu::max_lanes<T>, static_cast<T>(share));
  LossSum<CpuModels> sums{};
  for (Index sample = 0; sample < outputs.count(); ++sample) {
    double losses[cpu::max_lanes<T>];
    body(sample, scales, losses);
    for (int lane = 0; lane < outputs.lanes(); ++lane) sums[static_cast<std::size_t>(lane)] += losses[lane];
  }
  return sums;
}
inline double divided(double sum, double by) { return sum / by; }
inline LossSum<CpuModels> divided(LossSum<CpuModels> sums, double by) {
  for (double& sum : sums) sum /= by;
  return sums;
}

/// The factor of each sample's gradient.
inline double share_of_sample(Reduction reduction, Index samples) {
  return reduction == Reduction::mean ? 1 / static_cast<double>(samples) : 1;
}

}  // namespace detail

/// Sum over the samples of weight times the mean of loss(y, t) over a sample's elements; `parameter` is the loss's own. Where
/// `gradient` is given it becomes that of the sum, divided by the number of samples if `reduction` is the mean.
/// Throws ShapeError unless targets are vectors of the outputs' shape; for outputs [n, 1] they may be [n].
template <class T, OnCpu D>
LossSum<D> elementwise_loss(ElementwiseLoss loss, double parameter, const Batch<T, D>& outputs, const Targets<T, D>& targets,
                            Reduction reduction, Batch<T, D>* gradient) {
  const Batch<T, D>& t = targets.vectors;
  if (t.sample().rank() != 0 || t.count() != outputs.count() || outputs.sample() != Shape{1})
    detail::check_same_shape("elementwise_loss", "targets", t, outputs);
  detail::check_loss("elementwise_loss", outputs, targets, gradient);
  const Index elements = outputs.sample().size();
  const double share = detail::share_of_sample(reduction, outputs.count()) / static_cast<double>(elements);
  const auto body = outputs.few() ? &cpu::plain::elementwise_loss<T> : TARN_CPU_BODY(elementwise_loss, T);
  const auto compute = [&](Index group, Index size, const T* scales, double* losses) {
    body(loss, static_cast<T>(parameter), outputs.group(group), t.group(group), gradient ? gradient->group(group) : nullptr, size,
         scales, losses);
  };
  LossSum<D> sum{};
  if constexpr (detail::models<D>) {  // samples stand one behind another and count alike: as one of many elements
    alignas(alignment) T scales[cpu::max_lanes<T>];
    std::fill_n(scales, cpu::max_lanes<T>, static_cast<T>(share));
    compute(0, outputs.size(), scales, sum.data());
  } else {
    sum = detail::sum_of_losses(outputs, targets, share,
                                [&](Index group, const T* scales, double* losses) { compute(group, elements, scales, losses); });
  }
  return detail::divided(sum, static_cast<double>(elements));
}

/// Sum over the samples of weight times -sum_k t_k log p_k, for outputs [n, classes] that are probabilities p, or logits z with
/// p = softmax(z). Labels and vectors t are smoothed to t (1 - smoothing) + smoothing / classes. Where `gradient` is given it
/// becomes that of the sum, divided by n if `reduction` is the mean. Throws ShapeError where shapes do not fit, ArgumentError
/// for a label outside [0, classes).
template <class T, OnCpu D>
LossSum<D> cross_entropy(bool from_logits, double smoothing, const Batch<T, D>& outputs, const Targets<T, D>& targets,
                         Reduction reduction, Batch<T, D>* gradient) {
  const Index classes = outputs.sample().size(), count = outputs.count();
  if (targets.has_labels())
    detail::check_shape("cross_entropy", "labels", targets.labels.shape(), {count});
  else
    detail::check_same_shape("cross_entropy", "targets", targets.vectors, outputs);
  detail::check_loss("cross_entropy", outputs, targets, gradient);
  for (Index i = 0; i < (targets.has_labels() ? count * (detail::models<D> ? outputs.lanes() : 1) : 0); ++i)
    if (targets.labels[i] < 0 || targets.labels[i] >= classes)
      throw ArgumentError("cross_entropy: label ", targets.labels[i], " of sample ", i, ", expected 0 to ", classes - 1);
  const auto body = outputs.few() ? &cpu::plain::cross_entropy<T> : TARN_CPU_BODY(cross_entropy, T);
  const double share = detail::share_of_sample(reduction, count);
  return detail::sum_of_losses(outputs, targets, share, [&](Index group, const T* scales, double* losses) {
    const std::int32_t* labels = targets.labels.data();
    if (labels) labels += group * outputs.lanes();
    std::int32_t some[cpu::max_lanes<T>] = {};  // of a last group, whose unused lanes have no labels
    if (const int used = outputs.used_lanes(group); labels && used < outputs.lanes())
      labels = (std::copy_n(labels, used, some), some);
    body(from_logits, static_cast<T>(smoothing), outputs.group(group), labels, labels ? nullptr : targets.vectors.group(group),
         gradient ? gradient->group(group) : nullptr, classes, scales, losses);
  });
}

/// Samples whose largest output is at the label, or at the largest element of the target vector; of equals the first counts.
template <class T>
Index count_correct(const Batch<T, Cpu>& outputs, const Targets<T, Cpu>& targets) {
  const Index classes = outputs.sample().size();
  Index correct = 0;
  for (Index sample = 0; sample < outputs.count(); ++sample) {
    const Index expected = targets.has_labels() ? static_cast<Index>(targets.labels[sample])
                                                : detail::argmax(detail::lane_view(targets.vectors, sample), classes);
    const auto y = detail::lane_view(outputs, sample);
    const Index best = detail::argmax(y, classes);
    correct += best == expected && y[best] == y[best];  // NaN is never right
  }
  return correct;
}

}  // namespace tarn::ops
