// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <tarn/layers/sequential.hpp>
#include <tarn/ops/losses.hpp>

/// Checks of gradients against central differences, for the library's layers and for a user's own.
namespace tarn::testing {

struct GradientCheckOptions {
  Index batch = 5;                  ///< samples, at least 1
  bool few = false;                 ///< one after another instead of in lanes, as trainers take up to `few_samples` on the CPU
  std::uint64_t seed = 1;           ///< of inputs, weights and the objective's weights
  double input_scale = 1;           ///< inputs are uniform on (-scale, scale)
  double input_offset = 0;          ///< added to the inputs
  double tolerance = 1e-6;          ///< largest error that passes
  double largest_kink_share = 0.2;  ///< more kinks than this share of all entries do not pass
};

/// What was found. The error of an entry is |analytic - numeric| divided by the largest gradient of its tensor, or by a
/// thousandth of the largest of all tensors where that is more, so that rounding in a vanishing gradient does not count.
struct GradientReport {
  double worst_error = 0;
  std::string worst;                 ///< name of the tensor and the entry, as in "dense/kernel[3]"
  double analytic = 0, numeric = 0;  ///< of the worst entry
  Index checked = 0, kinks = 0;      ///< entries compared, and excluded
  double tolerance = 0, largest_kink_share = 0;

  bool passed() const {
    return checked > 0 && worst_error <= tolerance &&
           static_cast<double>(kinks) <= largest_kink_share * static_cast<double>(checked + kinks);
  }
  std::string to_string() const {
    std::ostringstream out;
    out << (passed() ? "passed" : "FAILED") << ": " << checked << " entries checked, " << kinks << " kinks excluded; worst error "
        << worst_error << " (tolerance " << tolerance << ") at " << worst << ": analytic " << analytic << ", numeric " << numeric;
    return out.str();
  }
  friend std::ostream& operator<<(std::ostream& out, const GradientReport& report) { return out << report.to_string(); }
};

namespace detail {

/// The derivative of f at 0, where f(h) is the objective with one entry moved by h.
struct Difference {
  double value = 0;
  bool kink = false;
};

/// Central difference with step h. Where f is smooth its one-sided slopes differ by h f'', so a shorter step leaves its
/// share of the difference; where it leaves clearly more or less, a kink lies within the step and no derivative can be had.
/// Differences below `noise` say nothing.
template <class Function>
Difference central_difference(Function f, double at_zero, double h) {
  const auto slopes = [&](double step) {
    const double up = f(step), down = f(-step);
    return std::pair{(up - at_zero) / step, (at_zero - down) / step};
  };
  const auto [right, left] = slopes(h);
  const double value = (right + left) / 2, gap = std::abs(right - left);
  const double noise = 64 * std::numeric_limits<double>::epsilon() * (1 + std::abs(at_zero)) / (h / 10);
  if (gap < noise || gap < 1e-6 * std::abs(value)) return {value, false};
  for (const double share : {0.1, 0.3}) {  // two, since one of them can fall where a kink looks smooth
    const auto [near_right, near_left] = slopes(share * h);
    if (std::abs(std::abs(near_right - near_left) - share * gap) > share * gap / 2 + noise) return {value, true};
  }
  return {value, false};
}

}  // namespace detail

/// Compares all gradients of a model, those of its inputs too, with central differences in double precision, training mode.
/// `objective(outputs, gradient)` returns a number and, where the pointer is given, writes its gradient.
/// The step is the cube root of epsilon times the entry's magnitude, at least 1 (truncation and rounding then balance).
template <class D = Cpu, class Objective>
GradientReport gradient_check(Sequential<double, D> model, const Objective& objective, const GradientCheckOptions& options = {}) {
  Tensor<double, D> input{model.input_shape().prepend(options.batch)};
  const Stream inputs{options.seed, Purpose::initial_weights, 1000};
  for (Index i = 0; i < input.size(); ++i) input[i] = options.input_offset + options.input_scale * (2 * inputs.uniform(i) - 1);
  auto& parameters = model.parameters();
  const Stream weights{options.seed, Purpose::initial_weights, 1001};
  auto trainable = parameters.trainable();
  for (Index i = 0; i < trainable.size(); ++i) trainable[i] += 0.2 * (2 * weights.uniform(i) - 1);  // off zeros and ones

  auto workspace = model.workspace(true);
  workspace.reserve(options.batch);
  workspace.set_few(options.few);
  Tensor<double, D> gradients{Shape{parameters.trainable_count()}};
  const Index last = static_cast<Index>(model.layers().size()) - 1;
  const auto evaluate = [&](Batch<double, D>* gradient) {
    Batch<double, D> x = workspace.activation(-1, options.batch);
    ops::from_tensor(std::as_const(input).view(), x);
    Step<double, D> step{parameters, workspace, gradients.view(), options.seed, 0};
    model.forward(workspace, options.batch, step);
    const double value = objective(workspace.activation(last, options.batch), gradient);
    if (gradient) model.backward(workspace, options.batch, step, true);
    return value;
  };
  Batch<double, D> output_gradient = workspace.gradient(last, options.batch);
  const double at_zero = evaluate(&output_gradient);
  Tensor<double, D> input_gradient{input.shape()};
  ops::to_tensor(workspace.gradient(-1, options.batch), input_gradient.view());
  const Tensor<double, D> parameter_gradients = gradients;

  struct Checked {
    std::string name;
    TensorView<double, D> values;
    TensorView<const double, D> gradient;
    double largest = 0;
  };
  std::vector<Checked> tensors{{"input", input.view(), std::as_const(input_gradient).view()}};
  for (const auto& entry : parameters.entries())
    if (entry.parameter.trainable)
      tensors.push_back({entry.name,
                         parameters[entry.parameter],
                         {parameter_gradients.data() + entry.parameter.offset, entry.parameter.shape}});
  double largest = std::numeric_limits<double>::min();
  for (auto& tensor : tensors) {
    for (double gradient : tensor.gradient) tensor.largest = std::max(tensor.largest, std::abs(gradient));
    largest = std::max(largest, tensor.largest);
  }

  GradientReport report;
  report.tolerance = options.tolerance;
  report.largest_kink_share = options.largest_kink_share;
  for (const auto& tensor : tensors) {
    const double scale = std::max(tensor.largest, largest / 1000);
    for (Index i = 0; i < tensor.values.size(); ++i) {
      double& value = tensor.values[i];
      const double original = value;
      const double h = std::cbrt(std::numeric_limits<double>::epsilon()) * std::max(1.0, std::abs(original));
      const auto moved = [&](double by) {
        value = original + by;
        const double result = evaluate(nullptr);
        value = original;
        return result;
      };
      const auto [numeric, kink] = detail::central_difference(moved, at_zero, h);
      if (kink) {
        ++report.kinks;
        continue;
      }
      ++report.checked;
      const double error = std::abs(tensor.gradient[i] - numeric) / scale;
      if (error > report.worst_error || std::isnan(error) || report.worst.empty()) {
        report.worst_error = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
        report.worst = tensor.name + "[" + std::to_string(i) + "]";
        report.analytic = tensor.gradient[i];
        report.numeric = numeric;
      }
    }
  }
  return report;
}

/// The same for layers on samples of this shape, with a random weighting of the outputs as the objective.
template <class D = Cpu>
GradientReport gradient_check(const Input& input, const std::vector<LayerSpec<double, D>>& layers,
                              const GradientCheckOptions& options = {}) {
  Sequential<double, D> model{input, layers};
  model.initialize(options.seed);
  Tensor<double, D> weights{model.output_shape().prepend(options.batch)};
  const Stream stream{options.seed, Purpose::initial_weights, 1002};
  for (Index i = 0; i < weights.size(); ++i) weights[i] = 2 * stream.uniform(i) - 1;
  Tensor<double, D> outputs{weights.shape()};
  return gradient_check<D>(
      std::move(model),
      [&](const Batch<double, D>& y, Batch<double, D>* gradient) {
        ops::to_tensor(y, outputs.view());
        double sum = 0;
        for (Index i = 0; i < outputs.size(); ++i) sum += weights[i] * outputs[i];
        if (gradient) ops::from_tensor(std::as_const(weights).view(), *gradient);
        return sum;
      },
      options);
}

}  // namespace tarn::testing
