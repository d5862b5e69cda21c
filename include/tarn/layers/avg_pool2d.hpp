// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/options.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/ops/pool2d.hpp>

namespace tarn {

/// The mean of each window. Shapes: x [batch, h, w, c], y [batch, (h - window) / stride + 1, likewise w, c], rounded down.
/// Throws ShapeError if a sample is no image or smaller than the window, ArgumentError for sizes below 1.
struct AvgPool2D {
  static constexpr const char* type = "AvgPool2D";
  static constexpr const char* name = "avg_pool2d";

  Size2D window = 2;  ///< at least 1x1
  Size2D stride = 0;  ///< 0: the window's size

  bool operator==(const AvgPool2D&) const = default;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class AvgPool2D::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const AvgPool2D& spec, const Shape& input, Setup<T, D>&) : geometry_{geometry(spec, input)} {}

  Shape output_shape() const override { return {geometry_.out_h, geometry_.out_w, geometry_.channels}; }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override { ops::avg_pool2d(x, geometry_, y); }
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>&) const override {
    if (dx) ops::avg_pool2d_gradient(dy, geometry_, *dx);  // dx = dy / window size, to each pixel of the window
  }

 private:
  static cpu::PoolGeometry geometry(const AvgPool2D& spec, const Shape& input) {
    detail::expect_image("AvgPool2D", input);
    detail::expect_positive("AvgPool2D", "window", spec.window);
    const Size2D stride = spec.stride == Size2D{0} ? spec.window : spec.stride;
    detail::expect_positive("AvgPool2D", "stride", stride);
    if (spec.window.height > input[0] || spec.window.width > input[1])
      throw ShapeError("AvgPool2D: window ", spec.window.to_string(), " is larger than the input ", input.to_string());
    cpu::PoolGeometry g;
    g.in_h = input[0], g.in_w = input[1], g.channels = input[2];
    g.window_h = spec.window.height, g.window_w = spec.window.width;
    g.stride_h = stride.height, g.stride_w = stride.width;
    g.out_h = (g.in_h - g.window_h) / g.stride_h + 1, g.out_w = (g.in_w - g.window_w) / g.stride_w + 1;
    return g;
  }

  cpu::PoolGeometry geometry_;
};

}  // namespace tarn
