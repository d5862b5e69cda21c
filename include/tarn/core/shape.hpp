// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <ostream>
#include <string>

#include <tarn/error.hpp>

namespace tarn {

/// Signed index and count, as in Eigen.
using Index = std::ptrdiff_t;

/// The elements [first, last) of a flat buffer.
struct Range {
  Index first = 0, last = 0;
};

/// The extents of an array, outermost first; at most `max_rank` of them, held in place. Rank 0 is a scalar (size 1).
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  /// Throws ShapeError for more than `max_rank` extents, a negative one, or a size that overflows.
  Shape(std::initializer_list<Index> extents) {
    for (Index extent : extents) push_back(extent);
  }

  int rank() const { return rank_; }
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  Index back() const { return extents_[static_cast<std::size_t>(rank_ - 1)]; }
  Index size() const { return size_; }

  /// This shape with one more extent in front: `Shape{28, 28, 1}.prepend(128)` is [128, 28, 28, 1].
  Shape prepend(Index extent) const {
    Shape result;
    result.push_back(extent);
    for (int axis = 0; axis < rank_; ++axis) result.push_back((*this)[axis]);
    return result;
  }

  /// This shape without its first extent: the shape of one sample of a data set. Needs rank 1 or more.
  Shape without_first() const {
    Shape result;
    for (int axis = 1; axis < rank_; ++axis) result.push_back((*this)[axis]);
    return result;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis)
      if (a[axis] != b[axis]) return false;
    return true;
  }

  /// As in "[28, 28, 1]".
  std::string to_string() const {
    std::string text = "[";
    for (int axis = 0; axis < rank_; ++axis) text += (axis ? ", " : "") + std::to_string((*this)[axis]);
    return text + "]";
  }
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.to_string(); }

  void push_back(Index extent) {
    if (rank_ == max_rank) throw ShapeError("Shape: more than ", max_rank, " extents");
    if (extent < 0) throw ShapeError("Shape: extent ", extent, " of axis ", rank_, " is negative");
    Index size;
    if (__builtin_mul_overflow(size_, extent, &size))
      throw ShapeError("Shape: ", to_string(), " with ", extent, " more has too many elements");
    extents_[static_cast<std::size_t>(rank_++)] = extent;
    size_ = size;
  }

 private:
  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
  Index size_ = 1;
};

}  // namespace tarn
