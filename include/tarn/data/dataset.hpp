// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include <tarn/core/tensor.hpp>

namespace tarn {

/// What samples are stored as.
template <class T>
concept SampleValue =
    std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int32_t> || std::is_same_v<T, float> || std::is_same_v<T, double>;

/// n samples of one shape, stored as they came and seen as scale * value + offset: images stay bytes until a batch is gathered.
/// Shapes: the whole [n, sample...], one sample [sample...]; labels are [n], so that a sample is a scalar of rank 0.
class Samples {
 public:
  using Values = std::variant<Tensor<std::uint8_t>, Tensor<std::int32_t>, Tensor<float>, Tensor<double>>;

  /// No samples: shape [0].
  Samples() = default;
  /// The samples along the first extent of `values`, which is uint8, int32, float or double. Throws ShapeError for a scalar.
  template <SampleValue T>
  Samples(Tensor<T> values) : values_{std::move(values)} {
    if (shape().rank() == 0)
      throw ShapeError("Samples: found a scalar of shape [], expected [n, ...] with the samples along the first extent");
  }

  Index size() const { return shape()[0]; }
  Shape shape() const {
    return std::visit([](const auto& values) { return values.shape(); }, values_);
  }
  Shape sample() const { return shape().without_first(); }
  /// Whether every sample is seen as whole numbers: stored so, and neither scaled nor moved by a fraction.
  bool is_integer() const { return values_.index() < 2 && scale_ == 1 && offset_ == std::floor(offset_); }
  double scale() const { return scale_; }
  double offset() const { return offset_; }
  /// The stored values, before scale and offset: for std::visit.
  const Values& values() const { return values_; }

  /// What is seen now, times `scale`, plus `offset`; both finite, else ArgumentError. Calls compose: pixels seen in [0, 1] become
  /// [-1, 1] by `scaled(2, -1)`. Stored values are copied, or moved from a temporary or std::move(samples).
  Samples scaled(double scale, double offset = 0) const& { return Samples{*this}.rescale(scale, offset); }
  Samples scaled(double scale, double offset = 0) && { return std::move(rescale(scale, offset)); }

  /// One element as it is seen, by its row-major position in `shape()`. Throws ArgumentError outside it.
  double at(Index element) const {
    if (element < 0 || element >= shape().size())
      throw ArgumentError("Samples: element " + std::to_string(element) + " of shape " + shape().to_string() +
                          ", expected 0 to " + std::to_string(shape().size() - 1));
    return std::visit([&](const auto& values) { return scale_ * static_cast<double>(values[element]) + offset_; }, values_);
  }

  /// A copy of the samples first .. first + count - 1. Throws ArgumentError where they are not all there.
  Samples take(Index first, Index count) const {
    if (first < 0 || count < 0 || first > size() - count)
      throw ArgumentError("Samples: take " + std::to_string(count) + " from sample " + std::to_string(first) +
                          " on, expected a part of the " + std::to_string(size()) + " samples");
    return std::visit(
        [&]<class T>(const Tensor<T>& values) {
          const Index stride = sample().size();
          Tensor<T> part{sample().prepend(count)};
          std::copy_n(values.data() + first * stride, count * stride, part.data());
          Samples result{std::move(part)};
          result.scale_ = scale_;
          result.offset_ = offset_;
          return result;
        },
        values_);
  }

 private:
  Samples& rescale(double scale, double offset) {
    if (!std::isfinite(scale) || !std::isfinite(offset))
      throw ArgumentError("Samples: scale " + std::to_string(scale) + " and offset " + std::to_string(offset) +
                          ", expected finite numbers");
    scale_ *= scale;
    offset_ = scale * offset_ + offset;
    return *this;
  }

  Values values_;
  double scale_ = 1, offset_ = 0;
};

/// Inputs and what they should give, in the same order.
struct Dataset {
  Samples inputs;   ///< [n, sample...]
  Samples targets;  ///< integer labels [n], or vectors [n, k] such as one-hot

  Dataset() = default;
  /// Throws ShapeError unless there are as many targets as inputs.
  Dataset(Samples inputs_, Samples targets_) : inputs{std::move(inputs_)}, targets{std::move(targets_)} {
    if (inputs.size() != targets.size())
      throw ShapeError("Dataset: " + std::to_string(inputs.size()) + " inputs and " + std::to_string(targets.size()) +
                       " targets, expected equal counts (inputs " + inputs.shape().to_string() + ", targets " +
                       targets.shape().to_string() + ")");
  }

  Index size() const { return inputs.size(); }
  /// A copy of the samples first .. first + count - 1. Throws ArgumentError where they are not all there.
  Dataset take(Index first, Index count) const { return {inputs.take(first, count), targets.take(first, count)}; }
};

}  // namespace tarn
