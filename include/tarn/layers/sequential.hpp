// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <iomanip>
#include <mutex>
#include <numeric>
#include <set>
#include <sstream>

#include <tarn/data/dataset.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/ops/copy.hpp>

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

/// 62610 as "62,610".
inline std::string grouped(Index value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}
/// [28, 28, 1] as "[n, 28, 28, 1]".
inline std::string with_batch(const Shape& sample) {
  const std::string text = sample.to_string();
  return sample.rank() == 0 ? "[n]" : "[n, " + text.substr(1);
}

}  // namespace detail

/// A stack of layers: each one's output is the next one's input. A value: copies are independent, and a const model may be
/// used from several threads at once.
template <class T = float, class D = Cpu>
class Sequential {
 public:
  /// Builds the layers, infers all shapes and draws the weights with seed 0.
  /// Throws ShapeError or ArgumentError that names the layer's index and name.
  Sequential(const Input& input, const std::vector<LayerSpec<T, D>>& specs) : input_{input.shape} {
    if (specs.empty()) throw ArgumentError("Sequential: no layers, expected at least one after Input");
    auto layers = std::make_shared<std::vector<PlacedLayer<T, D>>>();
    std::set<std::string> used;
    Shape shape = input_;
    for (const auto& spec : specs) {
      PlacedLayer<T, D> placed;
      placed.name = spec.name();
      for (int number = 1; !used.insert(placed.name).second; ++number) placed.name = detail::join({spec.name(), "_", number});
      placed.type = spec.type();
      placed.input = shape;
      Setup<T, D> setup{parameters_, placed.name, static_cast<Index>(layers->size())};
      const std::string where = "layer " + std::to_string(layers->size()) + " (" + placed.name + "): ";
      try {
        placed.layer = spec.build(shape, setup);
      } catch (const ShapeError& error) {
        throw ShapeError(where, error.what());
      } catch (const ArgumentError& error) {
        throw ArgumentError(where, error.what());
      }
      placed.output = placed.layer->output_shape();
      if ((placed.layer->passes_through(true) || placed.layer->passes_through(false)) && placed.output.size() != shape.size())
        throw ShapeError(where, "passes its input through, but makes ", placed.output.to_string(), " of ", shape.to_string());
      shape = placed.output;
      placed.kept = setup.kept();
      placed.kept_batches = setup.kept_batches();
      placed.scratch = setup.scratch_size();
      placed.trainable = setup.trainable_count();
      placed.state = setup.state_count();
      layers->push_back(std::move(placed));
    }
    layers_ = std::move(layers);
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

  /// Outputs [n, output...] for inputs [n, input...], in inference mode. Throws ShapeError where a sample has another shape.
  Tensor<T, D> predict(const Samples& inputs) const {
    std::vector<std::uint32_t> rows(predict_batch);
    return predict_chunks(inputs.shape(), [&](Index first, Batch<T, D>& x) {
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
      ops::gather(inputs, rows, x);
    });
  }
  Tensor<T, D> predict(const TensorView<const T, D>& inputs) const {
    return predict_chunks(inputs.shape(), [&](Index first, Batch<T, D>& x) {
      ops::from_tensor(TensorView<const T, D>{inputs.data() + first * input_.size(), x.shape()}, x);
    });
  }
  Tensor<T, D> predict(const Tensor<T, D>& inputs) const { return predict(inputs.view()); }

  /// A table of the layers: name, type, output shape and parameters.
  std::string summary() const {
    std::ostringstream out;
    auto row = [&](const std::string& name, const std::string& type, const std::string& shape, const std::string& count) {
      out << std::left << std::setw(22) << name << std::setw(14) << type << std::setw(22) << shape << std::right << std::setw(12)
          << count << '\n';
    };
    const std::string rule(70, '-');
    row("Layer", "Type", "Output shape", "Parameters");
    out << rule << '\n';
    row("input", "Input", input_.to_string(), "0");
    for (const auto& placed : *layers_)
      row(placed.name, placed.type, placed.output.to_string(), detail::grouped(placed.trainable + placed.state));
    out << rule << '\n';
    const Index trainable = parameters_.trainable_count(), state = parameters_.state_count();
    out << "Total parameters: " << detail::grouped(trainable + state) << '\n';
    out << "Trainable: " << detail::grouped(trainable) << '\n';
    out << "Not trainable: " << detail::grouped(state) << '\n';
    return out.str();
  }

  /// Room for the steps of a trainer, or for inference.
  Workspace<T, D> workspace(bool training) const { return {layers_, input_, training}; }

  /// Runs all layers on the batch that stands in the workspace's input; the result is the last layer's activation.
  void forward(Workspace<T, D>& workspace, Index count, Step<T, D>& step) const {
    for (Index i = 0; i < static_cast<Index>(layers_->size()); ++i) {
      const auto& layer = *(*layers_)[static_cast<std::size_t>(i)].layer;
      if (layer.passes_through(step.training())) continue;
      const Batch<T, D> x = workspace.activation(i - 1, count);
      Batch<T, D> y = workspace.activation(i, count);
      step.enter(i);
      layer.forward(x, y, step);
    }
  }
  /// From dL/d(output) in the workspace to the gradients of all parameters; dL/d(input) is formed on request alone.
  void backward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, bool input_gradient = false) const {
    const Index last = static_cast<Index>(layers_->size()) - 1;
    Batch<T, D> loss_gradient = workspace.gradient(last, count);
    ops::clear_unused_lanes(loss_gradient);
    const Index lowest = input_gradient ? 0 : lowest_trainable();
    for (Index i = last; i >= lowest; --i) {
      const auto& layer = *(*layers_)[static_cast<std::size_t>(i)].layer;
      if (layer.passes_through(true)) continue;
      const Batch<T, D> x = workspace.activation(i - 1, count), y = workspace.activation(i, count);
      Batch<T, D> dy = workspace.gradient(i, count), dx = workspace.gradient(i - 1, count);
      const bool wanted = input_gradient || i > lowest;
      step.enter(i);
      layer.backward(x, y, dy, wanted ? &dx : nullptr, step);
      if (wanted) ops::clear_unused_lanes(dx);
    }
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

  template <class Fill>
  Tensor<T, D> predict_chunks(const Shape& inputs, Fill fill) const {
    if (inputs.rank() == 0 || inputs.without_first() != input_)
      throw ShapeError("predict: inputs are ", inputs.to_string(), ", expected ", detail::with_batch(input_));
    const Index n = inputs[0], size = output_shape().size();
    Tensor<T, D> outputs{output_shape().prepend(n)};
    with_workspace([&](Workspace<T, D>& workspace) {
      workspace.reserve(std::min(n, predict_batch));
      for (Index first = 0; first < n; first += predict_batch) {
        const Index count = std::min(predict_batch, n - first);
        Batch<T, D> x = workspace.activation(-1, count);
        fill(first, x);
        Step<T, D> step{parameters_, workspace};
        forward(workspace, count, step);
        const Batch<T, D> y = workspace.activation(static_cast<Index>(layers_->size()) - 1, count);
        ops::to_tensor(y, TensorView<T, D>{outputs.data() + first * size, y.shape()});
      }
    });
    return outputs;
  }

  Index lowest_trainable() const {
    for (std::size_t i = 0; i < layers_->size(); ++i)
      if ((*layers_)[i].trainable > 0) return static_cast<Index>(i);
    return static_cast<Index>(layers_->size());
  }

  Shape input_;
  Parameters<T, D> parameters_;
  std::shared_ptr<const std::vector<PlacedLayer<T, D>>> layers_;
  mutable Pool pool_;
};

template <class... Specs>
Sequential(Input, Specs...) -> Sequential<float, Cpu>;

}  // namespace tarn
