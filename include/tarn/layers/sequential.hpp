// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <mutex>
#include <numeric>

#include <tarn/data/dataset.hpp>
#include <tarn/layers/builder.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/layers/summary.hpp>
#include <tarn/ops/copy.hpp>
#include <tarn/ops/join.hpp>

namespace tarn {

/// The shape of one sample, without the batch: `Input{28, 28, 1}`. Throws ShapeError for an extent below 1.
struct Input {
  Shape shape;

  template <class... Extents>
    requires(std::integral<Extents>&&...)
  explicit Input(Extents... extents) : Input{Shape{static_cast<Index>(extents)...}} {}
  explicit Input(const Shape& sample) : shape{sample} {
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (shape[axis] < 1)
        throw ShapeError("Input: shape ", shape.to_string(), " has an empty axis, expected extents of at least 1");
  }
};

namespace detail {

/// [28, 28, 1] as "[n, 28, 28, 1]".
inline std::string with_batch(const Shape& sample) {
  const std::string text = sample.to_string();
  return sample.rank() == 0 ? "[n]" : "[n, " + text.substr(1);
}

}  // namespace detail

/// A stack of layers: each one's output is the next one's input; blocks (blocks.hpp) branch and join again inside. A value:
/// copies are independent, and a const model may be used from several threads at once.
template <class T = float, class D = Cpu>
class Sequential {
 public:
  /// Builds the layers, infers all shapes and draws the weights with seed 0.
  /// Throws ShapeError or ArgumentError that names the layer's index and name.
  [[gnu::cold]] Sequential(const Input& input, const std::vector<LayerSpec<T, D>>& specs) : input_{input.shape} {
    Builder<T, D> builder{input_, parameters_};
    const Index last = builder.place(specs, -1);
    layers_ = std::make_shared<const std::vector<PlacedLayer<T, D>>>(builder.finish(last));
    frozen_.assign(layers_->size(), 0);
    plan_training();
    parameters_.allocate();
    initialize(0);
  }
  template <class... Specs>
  explicit Sequential(const Input& input, const Specs&... specs) : Sequential{input, std::vector<LayerSpec<T, D>>{specs...}} {}

  // Copies only: a move would leave a model without layers behind.
  Sequential(const Sequential&) = default;
  Sequential& operator=(const Sequential&) = default;

  /// Draws all weights anew: a function of the seed alone.
  void initialize(std::uint64_t seed) { parameters_.initialize(seed); }

  const Shape& input_shape() const { return input_; }                   ///< of one sample
  const Shape& output_shape() const { return layers_->back().output; }  ///< of one sample
  const std::vector<PlacedLayer<T, D>>& layers() const { return *layers_; }
  Parameters<T, D>& parameters() { return parameters_; }
  const Parameters<T, D>& parameters() const { return parameters_; }

  /// A parameter by layer and name, as in `weights("conv2d_1/kernel")`. Throws ArgumentError that lists the names there are.
  TensorView<T, D> weights(const std::string& name) { return parameters_[parameters_.find(name).parameter]; }
  TensorView<const T, D> weights(const std::string& name) const { return parameters_[parameters_.find(name).parameter]; }

  /// Leaves the weights of a layer, or of all layers of a block, as they are in training; a BatchNorm then works as in inference.
  /// Throws ArgumentError that lists the names there are.
  void freeze(const std::string& name) { set_frozen(name, 1); }
  void unfreeze(const std::string& name) { set_frozen(name, 0); }
  bool is_frozen(Index layer) const { return frozen_[static_cast<std::size_t>(layer)] != 0; }
  /// The parts of the flat trainable parameters that are trained: all but those of frozen layers.
  const std::vector<Range>& trained() const { return trained_; }

  /// Outputs [n, output...] for inputs [n, input...], in inference mode. Throws ShapeError where a sample has another shape.
  Tensor<T, D> predict(const Samples& inputs) const { return run(inputs, last_layer()); }
  Tensor<T, D> predict(const TensorView<const T, D>& inputs) const { return run(inputs, last_layer()); }
  Tensor<T, D> predict(const Tensor<T, D>& inputs) const { return predict(inputs.view()); }

  /// The same for an inner layer, by name: `outputs("dense_1", inputs)`. Throws ArgumentError that lists the names there are.
  Tensor<T, D> outputs(const std::string& layer, const Samples& inputs) const { return run(inputs, find_layer(layer)); }
  Tensor<T, D> outputs(const std::string& layer, const Tensor<T, D>& inputs) const {
    return run(inputs.view(), find_layer(layer));
  }

  /// A layer's index in `layers()`. Throws ArgumentError that lists the names there are.
  Index find_layer(const std::string& name) const {
    for (std::size_t i = 0; i < layers_->size(); ++i)
      if ((*layers_)[i].name == name) return static_cast<Index>(i);
    throw unknown_layer(name);
  }
  Index last_layer() const { return static_cast<Index>(layers_->size()) - 1; }

  /// A table of the layers: name, type, output shape and parameters.
  [[gnu::cold]] std::string summary() const {
    std::vector<detail::SummaryRow> rows{{"input", "Input", input_, 0}};
    for (const auto& placed : *layers_)
      rows.push_back({placed.name, placed.type, placed.output, placed.trainable + placed.state});
    Index trained = 0;
    for (const Range& range : trained_) trained += range.last - range.first;
    return detail::summary_table(rows, trained);
  }

  /// Room for the steps of a trainer, or for inference.
  Workspace<T, D> workspace(bool training) const { return {layers_, input_, training}; }

  /// Runs the layers up to number `last` on the batch that stands in the workspace's input; the result is that layer's activation.
  void forward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, Index last) const {
    for (Index i = 0; i <= last; ++i) {
      const auto& placed = (*layers_)[static_cast<std::size_t>(i)];
      if (placed.passes_through(step.training())) continue;
      Batch<T, D> y = workspace.activation(i, count);
      step.enter(i, is_frozen(i));
      if (pairs(i, step) && i < last) {
        Batch<T, D> after = workspace.activation(++i, count);
        placed.pair->forward(workspace.activation(placed.inputs[0], count), y, after, step);
      } else if (placed.layer)
        placed.layer->forward(workspace.activation(placed.inputs[0], count), y, step);
      else
        for (std::size_t k = 0; k < placed.inputs.size(); ++k)
          placed.join->forward(static_cast<Index>(k), workspace.activation(placed.inputs[k], count), y);
    }
  }
  void forward(Workspace<T, D>& workspace, Index count, Step<T, D>& step) const { forward(workspace, count, step, last_layer()); }

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
    }
  }
  void backward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, bool input_gradient = false) const {
    backward(workspace, count, step, input_gradient, [](Index, const Batch<T, D>&) {});
  }

  /// Calls `use(workspace)` with memory for inference that no other thread has.
  template <class Use>
  void with_workspace(Use use) const {
    auto workspace = pool_.take();
    if (!workspace) workspace = std::make_unique<Workspace<T, D>>(layers_, input_, false);
    use(*workspace);
    pool_.give(std::move(workspace));
  }

  /// Samples of one pass of `predict` and `evaluate`.
  static constexpr Index predict_batch = 256;

 private:
  /// Memory of finished predictions, for the next ones. It does not travel with copies of the model.
  class Pool {
   public:
    Pool() = default;
    Pool(const Pool&) {}
    Pool& operator=(const Pool&) {  // the memory was that of another model
      std::lock_guard lock{mutex_};
      free_.clear();
      return *this;
    }

    std::unique_ptr<Workspace<T, D>> take() {
      std::lock_guard lock{mutex_};
      if (free_.empty()) return nullptr;
      auto workspace = std::move(free_.back());
      free_.pop_back();
      return workspace;
    }
    void give(std::unique_ptr<Workspace<T, D>> workspace) {
      std::lock_guard lock{mutex_};
      free_.push_back(std::move(workspace));
    }

   private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Workspace<T, D>>> free_;
  };

  Tensor<T, D> run(const Samples& inputs, Index layer) const {
    std::vector<std::uint32_t> rows(predict_batch);
    return run_chunks(inputs.shape(), layer, [&](Index first, Batch<T, D>& x) {
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
      ops::gather(inputs, rows, x);
    });
  }
  Tensor<T, D> run(const TensorView<const T, D>& inputs, Index layer) const {
    return run_chunks(inputs.shape(), layer, [&](Index first, Batch<T, D>& x) {
      ops::from_tensor(TensorView<const T, D>{inputs.data() + first * input_.size(), x.shape()}, x);
    });
  }
  template <class Fill>
  Tensor<T, D> run_chunks(const Shape& inputs, Index layer, Fill fill) const {
    if (inputs.rank() == 0 || inputs.without_first() != input_)
      throw ShapeError("predict: inputs are ", inputs.to_string(), ", expected ", detail::with_batch(input_));
    const Shape output = (*layers_)[static_cast<std::size_t>(layer)].output;
    const Index n = inputs[0];
    Tensor<T, D> outputs{output.prepend(n)};
    with_workspace([&](Workspace<T, D>& workspace) {
      workspace.reserve(std::min(n, predict_batch));
      workspace.set_few(few(n));
      for (Index first = 0; first < n; first += predict_batch) {
        const Index count = std::min(predict_batch, n - first);
        Batch<T, D> x = workspace.activation(-1, count);
        fill(first, x);
        Step<T, D> step{parameters_, workspace};
        forward(workspace, count, step, layer);
        const Batch<T, D> y = workspace.activation(layer, count);
        ops::to_tensor(y, TensorView<T, D>{outputs.data() + first * output.size(), y.shape()});
      }
      workspace.set_few(false);
    });
    return outputs;
  }
  /// Whether so many samples are predicted one after another: where lanes would stay empty, and channels can take their place.
  static bool few(Index count) { return std::is_same_v<D, Cpu> && 3 * count <= cpu::lanes<T>(); }

  /// Whether a layer and the next one work as one in this pass.
  bool pairs(Index i, const Step<T, D>& step) const {
    return step.training() && !step.watched() && !is_frozen(i) && (*layers_)[static_cast<std::size_t>(i)].pair;
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
      const Batch<T, D> same{dy.data(), count, dx->sample()};
      return adds ? ops::add(same, *dx) : ops::copy(same, *dx);
    }
    Batch<T, D> apart = workspace.spare(from, count);
    const Index i = &placed - layers_->data();
    placed.layer->backward(workspace.activation(from, count), workspace.activation(i, count), dy, adds ? &apart : dx, step);
    if (adds) ops::add(apart, *dx);
  }

  [[gnu::cold]] ArgumentError unknown_layer(const std::string& name) const {
    std::string known;
    for (const auto& placed : *layers_) known += (known.empty() ? "" : ", ") + placed.name;
    return ArgumentError("no layer '", name, "', there are: ", known);
  }
  [[gnu::cold]] void set_frozen(const std::string& name, char frozen) {
    bool found = false;
    for (std::size_t i = 0; i < layers_->size(); ++i) {
      const std::string& layer = (*layers_)[i].name;
      if (layer != name && !layer.starts_with(name + "/")) continue;
      frozen_[i] = frozen;
      found = true;
    }
    if (!found) throw unknown_layer(name);
    plan_training();
  }
  /// Finds which layers a gradient must reach, and which parameters are trained.
  [[gnu::cold]] void plan_training() {
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

  Shape input_;
  Parameters<T, D> parameters_;
  std::shared_ptr<const std::vector<PlacedLayer<T, D>>> layers_;
  std::vector<char> frozen_, needs_gradient_;  // a layer
  std::vector<Range> trained_;
  mutable Pool pool_;
};

template <class... Specs>
Sequential(Input, Specs...) -> Sequential<float, Cpu>;

}  // namespace tarn
