// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tarn/data/dataset.hpp>
#include <tarn/ops/metrics.hpp>

namespace tarn {

/// Metrics of one's own choice that a trainer takes, at most.
inline constexpr std::size_t max_metrics = 8;

/// What one pass over samples found: means over them. Sample weights count in the loss alone.
struct Metrics {
  Index samples = 0;
  double loss = 0;
  std::optional<double> accuracy;             ///< share of samples classified right; where the loss classifies
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

/// A figure that is averaged over samples, given a name: any object with `name` and a call operator that takes (outputs, targets)
/// of a batch and returns the sum over its samples; or a loss, whose value it is then.
template <class T, class D = Cpu>
class Metric {
 public:
  using Function = std::function<double(const Batch<T, D>&, const Targets<T, D>&)>;

  template <class Object>
    requires requires { Object::name; }
  Metric(const Object& object) : Metric{Object::name, object} {}  // NOLINT: implicit, so that objects make a list of metrics
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
      check_ = [object](const Shape& output, const Samples& targets) { object.check(output, targets); };
    }
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

/// Share of samples whose target class is among the k largest outputs; of equal outputs the first counts as larger.
struct TopK {
  Index k = 5;  ///< at least 1

  /// Named "top 5".
  template <class T, class D>
  operator Metric<T, D>() const {
    return {detail::join({"top ", k}), [k = k](const Batch<T, D>& outputs, const Targets<T, D>& targets) {
              return static_cast<double>(ops::count_in_top(outputs, targets, k));
            }};
  }
};

/// Share of elements that are on the same side of the threshold as their target is of the middle between its two values: for
/// probabilities 0.5, for logits and for the hinge losses' signs 0.
struct BinaryAccuracy {
  static constexpr const char* name = "binary accuracy";
  double threshold = 0.5;         ///< outputs above it count as the positive class
  double target_threshold = 0.5;  ///< likewise for targets: 0.5 for 0 and 1, 0 for -1 and 1

  template <class T, class D>
  double operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets) const {
    return ops::count_same_side(outputs, targets, threshold, target_threshold);
  }
};

/// A metric from a function of one sample: f(output, target) -> double, which take an index as in `output[k]`. For integer
/// labels target[0] is the label.
template <class Function>
struct SampleMetric {
  std::string label;
  Function function;

  SampleMetric(std::string label_, Function function_) : label{std::move(label_)}, function{std::move(function_)} {}

  template <class T, class D>
  operator Metric<T, D>() const {
    return {label, [f = function](const Batch<T, D>& outputs, const Targets<T, D>& targets) {
              return ops::sum_samples(outputs, targets, f);
            }};
  }
};

/// How often class `column` was predicted for samples of class `row`: [classes, classes], from outputs [n, classes] (of `predict`)
/// and integer labels [n]. Throws ShapeError where the counts differ, ArgumentError for a label that is no class.
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
    ++counts[static_cast<Index>(label) * classes + (std::max_element(y, y + classes) - y)];
  }
  return counts;
}

}  // namespace tarn
