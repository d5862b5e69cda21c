// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <tarn/core/shape.hpp>

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

/// `valid`: windows lie inside the input, so the output shrinks. `same`: zeros are added around, so that with stride 1 the
/// output has the input's size; of an odd number of rows or columns to add, the larger part goes below and to the right.
enum class Padding { valid, same };

inline const char* to_string(Padding padding) { return padding == Padding::same ? "same" : "valid"; }

namespace detail {

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

}  // namespace detail

}  // namespace tarn
