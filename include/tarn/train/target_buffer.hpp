// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <tarn/data/dataset.hpp>
#include <tarn/ops/copy.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// Where the targets of a batch are gathered.
template <class T, class D = Cpu>
class TargetBuffer {
 public:
  void reserve(Index count, const Samples& targets) {
    if (targets.sample().rank() == 0) {
      if (labels_.size() < count) labels_ = Tensor<std::int32_t, D>{Shape{count}};
    } else {
      const Index size = Batch<T, D>{nullptr, count, targets.sample()}.size();
      if (vectors_.size() < size) vectors_ = Storage<T, D>{size};
    }
  }
  /// Throws ArgumentError for a label outside [0, classes).
  Targets<T, D> gather(const Samples& targets, std::span<const std::uint32_t> rows, const Shape& output, const char* where) {
    const Index count = static_cast<Index>(rows.size());
    if (targets.sample().rank() > 0) {
      Targets<T, D> result{{}, {vectors_.data(), count, targets.sample()}};
      ops::gather(targets, rows, result.vectors);
      return result;
    }
    for (Index i = 0; i < count; ++i) {
      const Index row = static_cast<Index>(rows[static_cast<std::size_t>(i)]);
      const double label = targets.at(row);
      if (!(label >= 0 && label < static_cast<double>(output[0])))
        throw ArgumentError(where, ": label ", label, " of sample ", row, ", expected 0 to ", output[0] - 1);
      labels_[i] = static_cast<std::int32_t>(label);
    }
    return {{labels_.data(), {count}}, {}};
  }

 private:
  Tensor<std::int32_t, D> labels_;
  Storage<T, D> vectors_;
};

}  // namespace tarn
