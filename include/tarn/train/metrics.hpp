// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tarn/data/dataset.hpp>
#include <tarn/losses/check.hpp>
#include <tarn/ops/metrics.hpp>

namespace tarn {

/// Metrics of one's own choice that a trainer takes, at most.
inline constexpr std::size_t max_metrics = 8;

/// What one pass over samples found: means over them. Sample weights count in the loss alone.
struct Metrics {
  Index samples = 0;
  double loss = 0;
  std::optional<double> accuracy;            ///< share of samples classified right; where the loss classifies
  std::array<double, max_metrics> values{};  ///< of the trainer's other metrics, in their order
};

namespace detail {

/// Sums over samples, in double and in order, so that they do not depend on the batch's split.
struct MetricSums {
  double loss = 0;
  Index correct = 0, samples = 0;
  std::array<double, max_metrics> values{};

  void add(const MetricSums& other) {
    loss += other.loss;
    correct += other.correct;
    samples += other.samples;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += other.values[i];
  }
  Metrics means(bool with_accuracy) const {
    const double n = static_cast<double>(samples);
    Metrics result;
    result.samples = samples;
    if (samples == 0) return result;
    result.loss = loss / n;
    if (with_accuracy) result.accuracy = static_cast<double>(correct) / n;
    for (std::size_t i = 0; i < values.size(); ++i) result.values[i] = values[i] / n;
    return result;
  }
};

}  // namespace detail

/// A figure that is averaged over samples, under a name. Made from a loss, whose value without weights it then is, or from any object
/// with a call operator that takes (outputs, targets) of a batch and returns the sum over its samples. The object brings the name, a
/// constant or a function `name`; or it is given: `Metric{"mae", MeanAbsoluteError{}}`. Where the object has `check(output, targets)`,
/// as losses have, it may refuse a model's output or a data set.
template <class T, class D = Cpu>
class Metric {
 public:
  using Function = std::function<double(const Batch<T, D>&, const Targets<T, D>&)>;

  template <class Object>
    requires(requires(const Object& object) { object.name; } && !std::is_same_v<Object, Metric>)
  Metric(const Object& object) : Metric{object.name, object} {}  // NOLINT: implicit, so that objects make a list of metrics
  template <class Object>
    requires(requires(const Object& object) { object.name(); } && !std::is_same_v<Object, Metric>)
  Metric(const Object& object) : Metric{object.name(), object} {}  // NOLINT
  template <class Object>
  Metric(std::string name, const Object& object) : name_{std::move(name)} {
    if constexpr (requires(const Batch<T, D>& y, const Targets<T, D>& t) { object(y, t); }) {
      sum_ = [object](const Batch<T, D>& y, const Targets<T, D>& t) { return static_cast<double>(object(y, t)); };
    } else {
      sum_ = [object](const Batch<T, D>& y, const Targets<T, D>& t) {
        Targets<T, D> unweighted = t;
        unweighted.weights = {};
        return object(y, unweighted, static_cast<Batch<T, D>*>(nullptr));
      };
    }
    if constexpr (requires(const Shape& output, const Samples& targets) { object.check(output, targets); })
      check_ = [object](const Shape& output, const Samples& targets) { object.check(output, targets); };
  }

  const std::string& name() const { return name_; }
  double sum(const Batch<T, D>& outputs, const Targets<T, D>& targets) const { return sum_(outputs, targets); }
  /// Throws ShapeError or ArgumentError unless the targets fit a model with these outputs.
  void check(const Shape& output, const Samples& targets) const {
    if (check_) check_(output, targets);
  }

 private:
  std::string name_;
  Function sum_;
  std::function<void(const Shape&, const Samples&)> check_;
};
template <class Object>
Metric(std::string, Object) -> Metric<float, Cpu>;

/// Share of samples whose target class is among the k largest outputs; of equal outputs the first counts as larger. Called "top 5".
/// Throws ArgumentError for a k below 1, ShapeError unless outputs are vectors [classes], and targets labels or such vectors.
struct TopK {
  Index k = 5;  ///< at least 1

  std::string name() const { return detail::join({"top ", k}); }
  void check(const Shape& output, const Samples& targets) const {
    if (k < 1) throw ArgumentError("TopK: k is ", k, ", expected at least 1");
    const bool labels = targets.sample().rank() == 0 && targets.is_integer();
    if (output.rank() != 1 || !(labels || targets.sample() == output))
      throw ShapeError("TopK: an output is ", output.to_string(), " and targets are ", targets.shape().to_string(),
                       ", expected vectors [classes], and integer labels [n] or vectors [n, classes]");
  }
  template <class T, class D>
  double operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets) const {
    return static_cast<double>(ops::count_in_top(outputs, targets, k));
  }
};

/// Share of elements for which output > threshold where target > target_threshold, and only there: for probabilities and targets
/// 0 and 1 the defaults, for their logits a threshold of 0, for the hinge losses' -1 and 1 both thresholds 0.
/// Throws ShapeError unless targets have the outputs' shape; for outputs [n, 1] they may be [n].
struct BinaryAccuracy {
  static constexpr const char* name = "binary accuracy";

  double threshold = 0.5;
  double target_threshold = 0.5;

  void check(const Shape& output, const Samples& targets) const {
    detail::check_targets_like_outputs("BinaryAccuracy", output, targets);
  }
  template <class T, class D>
  double operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets) const {
    return ops::count_same_side(outputs, targets, threshold, target_threshold);
  }
};

/// A metric from a function of one sample: f(output, target) -> double, which take an index as in `output[k]`. For integer
/// labels target[0] is the label.
template <class Function>
struct SampleMetric {
  std::string name;
  Function function;

  SampleMetric(std::string name_, Function function_) : name{std::move(name_)}, function{std::move(function_)} {}

  template <class T, class D>
  double operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets) const {
    return ops::sum_samples(outputs, targets, function);
  }
};

/// How often class `column` was predicted for samples of class `row`: [classes, classes], from outputs [n, classes] (of `predict`)
/// and integer labels [n]. Of equal outputs the first counts. Throws ShapeError where the counts differ, ArgumentError for a label that
/// is no class or an output that is not a number.
template <class T>
Tensor<std::int32_t> confusion_matrix(const Tensor<T>& outputs, const Samples& labels) {
  if (outputs.shape().rank() != 2 || labels.shape() != Shape{outputs.shape()[0]} || !labels.is_integer())
    throw ShapeError("confusion_matrix: outputs are ", outputs.shape().to_string(), " and labels ", labels.shape().to_string(),
                     (labels.is_integer() ? "" : " of floating point"), ", expected [n, classes] and integers [n]");
  const Index classes = outputs.shape()[1];
  Tensor<std::int32_t> counts{Shape{classes, classes}};
  for (Index i = 0; i < labels.size(); ++i) {
    const double label = labels.at(i);
    if (!(label >= 0 && label < static_cast<double>(classes)))
      throw ArgumentError("confusion_matrix: label ", label, " of sample ", i, ", expected 0 to ", classes - 1);
    const T* y = outputs.data() + i * classes;
    if (std::any_of(y, y + classes, [](T value) { return value != value; }))
      throw ArgumentError("confusion_matrix: the outputs of sample ", i, " are not numbers");
    ++counts[static_cast<Index>(label) * classes + (std::max_element(y, y + classes) - y)];
  }
  return counts;
}

}  // namespace tarn
