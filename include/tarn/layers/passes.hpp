// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/step.hpp>
#include <tarn/ops/copy.hpp>
#include <tarn/ops/join.hpp>

namespace tarn {

/// The way through a model's layers, forward and back, and what neighbours spare each other on it.
template <class T, class D = Cpu>
class Passes {
 public:
  using Layers = std::shared_ptr<const std::vector<PlacedLayer<T, D>>>;

  explicit Passes(Layers layers) : layers_{std::move(layers)}, frozen_(layers_->size(), 0) { plan(); }

  const Layers& layers() const { return layers_; }
  Index last_layer() const { return static_cast<Index>(layers_->size()) - 1; }

  /// Whether the layer's parameters stay as they are in training.
  bool is_frozen(Index layer) const { return frozen_[static_cast<std::size_t>(layer)] != 0; }
  /// Of the layer of that name, or of all layers of a block. Returns whether there is one.
  [[gnu::cold]] bool set_frozen(const std::string& name, bool frozen) {
    bool found = false;
    for (std::size_t i = 0; i < layers_->size(); ++i) {
      const std::string& layer = (*layers_)[i].name;
      if (layer != name && !layer.starts_with(name + "/")) continue;
      frozen_[i] = frozen;
      found = true;
    }
    plan();
    return found;
  }
  /// The parts of the flat trainable parameters that are trained: all but those of frozen layers.
  const std::vector<Range>& trained() const { return trained_; }

  /// Runs the layers up to number `last` on the batch that stands in the workspace's input; the result is that layer's activation.
  void forward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, Index last) const {
    for (Index i = 0; i <= last; ++i) {
      const auto& placed = (*layers_)[static_cast<std::size_t>(i)];
      if (placed.passes_through(step.training())) continue;
      Batch<T, D> y = workspace.activation(i, count);
      step.enter(i, is_frozen(i));
      const bool paired = pairs(i, step) && i < last;
      if (paired) {
        Batch<T, D> after = workspace.activation(++i, count);
        placed.pair->forward(workspace.activation(placed.inputs[0], count), y, after, step);
      } else if (placed.layer)
        placed.layer->forward(workspace.activation(placed.inputs[0], count), y, step);
      else
        for (std::size_t k = 0; k < placed.inputs.size(); ++k)
          placed.join->forward(static_cast<Index>(k), workspace.activation(placed.inputs[k], count), y);
      if (step.profile()) book_forward(placed, paired, count, step);
    }
  }

  /// From dL/d(output) in the workspace to the gradients of all parameters that are trained; dL/d(input) is formed on request
  /// alone. `arrived(i, dy)` is called with the gradient that arrives at each layer, before the layer may overwrite it; at all
  /// layers only in a pass that is watched.
  template <class Arrived>
  void backward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, bool input_gradient, Arrived arrived) const {
    Batch<T, D> loss_gradient = workspace.gradient(last_layer(), count);
    ops::clear_unused_lanes(loss_gradient);
    for (Index i = last_layer(); i >= 0; --i) {
      if (!input_gradient && !needs_gradient(i)) continue;
      if (i > 0 && pairs(i - 1, step)) {
        backward_pair(--i, workspace, count, step, input_gradient);
        if (step.profile()) book_backward(i, true, input_gradient || needs_gradient(at(i).inputs[0]), count, step);
        continue;
      }
      const auto& placed = (*layers_)[static_cast<std::size_t>(i)];
      Batch<T, D> dy = workspace.gradient(i, count);
      arrived(i, dy);
      const TensorView<T, D> dx_sums = gradient_sums(placed.inputs[0], step, input_gradient);
      const bool takes_sums = gradient_sums(i, step, input_gradient).size() != 0;
      enter_backward(i, step);
      step.sum_dx(dx_sums);
      if (takes_sums) step.take_sums();
      for (std::size_t k = 0; k < placed.inputs.size(); ++k) {
        const Index from = placed.inputs[k];
        const bool wanted = (input_gradient || needs_gradient(from)) && dx_sums.size() == 0;
        if (!wanted && placed.join) continue;
        Batch<T, D> dx = workspace.gradient(from, count);
        if (placed.join)
          placed.join->backward(static_cast<Index>(k), dy, dx, placed.adds[k] != 0);
        else
          backward(placed, workspace, dy, wanted ? &dx : nullptr, step);
        if (wanted) ops::clear_unused_lanes(dx);
      }
      const bool formed = (input_gradient || needs_gradient(placed.inputs[0])) && dx_sums.size() == 0;
      if (step.profile() && !placed.passes_through(true)) book_backward(i, false, formed, count, step);
    }
  }
  void backward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, bool input_gradient) const {
    backward(workspace, count, step, input_gradient, [](Index, const Batch<T, D>&) {});
  }

 private:
  /// Whether a layer and the next one work as one in this pass.
  bool pairs(Index i, const Step<T, D>& step) const {
    return at(i).pair && !(step.training() && (step.apart() || is_frozen(i))) && !step.watched();
  }
  void backward_pair(Index i, Workspace<T, D>& workspace, Index count, Step<T, D>& step, bool input_gradient) const {
    const auto& placed = (*layers_)[static_cast<std::size_t>(i)];
    const Index from = placed.inputs[0];
    const bool wanted = input_gradient || needs_gradient(from);
    Batch<T, D> dy = workspace.gradient(i + 1, count), dx = workspace.gradient(from, count);
    enter_backward(i, step);
    placed.pair->backward(workspace.activation(from, count), workspace.activation(i, count), workspace.activation(i + 1, count),
                          dy, wanted ? &dx : nullptr, step);
    if (wanted) ops::clear_unused_lanes(dx);
  }

  /// Before a layer's `backward`. Nobody who watches is shown dL/dz for dL/dy.
  void enter_backward(Index i, Step<T, D>& step) const {
    const auto& placed = (*layers_)[static_cast<std::size_t>(i)];
    Activation below;
    if (placed.gives_dz && !step.watched()) below = (*layers_)[static_cast<std::size_t>(placed.inputs[0])].layer->activation();
    step.enter(i, is_frozen(i), below, placed.takes_dz && !step.watched());
  }
  /// Where sums of what arrives at a layer go, if that is all it needs; else empty.
  TensorView<T, D> gradient_sums(Index i, Step<T, D>& step, bool input_gradient) const {
    if (i < 0 || input_gradient || step.watched()) return {};
    const auto& placed = (*layers_)[static_cast<std::size_t>(i)];
    if (!placed.takes_sums || needs_gradient(placed.inputs[0])) return {};
    step.enter(i, is_frozen(i));
    return placed.layer->gradient_sums(step);
  }
  /// One layer's part of the way back. A gradient that others have begun is formed apart and added.
  void backward(const PlacedLayer<T, D>& placed, Workspace<T, D>& workspace, Batch<T, D>& dy, Batch<T, D>* dx,
                Step<T, D>& step) const {
    const Index from = placed.inputs[0], count = dy.count();
    const bool adds = dx && placed.adds[0];
    if (placed.passes_through(true)) {
      if (!dx || dx->data() == dy.data()) return;
      const Batch<T, D> same{dy.data(), count, dx->sample(), dy.lanes()};
      return adds ? ops::add(same, *dx) : ops::copy(same, *dx);
    }
    Batch<T, D> apart = workspace.spare(from, count);
    const Index i = &placed - layers_->data();
    placed.layer->backward(workspace.activation(from, count), workspace.activation(i, count), dy, adds ? &apart : dx, step);
    if (adds) ops::add(apart, *dx);
  }

  /// What stands in a profile: who did the work, and how much there was of it.
  void book_forward(const PlacedLayer<T, D>& placed, bool paired, Index count, const Step<T, D>& step) const {
    const Index i = &placed - layers_->data();
    Index numbers = paired ? 2 * at(i + 1).output.size() : placed.output.size();  // of the pair, the means and y
    for (const Index from : placed.inputs) numbers += sample(from).size();
    const auto part = step.training() ? Profile::Part::forward : Profile::Part::inference;
    step.profile()->book(i, part, flops(placed, count), bytes(count * numbers + placed.trainable + placed.state));
    const auto with_below = step.training() ? &Profile::Sharing::with_below : &Profile::Sharing::inference_with_below;
    step.profile()->sharing(i).*with_below = false;
    if (paired) step.profile()->sharing(i + 1).*with_below = true;
  }
  void book_backward(Index i, bool paired, bool dx, Index count, const Step<T, D>& step) const {
    const auto& placed = at(i);
    const Index x = sample(placed.inputs[0]).size(), y = at(paired ? i + 1 : i).output.size();
    Index numbers = step.takes_sums() ? 0 : y;  // dy
    if (placed.layer) {
      const Reads reads = placed.layer->backward_reads(step);
      numbers += (reads.x ? x : 0) + (paired || reads.y ? y : 0);
    }
    for (std::size_t k = 0; k < placed.inputs.size(); ++k)
      if (dx) numbers += sample(placed.inputs[k]).size() * (placed.adds[k] ? 2 : 1);
    const int gradients = (placed.trainable > 0) + dx;  // of the parameters, of x
    auto& sharing = step.profile()->book(i, Profile::Part::backward, gradients * flops(placed, count),
                                         bytes(count * numbers + gradients * placed.trainable));
    sharing.derivative = dx && step.below() != Activation{};
    sharing.takes_sums = step.takes_sums();
    sharing.no_dx = !dx;
  }
  const PlacedLayer<T, D>& at(Index i) const { return (*layers_)[static_cast<std::size_t>(i)]; }
  /// Shape of one sample of the output of a place; of the input where there is none.
  const Shape& sample(Index place) const { return place < 0 ? at(0).input : at(place).output; }
  static double flops(const PlacedLayer<T, D>& placed, Index count) {
    return placed.layer ? static_cast<double>(count * scalars_per_number<T, D>()) * placed.layer->flops() : 0;
  }
  static double bytes(Index numbers) { return static_cast<double>(numbers * scalars_per_number<T, D>()) * sizeof(T); }

  /// Finds which layers a gradient must reach, and which parameters are trained.
  [[gnu::cold]] void plan() {
    needs_gradient_.assign(layers_->size(), 0);
    trained_.clear();
    Index offset = 0;
    for (std::size_t i = 0; i < layers_->size(); ++i) {
      const auto& placed = (*layers_)[i];
      const bool trains = placed.trainable > 0 && !frozen_[i];
      needs_gradient_[i] = trains;
      for (const Index from : placed.inputs) needs_gradient_[i] |= static_cast<char>(needs_gradient(from));
      if (trains && !trained_.empty() && trained_.back().last == offset)
        trained_.back().last += placed.trainable;
      else if (trains)
        trained_.push_back({offset, offset + placed.trainable});
      offset += placed.trainable;
    }
  }
  bool needs_gradient(Index layer) const { return layer >= 0 && needs_gradient_[static_cast<std::size_t>(layer)] != 0; }

  Layers layers_;
  std::vector<char> frozen_, needs_gradient_;  // a layer
  std::vector<Range> trained_;
};

}  // namespace tarn
