// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/device.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/instruction_set.hpp>

namespace tarn {

/// The activations, or their gradients, of the samples of one step: logically [count, sample...], physically the device's
/// own business. Only `ops` index into it. The memory belongs to a Workspace.
template <class T, class D = Cpu>
class Batch;

/// Samples that are few, at most: they would leave most lanes empty, and go one after another instead.
template <class T>
Index few_samples() {
  return cpu::lanes<T>() / 3;
}

/// What a training step of so many samples uses: where they would leave half of the lanes of v4 empty, and are not few, v3.
template <class T>
cpu::InstructionSet step_instruction_set(Index samples) {
  const auto set = cpu::instruction_set();
  const bool half = samples > few_samples<T>() && 2 * samples <= cpu::lanes<T>();
  return half && set == cpu::InstructionSet::v4 ? cpu::InstructionSet::v3 : set;
}

/// On the CPU `lanes` samples stand side by side in the SIMD lanes: [group][element][lane], a sample's elements in
/// row-major order (images: [h][w][c]). On the plain bodies there is one lane, so the layout is [sample][element]. So it is for
/// few samples, which would leave most lanes empty: there channels stand side by side in a vector. Whoever makes a
/// batch beside another gives it that one's `lanes()`.
///
/// The last group may be partial. In its unused lanes activations hold a copy of the last sample, so that they stay as
/// finite as the real ones; gradients hold zero, so that sums over the batch need no mask.
template <class T>
class Batch<T, Cpu> {
 public:
  Batch() = default;
  Batch(T* data, Index count, const Shape& sample, int lanes = cpu::lanes<T>())
      : data_{data}, count_{count}, sample_{sample}, lanes_{lanes} {}

  T* data() { return data_; }
  const T* data() const { return data_; }
  T* group(Index index) { return data_ + index * group_size(); }
  const T* group(Index index) const { return data_ + index * group_size(); }

  Index count() const { return count_; }                   ///< samples
  const Shape& sample() const { return sample_; }          ///< shape of one sample
  Shape shape() const { return sample_.prepend(count_); }  ///< [count, sample...]
  int lanes() const { return lanes_; }
  /// Whether there is one sample after another, where there could be lanes.
  bool few() const { return lanes_ != cpu::lanes<T>(); }
  Index groups() const { return (count_ + lanes_ - 1) / lanes_; }
  Index group_size() const { return sample_.size() * lanes_; }  ///< scalars of one group
  Index size() const { return groups() * group_size(); }        ///< numbers to make room for, unused lanes included
  Index scalars() const { return size(); }                      ///< in memory
  /// Lanes of this group that hold a sample: `lanes()` but for the last one.
  int used_lanes(Index group) const {
    const Index rest = count_ - group * lanes_;
    return rest < lanes_ ? static_cast<int>(rest) : lanes_;
  }

 private:
  T* data_ = nullptr;
  Index count_ = 0;
  Shape sample_{0};
  int lanes_ = 1;
};

/// With a model a lane: [sample][element][lane]. A group is one sample, of all models, and each lane of it is used.
template <class T>
class Batch<T, CpuModels> {
 public:
  Batch() = default;
  Batch(T* data, Index count, const Shape& sample, int lanes = cpu::lanes<T>())
      : data_{data}, count_{count}, sample_{sample}, lanes_{lanes} {}

  T* data() { return data_; }
  const T* data() const { return data_; }
  T* group(Index index) { return data_ + index * group_size(); }
  const T* group(Index index) const { return data_ + index * group_size(); }

  Index count() const { return count_; }                   ///< samples of each model
  const Shape& sample() const { return sample_; }          ///< shape of one sample
  Shape shape() const { return sample_.prepend(count_); }  ///< [count, sample...]
  int lanes() const { return lanes_; }                     ///< models
  bool few() const { return false; }
  Index groups() const { return count_; }
  Index group_size() const { return sample_.size() * lanes_; }  ///< scalars of one group
  Index size() const { return count_ * sample_.size(); }        ///< numbers of each model
  Index scalars() const { return count_ * group_size(); }       ///< in memory
  int used_lanes(Index) const { return lanes_; }

 private:
  T* data_ = nullptr;
  Index count_ = 0;
  Shape sample_{0};
  int lanes_ = 1;
};

/// On the GPU [sample][element], images [h][w][c]: as a plain tensor.
template <class T>
class Batch<T, Gpu> {
 public:
  Batch() = default;
  Batch(T* data, Index count, const Shape& sample, int /*lanes*/ = 1) : data_{data}, count_{count}, sample_{sample} {}

  T* data() { return data_; }  ///< in the GPU's memory: not to be read here
  const T* data() const { return data_; }

  Index count() const { return count_; }                   ///< samples
  const Shape& sample() const { return sample_; }          ///< shape of one sample
  Shape shape() const { return sample_.prepend(count_); }  ///< [count, sample...]
  int lanes() const { return 1; }
  Index size() const { return count_ * sample_.size(); }
  Index scalars() const { return size(); }

 private:
  T* data_ = nullptr;
  Index count_ = 0;
  Shape sample_{0};
};

}  // namespace tarn
