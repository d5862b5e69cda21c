// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <tarn/core/tensor.hpp>
#include <tarn/layers/layer.hpp>

namespace tarn {

/// The memory of a step: one arena, planned from the inferred shapes and the largest batch. It grows between steps only.
/// For training it holds the outputs of all layers and what they keep; for inference the outputs of two at a time.
template <class T, class D = Cpu>
class Workspace {
 public:
  using Layers = std::shared_ptr<const std::vector<PlacedLayer<T, D>>>;

  Workspace(Layers layers, const Shape& input, bool training) : layers_{std::move(layers)}, input_{input}, training_{training} {}

  /// Makes room for batches of up to `count` samples. Allocates only where that is more than ever before.
  void reserve(Index count) {
    if (count <= capacity_) return;
    plan(count);
    arena_ = Storage<T, D>{};  // first release, then take: the peak is the larger of both, not the sum
    arena_ = Storage<T, D>{size_};
    capacity_ = count;
  }

  bool training() const { return training_; }
  Index capacity() const { return capacity_; }
  Index bytes() const { return size_ * static_cast<Index>(sizeof(T)); }

  /// Output of layer `index` for a batch of `count`; the model's input is index -1.
  Batch<T, D> activation(Index index, Index count) {
    const auto i = static_cast<std::size_t>(index + 1);
    return {arena_.data() + activations_[i], count, index < 0 ? input_ : (*layers_)[i - 1].output};
  }
  /// dL/d(output of layer `index`); index -1 is the model's input.
  Batch<T, D> gradient(Index index, Index count) {
    const auto i = static_cast<std::size_t>(index + 1);
    return {arena_.data() + gradients_[i], count, index < 0 ? input_ : (*layers_)[i - 1].output};
  }
  TensorView<T, D> kept(Index layer, Kept handle) {
    const auto l = static_cast<std::size_t>(layer), k = static_cast<std::size_t>(handle.index);
    return {arena_.data() + kept_[l][k], (*layers_)[l].kept[k]};
  }
  Batch<T, D> kept_batch(Index layer, Kept handle, Index count) {
    const auto l = static_cast<std::size_t>(layer), k = static_cast<std::size_t>(handle.index);
    return {arena_.data() + kept_batches_[l][k], count, (*layers_)[l].kept_batches[k]};
  }
  TensorView<T, D> scratch() { return {arena_.data() + scratch_, {scratch_size_}}; }

 private:
  Index take(Index scalars) {
    constexpr Index unit = static_cast<Index>(alignment / sizeof(T));
    const Index offset = size_;
    size_ += (scalars + unit - 1) / unit * unit;
    return offset;
  }

  void plan(Index count) {
    const std::size_t layers = layers_->size();
    auto batch_size = [&](const Shape& sample) { return Batch<T, D>{nullptr, count, sample}.size(); };
    size_ = 0;
    Index largest = batch_size(input_);
    scratch_size_ = 0;
    for (const auto& placed : *layers_) {
      largest = std::max(largest, batch_size(placed.output));
      scratch_size_ = std::max(scratch_size_, placed.scratch);
    }
    activations_.assign(layers + 1, 0);
    gradients_.assign(layers + 1, 0);
    kept_.assign(layers, {});
    kept_batches_.assign(layers, {});
    Index turn[2] = {};  // of two buffers that neighbours use by turns
    if (!training_) turn[0] = take(largest), turn[1] = take(largest);
    activations_[0] = training_ ? take(batch_size(input_)) : turn[0];
    for (std::size_t i = 0; i < layers; ++i) {
      const auto& placed = (*layers_)[i];
      if (placed.layer->passes_through(training_))
        activations_[i + 1] = activations_[i];
      else
        activations_[i + 1] = training_ ? take(batch_size(placed.output)) : (activations_[i] == turn[0] ? turn[1] : turn[0]);
      for (const Shape& shape : placed.kept) kept_[i].push_back(take(shape.size()));
      for (const Shape& shape : placed.kept_batches) kept_batches_[i].push_back(take(batch_size(shape)));
    }
    if (training_) {
      turn[0] = take(largest), turn[1] = take(largest);
      gradients_[layers] = turn[0];
      for (std::size_t i = layers; i-- > 0;) {
        const bool same = (*layers_)[i].layer->passes_through(true);
        gradients_[i] = same ? gradients_[i + 1] : (gradients_[i + 1] == turn[0] ? turn[1] : turn[0]);
      }
    }
    scratch_ = take(scratch_size_);
  }

  Layers layers_;
  Shape input_;
  bool training_;
  Index capacity_ = 0, size_ = 0, scratch_ = 0, scratch_size_ = 0;
  std::vector<Index> activations_, gradients_;  // offsets into the arena
  std::vector<std::vector<Index>> kept_, kept_batches_;
  Storage<T, D> arena_;
};

}  // namespace tarn
