// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <string>

#include <tarn/core/shape.hpp>
#include <tarn/formulas/activations.hpp>

namespace tarn {

/// Height and width of a kernel, a window or a stride; one number means both.
struct Size2D {
  Index height = 0, width = 0;

  constexpr Size2D() = default;
  constexpr Size2D(int both) : height{both}, width{both} {}  // NOLINT: implicit, so that `.kernel = 5` reads well
  constexpr Size2D(int rows, int columns) : height{rows}, width{columns} {}

  bool operator==(const Size2D&) const = default;
  /// As in "5x5".
  std::string to_string() const { return std::to_string(height) + "x" + std::to_string(width); }
};

/// `valid`: windows lie inside the input, so the output shrinks. `same`: zeros are added around, so that the output has the
/// input's size divided by the stride, rounded up; of an odd number of rows or columns to add, the larger part goes below and to
/// the right. (As in Keras; PyTorch adds the same number on both sides.)
enum class Padding { valid, same };

inline const char* to_string(Padding padding) { return padding == Padding::same ? "same" : "valid"; }

namespace detail {

/// Windows along one axis: how many, and how many positions of padding stand before the input.
struct Windows {
  Index count, padding;
};
inline Windows place_windows(Index in, Index window, Index stride, Padding padding) {
  if (padding == Padding::valid) return {(in - window) / stride + 1, 0};
  const Index count = (in - 1) / stride + 1, missing = (count - 1) * stride + window - in;
  return {count, missing > 0 ? missing / 2 : 0};
}

/// Throws ShapeError unless a sample is an image.
inline void expect_image(const std::string& layer, const Shape& input) {
  if (input.rank() != 3)
    throw ShapeError(layer, ": a sample is ", input.to_string(), ", expected an image [height, width, channels]");
}
/// Throws ArgumentError unless both numbers are at least 1.
inline void expect_positive(const std::string& layer, const std::string& option, const Size2D& size) {
  if (size.height < 1 || size.width < 1)
    throw ArgumentError(layer, ": ", option, " is ", size.to_string(), ", expected at least 1x1");
}

/// The activation itself. Throws ArgumentError for a slope that is negative or not finite.
inline const Activation& checked_activation(const char* layer, const Activation& activation) {
  if (!(activation.slope() >= 0) || std::isinf(activation.slope()))
    throw ArgumentError(layer, ": slope is ", activation.slope(), ", expected at least 0 and finite");
  return activation;
}

}  // namespace detail

}  // namespace tarn
