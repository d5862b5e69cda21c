// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <mutex>
#include <numeric>

#include <tarn/data/dataset.hpp>
#include <tarn/layers/builder.hpp>
#include <tarn/layers/passes.hpp>
#include <tarn/layers/summary.hpp>

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
  [[gnu::cold]] Sequential(const Input& input, const std::vector<LayerSpec<T, D>>& specs)
      : input_{input.shape}, passes_{build(specs)} {
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
  const Shape& output_shape() const { return layers().back().output; }  ///< of one sample
  const std::vector<PlacedLayer<T, D>>& layers() const { return *passes_.layers(); }
  Parameters<T, D>& parameters() { return parameters_; }
  const Parameters<T, D>& parameters() const { return parameters_; }

  /// A parameter by layer and name, as in `weights("conv2d_1/kernel")`. Throws ArgumentError that lists the names there are.
  TensorView<T, D> weights(const std::string& name) { return parameters_[parameters_.find(name).parameter]; }
  TensorView<const T, D> weights(const std::string& name) const { return parameters_[parameters_.find(name).parameter]; }

  /// Leaves the weights of a layer, or of all layers of a block, as they are in training; a BatchNorm then works as in inference.
  /// Throws ArgumentError that lists the names there are.
  void freeze(const std::string& name) { set_frozen(name, true); }
  void unfreeze(const std::string& name) { set_frozen(name, false); }
  bool is_frozen(Index layer) const { return passes_.is_frozen(layer); }
  /// The parts of the flat trainable parameters that are trained: all but those of frozen layers.
  const std::vector<Range>& trained() const { return passes_.trained(); }
  /// Numbers in them.
  Index trained_count() const {
    Index count = 0;
    for (const Range& range : trained()) count += range.last - range.first;
    return count;
  }

  /// Outputs [n, output...] for inputs [n, input...], in inference mode; where the time goes, in a profile if there is one. Throws
  /// ShapeError where a sample has another shape.
  Tensor<T, HostOf<D>> predict(const Samples& inputs, Profile* profile = nullptr) const {
    return run(inputs, last_layer(), profile);
  }
  Tensor<T, HostOf<D>> predict(const TensorView<const T, HostOf<D>>& inputs, Profile* profile = nullptr) const {
    return run(inputs, last_layer(), profile);
  }
  Tensor<T, HostOf<D>> predict(const Tensor<T, HostOf<D>>& inputs, Profile* profile = nullptr) const {
    return predict(inputs.view(), profile);
  }

  /// The same for an inner layer, by name: `outputs("dense_1", inputs)`. Throws ArgumentError that lists the names there are.
  Tensor<T, HostOf<D>> outputs(const std::string& layer, const Samples& inputs) const { return run(inputs, find_layer(layer)); }
  Tensor<T, HostOf<D>> outputs(const std::string& layer, const Tensor<T, HostOf<D>>& inputs) const {
    return run(inputs.view(), find_layer(layer));
  }

  /// A layer's index in `layers()`. Throws ArgumentError that lists the names there are.
  Index find_layer(const std::string& name) const {
    for (std::size_t i = 0; i < layers().size(); ++i)
      if (layers()[i].name == name) return static_cast<Index>(i);
    throw unknown_layer(name);
  }
  Index last_layer() const { return passes_.last_layer(); }

  /// A table of the layers: name, type, output shape and parameters.
  [[gnu::cold]] std::string summary() const {
    std::vector<detail::SummaryRow> rows{{"input", "Input", input_, 0}};
    for (const auto& placed : layers())
      rows.push_back({placed.name, placed.type, placed.output, placed.trainable + placed.state});
    return detail::summary_table(rows, trained_count());
  }

  /// Room for the steps of a trainer, or for inference.
  Workspace<T, D> workspace(bool training) const { return {passes_.layers(), input_, training}; }
  /// As `Passes` says.
  void forward(Workspace<T, D>& workspace, Index count, Step<T, D>& step) const {
    passes_.forward(workspace, count, step, last_layer());
  }
  template <class... Arrived>
  void backward(Workspace<T, D>& workspace, Index count, Step<T, D>& step, bool input_gradient = false,
                Arrived... arrived) const {
    passes_.backward(workspace, count, step, input_gradient, arrived...);
  }

  /// Calls `use(workspace)` with memory for inference that no other thread has.
  template <class Use>
  void with_workspace(Use use) const {
    auto workspace = pool_.take();
    if (!workspace) workspace = std::make_unique<Workspace<T, D>>(passes_.layers(), input_, false);
    use(*workspace);
    pool_.give(std::move(workspace));
  }

  /// Whether so many samples, to predict or to train on, go one after another: where lanes would stay empty, and channels can take
  /// their place.
  static bool few(Index count) { return std::is_same_v<D, Cpu> && count <= few_samples<T>(); }

  /// Samples of one pass of `predict` and `evaluate`: 256, on the GPU up to 4096 where 256 MiB hold all their activations.
  Index predict_batch() const {
    if constexpr (!OnGpu<D>) return 256;
    Index numbers = input_.size();
    for (const auto& placed : layers()) numbers += placed.output.size();
    return std::clamp<Index>((Index{256} << 20) / std::max<Index>(1, numbers * static_cast<Index>(sizeof(T))), 256, 4096);
  }

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

  [[gnu::cold]] typename Passes<T, D>::Layers build(const std::vector<LayerSpec<T, D>>& specs) {
    Builder<T, D> builder{input_, parameters_};
    const Index last = builder.place(specs, -1);
    return std::make_shared<const std::vector<PlacedLayer<T, D>>>(builder.finish(last));
  }

  Tensor<T, HostOf<D>> run(const Samples& inputs, Index layer, Profile* profile = nullptr) const {
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(std::min(inputs.size(), predict_batch())));
    return run_chunks(inputs.shape(), layer, profile, [&](Index first, Batch<T, D>& x) {
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
      ops::gather(inputs, rows, x);
    });
  }
  Tensor<T, HostOf<D>> run(const TensorView<const T, HostOf<D>>& inputs, Index layer, Profile* profile = nullptr) const {
    return run_chunks(inputs.shape(), layer, profile, [&](Index first, Batch<T, D>& x) {
      ops::from_tensor(TensorView<const T, HostOf<D>>{inputs.data() + first * input_.size(), x.shape()}, x);
    });
  }
  template <class Fill>
  Tensor<T, HostOf<D>> run_chunks(const Shape& inputs, Index layer, Profile* profile, Fill fill) const {
    if (inputs.rank() == 0 || inputs.without_first() != input_)
      throw ShapeError("predict: inputs are ", inputs.to_string(), ", expected ", detail::with_batch(input_));
    const Shape output = layers()[static_cast<std::size_t>(layer)].output;
    const Index n = inputs[0];
    Tensor<T, HostOf<D>> outputs{output.prepend(n)};
    with_workspace([&](Workspace<T, D>& workspace) {
      const Index chunk = std::min(n, predict_batch());
      workspace.reserve(chunk);
      workspace.set_few(few(n));
      for (Index first = 0; first < n; first += chunk) {
        const Index count = std::min(chunk, n - first);
        Batch<T, D> x = workspace.activation(-1, count);
        Step<T, D> step{parameters_, workspace};
        step.record(profile, count);
        fill(first, x);
        step.book(Profile::Other::gather, 2 * count * input_.size());
        passes_.forward(workspace, count, step, layer);
        const Batch<T, D> y = workspace.activation(layer, count);
        ops::to_tensor(y, TensorView<T, HostOf<D>>{outputs.data() + first * output.size(), y.shape()});
        step.book(Profile::Other::rest, 2 * count * output.size());
        step.finish();
      }
      workspace.set_few(false);
    });
    return outputs;
  }

  [[gnu::cold]] ArgumentError unknown_layer(const std::string& name) const {
    std::string known;
    for (const auto& placed : layers()) known += (known.empty() ? "" : ", ") + placed.name;
    return ArgumentError("no layer '", name, "', there are: ", known);
  }
  [[gnu::cold]] void set_frozen(const std::string& name, bool frozen) {
    if (!passes_.set_frozen(name, frozen)) throw unknown_layer(name);
  }

  Shape input_;
  Parameters<T, D> parameters_;
  Passes<T, D> passes_;
  mutable Pool pool_;
};

template <class... Specs>
Sequential(Input, Specs...) -> Sequential<float, Cpu>;

}  // namespace tarn
