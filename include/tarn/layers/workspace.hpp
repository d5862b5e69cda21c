// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/core/tensor.hpp>
#include <tarn/layers/layer.hpp>

namespace tarn {

/// The memory of a step: one arena, planned from the inferred shapes and the largest batch. It grows between steps only.
/// For training it holds the outputs of all layers and what they keep; for inference those outputs that are still needed.
template <class T, class D = Cpu>
class Workspace {
 public:
  using Layers = std::shared_ptr<const std::vector<PlacedLayer<T, D>>>;

  Workspace(Layers layers, const Shape& input, bool training) : layers_{std::move(layers)}, input_{input}, training_{training} {}

  /// Makes room for batches of up to `count` samples, whatever the instruction set in use. Allocates only where that is more than
  /// ever before.
  void reserve(Index count) {
    if (count <= capacity_ && !activations_.empty()) return;
    capacity_ = 0;  // until there is memory
    plan(count);
    arena_ = Storage<T, D>{};  // first release, then take: the peak is the larger of both, not the sum
    arena_ = Storage<T, D>{size_};
    capacity_ = count;
  }

  /// Hands out batches of one sample after another from now on, or of lanes again, as many as the instruction set in use has. What
  /// stands in the memory is lost.
  void set_few(bool few) { lanes_ = few ? 1 : cpu::lanes<T>(); }
  bool few() const { return lanes_ != cpu::lanes<T>(); }

  bool training() const { return training_; }
  const Layers& layers() const { return layers_; }
  Index capacity() const { return capacity_; }
  Index bytes() const { return size_ * scalars_per_number<T, D>() * static_cast<Index>(sizeof(T)); }

  /// Output of layer `index` for a batch of `count`; the model's input is index -1.
  Batch<T, D> activation(Index index, Index count) {
    const auto i = static_cast<std::size_t>(index + 1);
    return {at(activations_[i]), count, index < 0 ? input_ : (*layers_)[i - 1].output, lanes_};
  }
  /// dL/d(output of layer `index`); index -1 is the model's input.
  Batch<T, D> gradient(Index index, Index count) {
    const auto i = static_cast<std::size_t>(index + 1);
    return {at(gradients_[i]), count, index < 0 ? input_ : (*layers_)[i - 1].output, lanes_};
  }
  /// Room for one more gradient of that shape, where several meet.
  Batch<T, D> spare(Index index, Index count) {
    return {at(spare_), count, index < 0 ? input_ : (*layers_)[static_cast<std::size_t>(index)].output, lanes_};
  }
  TensorView<T, D> kept(Index layer, Kept handle) {
    const auto l = static_cast<std::size_t>(layer), k = static_cast<std::size_t>(handle.index);
    return {at(kept_[l][k]), (*layers_)[l].kept[k]};
  }
  Batch<T, D> kept_batch(Index layer, Kept handle, Index count) {
    const auto l = static_cast<std::size_t>(layer), k = static_cast<std::size_t>(handle.index);
    return {at(kept_batches_[l][k]), count, (*layers_)[l].kept_batches[k], lanes_};
  }
  TensorView<T, D> scratch() { return {at(scratch_), {scratch_size_}}; }

 private:
  T* at(Index offset) { return arena_.data() + offset * scalars_per_number<T, D>(); }

  /// Buffers that are used again once what stood in them is no longer needed.
  class Slots {
   public:
    std::size_t take(Index size) {
      const auto free = std::find(used_.begin(), used_.end(), 0);
      const auto slot = static_cast<std::size_t>(free - used_.begin());
      if (free == used_.end()) {
        used_.push_back(1);
        sizes_.push_back(size);
      } else {
        *free = 1;
        sizes_[slot] = std::max(sizes_[slot], size);
      }
      return slot;
    }
    void give(std::size_t slot) { used_[slot] = 0; }
    const std::vector<Index>& sizes() const { return sizes_; }

   private:
    std::vector<char> used_;
    std::vector<Index> sizes_;
  };

  Index take(Index scalars) {
    constexpr Index unit = static_cast<Index>(alignment / sizeof(T));
    const Index offset = size_;
    size_ += (scalars + unit - 1) / unit * unit;
    return offset;
  }
  /// Offsets of all buffers, given the slot that each has.
  [[gnu::cold]] std::vector<Index> take(const Slots& slots, const std::vector<std::size_t>& slot_of) {
    std::vector<Index> at, offsets;
    for (const Index size : slots.sizes()) at.push_back(take(size));
    for (const std::size_t slot : slot_of) offsets.push_back(at[slot]);
    return offsets;
  }
  /// With room behind it, into which the last vector of few samples may reach; an ensemble has none.
  static Index batch_size(Index count, const Shape& sample) {
    return Batch<T, D>{nullptr, count, sample}.size() + (std::is_same_v<D, Cpu> ? cpu::lanes<T>() : 0);
  }

  [[gnu::cold]] void plan(Index count) {
    const cpu::UseInstructionSet widest{cpu::process_instruction_set()};
    size_ = 0;
    scratch_size_ = 0;
    kept_.assign(layers_->size(), {});
    kept_batches_.assign(layers_->size(), {});
    for (std::size_t i = 0; i < layers_->size(); ++i) {
      const auto& placed = (*layers_)[i];
      scratch_size_ = std::max(scratch_size_, placed.scratch);
      for (const Shape& shape : placed.kept) kept_[i].push_back(take(shape.size()));
      for (const Shape& shape : placed.kept_batches) kept_batches_[i].push_back(take(batch_size(count, shape)));
    }
    plan_activations(count);
    if (training_) plan_gradients(count);
    scratch_ = take(scratch_size_);
  }

  /// In training every output has memory of its own, in inference until its last use. What passes through has its input's.
  [[gnu::cold]] void plan_activations(Index count) {
    Slots slots;
    std::vector<std::size_t> slot_of{slots.take(batch_size(count, input_))};
    std::vector<Index> uses;  // to come, of each slot
    const auto add_uses = [&](std::size_t slot, Index more) {
      if (uses.size() <= slot) uses.resize(slot + 1);
      uses[slot] += more;
    };
    Index input_uses = 0;
    for (const auto& placed : *layers_) input_uses += std::count(placed.inputs.begin(), placed.inputs.end(), Index{-1});
    add_uses(slot_of[0], input_uses);
    for (const auto& placed : *layers_) {
      const bool same = placed.passes_through(training_);
      slot_of.push_back(same ? slot_of[static_cast<std::size_t>(placed.inputs[0] + 1)]
                             : slots.take(batch_size(count, placed.output)));
      add_uses(slot_of.back(), std::max<Index>(placed.uses, 1));  // the last layer's output stays
      for (const Index from : placed.inputs) {
        const std::size_t slot = slot_of[static_cast<std::size_t>(from + 1)];
        if (--uses[slot] == 0 && !training_) slots.give(slot);
      }
    }
    activations_ = take(slots, slot_of);
  }

  /// A gradient lives from the last layer that takes the output, which is the first to write it, to the layer itself.
  [[gnu::cold]] void plan_gradients(Index count) {
    const std::size_t layers = layers_->size();
    constexpr std::size_t none = static_cast<std::size_t>(-1);
    Slots slots;
    std::vector<std::size_t> slot_of(layers + 1, none);
    Index spare = 0;
    slot_of[layers] = slots.take(batch_size(count, layers_->back().output));
    for (std::size_t i = layers; i-- > 0;) {
      const auto& placed = (*layers_)[i];
      bool moved = false;
      for (std::size_t k = 0; k < placed.inputs.size(); ++k) {
        const Index from = placed.inputs[k];
        const Shape& shape = from < 0 ? input_ : (*layers_)[static_cast<std::size_t>(from)].output;
        std::size_t& slot = slot_of[static_cast<std::size_t>(from + 1)];
        if (placed.adds[k]) spare = std::max(spare, batch_size(count, shape));
        if (slot != none) continue;
        moved = placed.passes_through(true) && from >= 0 && (*layers_)[static_cast<std::size_t>(from)].uses == 1;
        slot = moved ? slot_of[i + 1] : slots.take(batch_size(count, shape));
      }
      const bool needed = i > 0 && (*layers_)[i - 1].pair;  // by the layer before, in whose turn both are done
      if (!moved && !needed) slots.give(slot_of[i + 1]);
      if (placed.pair) slots.give(slot_of[i + 2]);
    }
    gradients_ = take(slots, slot_of);
    spare_ = take(spare);
  }

  Layers layers_;
  Shape input_;
  bool training_;
  int lanes_ = cpu::lanes<T>();
  Index capacity_ = 0, size_ = 0, scratch_ = 0, scratch_size_ = 0, spare_ = 0;
  std::vector<Index> activations_, gradients_;  // offsets into the arena
  std::vector<std::vector<Index>> kept_, kept_batches_;
  Storage<T, D> arena_;
};

}  // namespace tarn
