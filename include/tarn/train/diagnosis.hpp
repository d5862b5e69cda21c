// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdio>
#include <deque>

#include <tarn/layers/sequential.hpp>
#include <tarn/train/metrics.hpp>
#include <tarn/train/non_finite.hpp>

namespace tarn {

/// What `Trainer::diagnose` looks for.
struct DiagnosisOptions {
  double tanh_saturated = 0.99;     ///< |y| above it counts as saturated
  double sigmoid_saturated = 0.01;  ///< y closer than this to 0 or 1 counts as saturated
  bool keep_values = false;         ///< keep the activations and gradients themselves
};

/// Numbers about the elements of a tensor.
struct ElementStatistics {
  Index count = 0;
  double mean = 0, deviation = 0;  ///< deviation: root of the mean square around the mean
  double smallest = 0, largest = 0;
  double zeros = 0;  ///< share of elements that are exactly 0
};

/// One layer in one step: y, its activations on a batch, and dL/dy, the gradient that arrives at it.
template <class T, class D = Cpu>
struct LayerDiagnosis {
  std::string name, type;
  Activation function;  ///< that made y
  ElementStatistics activations, gradients;
  /// Share of y's elements where the slope nearly vanishes: Tanh and Sigmoid at their ends; 0 for other functions.
  double saturated = 0;
  /// Share of units (channels of an image) that pass no gradient on for any sample: ReLU that is never above 0, Tanh and Sigmoid
  /// always saturated; 0 for other functions.
  double dead = 0;
  Tensor<T, HostOf<D>> activation_values, gradient_values;  ///< with `keep_values`
};

/// One parameter in one step; those of frozen layers are not listed.
struct ParameterDiagnosis {
  std::string name;
  double weight_norm = 0, gradient_norm = 0;  ///< roots of the sums of squares
  double update_ratio = 0;  ///< norm of the update divided by the norm of the weights; infinite for zero weights
};

/// A look into one training step.
template <class T, class D = Cpu>
struct Diagnosis {
  Metrics metrics;  ///< of the batch
  std::vector<LayerDiagnosis<T, D>> layers;
  std::vector<ParameterDiagnosis> parameters;

  /// By name, as in "dense_1". Throws ArgumentError that lists the names there are.
  const LayerDiagnosis<T, D>& layer(const std::string& name) const { return find("layer", layers, name); }
  /// By name, as in "dense_1/kernel". Throws ArgumentError that lists the names there are.
  const ParameterDiagnosis& parameter(const std::string& name) const { return find("parameter", parameters, name); }
  /// As two tables.
  std::string table() const;

 private:
  template <class List>
  static const auto& find(const char* what, const List& list, const std::string& name) {
    std::string known;
    for (const auto& entry : list) {
      if (entry.name == name) return entry;
      known += (known.empty() ? "" : ", ") + entry.name;
    }
    throw ArgumentError("diagnosis: no ", what, " '", name, "', there are: ", known);
  }
};

namespace detail {

inline ElementStatistics element_statistics(const double* values, Index count) {
  ElementStatistics result;
  result.count = count;
  if (count == 0) return result;
  const double n = static_cast<double>(count);
  double sum = 0, squares = 0, zeros = 0;
  result.smallest = result.largest = values[0];
  for (Index i = 0; i < count; ++i) {
    sum += values[i];
    zeros += values[i] == 0;
    result.smallest = std::min(result.smallest, values[i]);
    result.largest = std::max(result.largest, values[i]);
  }
  result.mean = sum / n;
  for (Index i = 0; i < count; ++i) squares += (values[i] - result.mean) * (values[i] - result.mean);
  result.deviation = std::sqrt(squares / n);
  result.zeros = zeros / n;
  return result;
}

template <class T, class D>
Tensor<T, HostOf<D>> values_of(const Batch<T, D>& batch) {
  Tensor<T, HostOf<D>> values{batch.shape()};
  ops::to_tensor(batch, values.view());
  return values;
}
template <class T, class D>
ElementStatistics statistics_of(const Tensor<T, D>& values) {
  const std::vector<double> doubles(values.begin(), values.end());
  return element_statistics(doubles.data(), values.size());
}

template <class T, class D>
LayerDiagnosis<T, D> diagnosed_layer(const PlacedLayer<T, D>& placed) {
  LayerDiagnosis<T, D> result;
  result.name = placed.name;
  result.type = placed.type;
  if (placed.layer) result.function = placed.layer->activation();
  return result;
}

template <class T, class D>
void see_gradient(const Batch<T, D>& dy, const DiagnosisOptions& options, LayerDiagnosis<T, D>& layer) {
  Tensor<T, HostOf<D>> values = values_of(dy);
  layer.gradients = statistics_of(values);
  if (options.keep_values) layer.gradient_values = std::move(values);
}

template <class T, class D>
void see_activation(const Batch<T, D>& y, const DiagnosisOptions& options, LayerDiagnosis<T, D>& layer) {
  using Kind = Activation::Kind;
  Tensor<T, HostOf<D>> values = values_of(y);
  layer.activations = statistics_of(values);
  const Kind kind = layer.function.kind();
  const bool relu = kind == Kind::relu || (kind == Kind::leaky_relu && layer.function.slope() == 0);
  if (relu || kind == Kind::tanh || kind == Kind::sigmoid) {
    const Index units = y.sample().rank() == 0 ? 1 : y.sample().back();
    std::vector<char> dead(static_cast<std::size_t>(units), 1);
    Index saturated = 0;
    for (Index i = 0; i < values.size(); ++i) {
      const double v = static_cast<double>(values[i]);
      const bool flat = relu                 ? v <= 0
                        : kind == Kind::tanh ? std::abs(v) > options.tanh_saturated
                                             : v < options.sigmoid_saturated || v > 1 - options.sigmoid_saturated;
      if (!flat) dead[static_cast<std::size_t>(i % units)] = 0;
      saturated += flat && !relu;
    }
    layer.saturated = static_cast<double>(saturated) / static_cast<double>(values.size());
    layer.dead = static_cast<double>(std::count(dead.begin(), dead.end(), 1)) / static_cast<double>(units);
  }
  if (options.keep_values) layer.activation_values = std::move(values);
}

template <class T, class D>
std::vector<ParameterDiagnosis> diagnosed_parameters(const Sequential<T, D>& model, const Tensor<T, D>& weights_before,
                                                     const Tensor<T, D>& weight_gradients) {
  std::vector<ParameterDiagnosis> result;
  const auto before = ops::to_host(weights_before.view()), gradients = ops::to_host(weight_gradients.view());
  const auto after = ops::to_host(model.parameters().trainable());
  for (const auto& entry : model.parameters().entries()) {
    const Parameter& p = entry.parameter;
    if (!is_trained(model, p)) continue;
    double weights = 0, gradient = 0, update = 0;
    for (Index i = p.offset; i < p.offset + p.shape.size(); ++i) {
      const double w = static_cast<double>(before[i]), g = static_cast<double>(gradients[i]);
      const double change = static_cast<double>(after[i]) - w;
      weights += w * w;
      gradient += g * g;
      update += change * change;
    }
    result.push_back({entry.name, std::sqrt(weights), std::sqrt(gradient), update == 0 ? 0 : std::sqrt(update / weights)});
  }
  return result;
}

/// Puts tensors back as they were, at the end of its scope.
template <class T, class D>
class Restored {
 public:
  Restored() = default;
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;
  ~Restored() {
    try {
      for (const auto& [tensor, before] : kept_) ops::copy(before.view(), tensor);
    } catch (const DeviceError&) {  // a GPU that is lost keeps nothing
    }
  }

  /// Returns what stands in the tensor now; the reference holds as long as this object.
  const Tensor<T, D>& keep(const TensorView<T, D>& tensor) {
    Tensor<T, D> before{tensor.shape()};
    ops::copy(TensorView<const T, D>{tensor}, before.view());
    return kept_.emplace_back(tensor, std::move(before)).second;
  }

 private:
  std::deque<std::pair<TensorView<T, D>, Tensor<T, D>>> kept_;
};

}  // namespace detail

template <class T, class D>
std::string Diagnosis<T, D>::table() const {
  std::string out;
  const auto line = [&](const std::string& name, std::initializer_list<double> numbers) {
    char field[32];
    out += name + std::string(name.size() < 28 ? 28 - name.size() : 1, ' ');
    for (const double number : numbers) {
      std::snprintf(field, sizeof field, "%12.4g", number);
      out += field;
    }
    out += '\n';
  };
  out += "Layer                          mean of y   deviation   saturated        dead  mean of dy   deviation\n";
  for (const auto& l : layers)
    line(l.name, {l.activations.mean, l.activations.deviation, l.saturated, l.dead, l.gradients.mean, l.gradients.deviation});
  out += "Parameter                           norm    gradient      update\n";
  for (const auto& p : parameters) line(p.name, {p.weight_norm, p.gradient_norm, p.update_ratio});
  return out;
}

}  // namespace tarn
