// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tarn/core/random.hpp>
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

  /// A copy of values in row-major order. Throws ShapeError where their number is not the shape's size.
  template <SampleValue T>
  Samples(const Shape& shape, const std::vector<T>& values) : Samples{Tensor<T>{shape, values}} {}
  /// A copy of an Eigen matrix or expression, whose rows are the samples: [rows, columns]; of one that is a column by its type, [rows].
  /// Its scalar is uint8, int32, float or double.
  template <class Derived>
    requires(SampleValue<typename Derived::Scalar>)
  explicit Samples(const Eigen::DenseBase<Derived>& rows) : Samples{copy_of(rows)} {}

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
      throw ArgumentError("Samples: element ", element, " of shape ", shape().to_string(), ", expected 0 to ",
                          shape().size() - 1);
    return std::visit([&](const auto& values) { return scale_ * static_cast<double>(values[element]) + offset_; }, values_);
  }

  /// A copy of the samples first .. first + count - 1. Throws ArgumentError where they are not all there.
  Samples take(Index first, Index count) const {
    if (first < 0 || count < 0 || first > size() - count)
      throw ArgumentError("Samples: take ", count, " from sample ", first, " on, expected a part of the ", size(), " samples");
    return copy_rows(count, [&](Index i) { return first + i; });
  }
  /// A copy of the samples with these numbers, in their order; one may come several times. Throws ArgumentError for one that is not
  /// there.
  Samples select(std::span<const std::uint32_t> rows) const {
    for (const std::uint32_t row : rows)
      if (row >= static_cast<std::uint64_t>(size())) throw ArgumentError("Samples: sample ", row, ", expected one of ", size());
    return copy_rows(static_cast<Index>(rows.size()), [&](Index i) { return Index{rows[static_cast<std::size_t>(i)]}; });
  }

 private:
  Samples& rescale(double scale, double offset) {
    if (!std::isfinite(scale) || !std::isfinite(offset))
      throw ArgumentError("Samples: scale ", scale, " and offset ", offset, ", expected finite numbers");
    scale_ *= scale;
    offset_ = scale * offset_ + offset;
    return *this;
  }

  template <class Derived>
  static auto copy_of(const Eigen::DenseBase<Derived>& rows) {
    using T = typename Derived::Scalar;
    constexpr bool column = Derived::ColsAtCompileTime == 1;
    Tensor<T> values{column ? Shape{rows.rows()} : Shape{rows.rows(), rows.cols()}};
    using RowMajor = Eigen::Array<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<RowMajor>{values.data(), rows.rows(), rows.cols()} = rows.derived().array();
    return values;
  }

  /// Samples row(0) .. row(count - 1).
  template <class Row>
  Samples copy_rows(Index count, Row row) const {
    return std::visit(
        [&]<class T>(const Tensor<T>& values) {
          const Index stride = sample().size();
          Tensor<T> part{sample().prepend(count)};
          for (Index i = 0; i < count; ++i) std::copy_n(values.data() + row(i) * stride, stride, part.data() + i * stride);
          Samples result{std::move(part)};
          result.scale_ = scale_;
          result.offset_ = offset_;
          return result;
        },
        values_);
  }

  Values values_;
  double scale_ = 1, offset_ = 0;
};

/// How a data set is cut in two.
struct SplitOptions {
  std::optional<double> fraction{};        ///< of the samples that go into the first part, 0 to 1, rounded to the nearest count
  std::optional<Index> count{};            ///< samples of the first part; this or the fraction
  std::optional<std::uint64_t> shuffle{};  ///< seed of a shuffle before the cut; none: the first samples are the first part
};

/// Inputs and what they should give, in the same order.
struct Dataset {
  Samples inputs;   ///< [n, sample...]
  Samples targets;  ///< integer labels [n], or vectors [n, k] such as one-hot

  Dataset() = default;
  /// Throws ShapeError unless there are as many targets as inputs.
  Dataset(Samples inputs_, Samples targets_) : inputs{std::move(inputs_)}, targets{std::move(targets_)} {
    if (inputs.size() != targets.size())
      throw ShapeError("Dataset: ", inputs.size(), " inputs and ", targets.size(), " targets, expected equal counts (inputs ",
                       inputs.shape().to_string(), ", targets ", targets.shape().to_string(), ")");
  }

  Index size() const { return inputs.size(); }
  /// A copy of the samples first .. first + count - 1. Throws ArgumentError where they are not all there.
  Dataset take(Index first, Index count) const { return {inputs.take(first, count), targets.take(first, count)}; }
  /// A copy of the samples with these numbers, in their order. Throws ArgumentError for one that is not there.
  Dataset select(std::span<const std::uint32_t> rows) const { return {inputs.select(rows), targets.select(rows)}; }
  /// A copy in an order that is a function of the seed and the number of samples alone.
  Dataset shuffled(std::uint64_t seed) const { return select(shuffled_rows(seed)); }

  /// Two parts that share no sample: `auto [train, validation] = data.split({.fraction = 0.9, .shuffle = 1});`
  /// Throws ArgumentError unless fraction or count is given, in its range.
  std::pair<Dataset, Dataset> split(const SplitOptions& options) const {
    if (options.fraction.has_value() == options.count.has_value())
      throw ArgumentError("split: ", options.count ? "a fraction and a count" : "neither a fraction nor a count",
                          ", expected one of them");
    if (options.fraction && !(*options.fraction >= 0 && *options.fraction <= 1))
      throw ArgumentError("split: fraction ", *options.fraction, ", expected 0 to 1");
    const Index first =
        options.count ? *options.count : static_cast<Index>(std::llround(*options.fraction * static_cast<double>(size())));
    if (first < 0 || first > size()) throw ArgumentError("split: count ", first, ", expected 0 to ", size());
    if (!options.shuffle) return {take(0, first), take(first, size() - first)};
    const std::vector<std::uint32_t> rows = shuffled_rows(*options.shuffle);
    const std::span<const std::uint32_t> all{rows};
    return {select(all.first(static_cast<std::size_t>(first))), select(all.subspan(static_cast<std::size_t>(first)))};
  }

 private:
  std::vector<std::uint32_t> shuffled_rows(std::uint64_t seed) const {
    if (size() > Index{std::numeric_limits<std::uint32_t>::max()})
      throw ArgumentError("Dataset: ", size(), " samples, expected at most 4294967295 where they are shuffled");
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(size()));
    std::iota(rows.begin(), rows.end(), 0U);
    shuffle(rows, Stream{seed, Purpose::split, 0});
    return rows;
  }
};

}  // namespace tarn
