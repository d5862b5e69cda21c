// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <tarn/layers/sequential.hpp>
#include <tarn/ops/losses.hpp>
#include <tarn/ops/optimizers.hpp>

namespace tarn::detail {

template <class T, class D>
bool finite(const Batch<T, D>& batch) {
  return ops::all_finite(TensorView<const T, D>{batch.data(), {batch.size()}});
}

/// Names the first tensor on the way forward that is not finite: input, targets and their weights, parameters, then the layers' outputs. State
/// (moving statistics) is looked at as it was before the step.
template <class T, class D>
[[noreturn]] void report_loss(Index iteration, double loss, const Sequential<T, D>& model, const Tensor<T, D>& state_before,
                              Workspace<T, D>& workspace, Index count, const Targets<T, D>& targets) {
  const std::string where = join({"step ", iteration, ": the loss is ", loss, "; first not finite: "});
  if (!finite(workspace.activation(-1, count))) throw StateError(where, "the input of the model");
  if (!targets.has_labels() && !finite(targets.vectors)) throw StateError(where, "the targets");
  if (targets.has_weights() && !ops::all_finite(targets.weights)) throw StateError(where, "the sample weights");
  for (const auto& entry : model.parameters().entries()) {
    const auto& p = entry.parameter;
    const auto values = p.trainable ? model.parameters()[p] : TensorView<const T, D>{state_before.data() + p.offset, p.shape};
    if (!ops::all_finite(values)) throw StateError(where, entry.name);
  }
  for (Index i = 0; i <= model.last_layer(); ++i)
    if (!finite(workspace.activation(i, count)))
      throw StateError(where, "the output of layer ", i, " (", model.layers()[static_cast<std::size_t>(i)].name, ")");
  throw StateError(where, "the loss itself");
}

template <class T, class D>
bool is_trained(const Sequential<T, D>& model, const Parameter& p) {
  const auto holds = [&](const Range& range) { return range.first <= p.offset && p.offset < range.last; };
  return p.trainable && std::any_of(model.trained().begin(), model.trained().end(), holds);
}

/// Throws StateError that names the first gradient on the way back that is not finite, among those of parameters that are trained:
/// frozen ones may have none.
template <class T, class D>
void check_gradients(Index iteration, const Sequential<T, D>& model, const Tensor<T, D>& gradients) {
  const auto part = [&](Index first, Index size) { return TensorView<const T, D>{gradients.data() + first, {size}}; };
  const auto finite_part = [&](const Range& range) { return ops::all_finite(part(range.first, range.last - range.first)); };
  if (std::all_of(model.trained().begin(), model.trained().end(), finite_part)) return;
  const auto& entries = model.parameters().entries();
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const Parameter& p = entry->parameter;
    if (is_trained(model, p) && !ops::all_finite(part(p.offset, p.shape.size())))
      throw StateError("step ", iteration, ": first not finite: the gradient of ", entry->name);
  }
}

}  // namespace tarn::detail
