// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tarn/data/dataset.hpp>
#include <tarn/ops/copy.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// The weight of each sample of a data set in the loss; empty where all count alike.
using SampleWeights = std::vector<double>;

namespace detail {

/// Throws ArgumentError for a weight that is negative or not finite.
inline void check_weights(const char* where, const char* what, const std::vector<double>& weights) {
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!(weights[i] >= 0) || std::isinf(weights[i]))
      throw ArgumentError(where, ": ", what, " weight ", i, " is ", weights[i], ", expected at least 0 and finite");
}
/// The same, and unless there is a weight for each sample, or none at all.
inline void check_sample_weights(const char* where, const SampleWeights& weights, Index samples) {
  check_weights(where, "sample", weights);
  if (!weights.empty() && static_cast<Index>(weights.size()) != samples)
    throw ArgumentError(where, ": ", weights.size(), " sample weights for ", samples, " samples");
}

/// A sample's class: its label, which may stand in a vector of one element, or where its target vector is largest.
inline double class_of(const Samples& targets, Index sample) {
  const Index size = targets.sample().size(), first = sample * size;
  if (size == 1) return targets.at(first);
  Index best = 0;
  for (Index i = 1; i < size; ++i)
    if (targets.at(first + i) > targets.at(first + best)) best = i;
  return static_cast<double>(best);
}

/// Sample weights times class weights. Throws ArgumentError where their number does not fit, for one that is negative or not
/// finite, and for a sample of a class without a weight; ShapeError for class weights where targets are no classes.
[[gnu::cold]] inline SampleWeights joined_weights(const char* where, const Samples& targets, SampleWeights samples,
                                                  const std::vector<double>& classes) {
  check_sample_weights(where, samples, targets.size());
  check_weights(where, "class", classes);
  if (classes.empty()) return samples;
  if (targets.sample().rank() > 1)
    throw ShapeError(where, ": class weights for targets ", targets.shape().to_string(),
                     ", expected labels [n] or [n, 1], or vectors [n, classes]");
  samples.resize(static_cast<std::size_t>(targets.size()), 1.0);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double label = class_of(targets, static_cast<Index>(i));
    if (!(label >= 0 && label < static_cast<double>(classes.size())) || label != std::floor(label))
      throw ArgumentError(where, ": sample ", i, " is of class ", label, ", but there are ", classes.size(), " class weights");
    samples[i] *= classes[static_cast<std::size_t>(label)];
  }
  return samples;
}

/// The label of a sample. Throws ArgumentError for one that is not 0, 1 .. classes - 1.
inline std::int32_t label_of(const Samples& targets, Index row, Index classes, const char* where) {
  const double value = targets.at(row);
  if (!(value >= 0 && value < static_cast<double>(classes)) || value != std::floor(value))
    throw ArgumentError(where, ": label ", value, " of sample ", row, ", expected 0 to ", classes - 1);
  return static_cast<std::int32_t>(value);
}

}  // namespace detail

/// Where the targets of a batch are gathered. `Classes`: integers [n] are labels of classes; otherwise numbers like any others.
template <class T, class D, bool Classes>
class TargetBuffer {
 public:
  void reserve(Index count, const Samples& targets, bool weighted) {
    if (has_labels(targets)) {
      if (labels_.size() < count) labels_ = Tensor<std::int32_t, D>{Shape{count}};
    } else {
      const Index size = Batch<T, D>{nullptr, count, targets.sample()}.size();
      if (vectors_.size() < size) vectors_ = Storage<T, D>{size};
    }
    if (weighted && weights_.size() < count) weights_ = Tensor<T, D>{Shape{count}};
  }
  /// For outputs with as many lanes. Throws ArgumentError for a label that is not 0, 1 .. classes - 1.
  Targets<T, D> gather(const Samples& targets, const SampleWeights& weights, std::span<const std::uint32_t> rows,
                       const Shape& output, const char* where, int lanes = cpu::lanes<T>()) {
    const Index count = static_cast<Index>(rows.size());
    Targets<T, D> result;
    if (has_labels(targets)) {
      fill(labels_, count, [&](std::size_t i) { return detail::label_of(targets, rows[i], output[0], where); });
      result.labels = {labels_.data(), {count}};
    } else {
      result.vectors = {vectors_.data(), count, targets.sample(), lanes};
      ops::gather(targets, rows, result.vectors);
    }
    if (!weights.empty()) {
      fill(weights_, count, [&](std::size_t i) { return static_cast<T>(weights[rows[i]]); });
      result.weights = {weights_.data(), {count}};
    }
    return result;
  }

 private:
  static bool has_labels(const Samples& targets) { return Classes && targets.sample().rank() == 0; }

  /// The first `count` values.
  template <class Value, class ValueOf>
  static void fill(Tensor<Value, D>& values, Index count, ValueOf value_of) {
    const auto write = [&](Value* to) {
      for (Index i = 0; i < count; ++i) to[i] = value_of(static_cast<std::size_t>(i));
    };
    if constexpr (OnGpu<D>) {
      Tensor<Value, Cpu> own{Shape{count}};
      write(own.data());
      ops::upload(std::as_const(own).view(), TensorView<Value, D>{values.data(), {count}});
    } else {
      write(values.data());
    }
  }

  Tensor<std::int32_t, D> labels_;
  Storage<T, D> vectors_;
  Tensor<T, D> weights_;
};

}  // namespace tarn
