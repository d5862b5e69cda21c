// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/options.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/ops/pool2d.hpp>

namespace tarn {

/// The mean of each window; padding is not counted.
/// Shapes: x [batch, h, w, c], y [batch, out_h, out_w, c]. Padding `valid`: out_h = (h - window) / stride + 1, rounded down;
/// `same`: h / stride, rounded up; out_w likewise.
/// Throws ShapeError if a sample is no image or smaller than a valid window, ArgumentError for sizes below 1.
struct AvgPool2D {
  static constexpr const char* type = "AvgPool2D";
  static constexpr const char* name = "avg_pool2d";

  Size2D window = 2;  ///< at least 1x1
  Size2D stride = 0;  ///< 0: the window's size
  Padding padding = Padding::valid;

  bool operator==(const AvgPool2D&) const = default;

  template <class T, class D>
  class Layer;
};

/// The largest value of each window; padding is not counted. The gradient goes to the first of equals, row by row.
/// Shapes, options and errors as for AvgPool2D.
struct MaxPool2D {
  static constexpr const char* type = "MaxPool2D";
  static constexpr const char* name = "max_pool2d";

  Size2D window = 2;  ///< at least 1x1
  Size2D stride = 0;  ///< 0: the window's size
  Padding padding = Padding::valid;

  bool operator==(const MaxPool2D&) const = default;

  template <class T, class D>
  class Layer;
};

/// The mean of each channel over the whole image. Shapes: x [batch, h, w, c], y [batch, c].
/// Throws ShapeError if a sample is no image.
struct GlobalAvgPool2D {
  static constexpr const char* type = "GlobalAvgPool2D";
  static constexpr const char* name = "global_avg_pool2d";
  bool operator==(const GlobalAvgPool2D&) const = default;

  template <class T, class D>
  class Layer;
};

/// The largest value of each channel over the whole image. Shapes: x [batch, h, w, c], y [batch, c].
/// Throws ShapeError if a sample is no image.
struct GlobalMaxPool2D {
  static constexpr const char* type = "GlobalMaxPool2D";
  static constexpr const char* name = "global_max_pool2d";
  bool operator==(const GlobalMaxPool2D&) const = default;

  template <class T, class D>
  class Layer;
};

namespace detail {

template <class Spec>
cpu::PoolGeometry pool_geometry(const Spec& spec, const Shape& input) {
  expect_image(Spec::type, input);
  cpu::PoolGeometry g;
  g.in_h = input[0], g.in_w = input[1], g.channels = input[2];
  if constexpr (requires { spec.window; }) {
    const Size2D stride = spec.stride == Size2D{0} ? spec.window : spec.stride;
    expect_positive(Spec::type, "window", spec.window);
    expect_positive(Spec::type, "stride", stride);
    if (spec.padding == Padding::valid && (spec.window.height > g.in_h || spec.window.width > g.in_w))
      throw ShapeError(Spec::type, ": window ", spec.window.to_string(), " is larger than the input ", input.to_string(),
                       "; use a smaller one or padding same");
    const auto rows = place_windows(g.in_h, spec.window.height, stride.height, spec.padding);
    const auto columns = place_windows(g.in_w, spec.window.width, stride.width, spec.padding);
    g.window_h = spec.window.height, g.window_w = spec.window.width;
    g.stride_h = stride.height, g.stride_w = stride.width;
    g.out_h = rows.count, g.out_w = columns.count;
    g.pad_top = rows.padding, g.pad_left = columns.padding;
  } else {
    g.window_h = g.stride_h = g.in_h, g.window_w = g.stride_w = g.in_w;
  }
  return g;
}

/// What all poolings share.
template <class T, class D>
class PoolLayer : public Layer<T, D> {
 public:
  template <class Spec>
  PoolLayer(const Spec& spec, const Shape& input, Setup<T, D>&)
      : geometry_{pool_geometry(spec, input)}, output_{geometry_.out_h, geometry_.out_w, geometry_.channels} {
    if constexpr (!requires { spec.window; }) output_ = {geometry_.channels};
  }
  Shape output_shape() const override { return output_; }
  bool gives_dz() const override { return true; }

 protected:
  cpu::PoolGeometry geometry_;
  Shape output_;
};

template <class T, class D>
class AvgPoolLayer : public PoolLayer<T, D> {
 public:
  using PoolLayer<T, D>::PoolLayer;
  const cpu::PoolGeometry* averages() const override { return &this->geometry_; }
  Reads backward_reads(const Step<T, D>& step) const override { return {step.below() != Activation{}, false}; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override { ops::avg_pool2d(x, this->geometry_, y); }
  void backward(const Batch<T, D>& x, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    if (dx) ops::avg_pool2d_gradient(dy, this->geometry_, *dx, step.below(), &x);  // dx = dy / cells, to each cell of the window
  }
};

template <class T, class D>
class MaxPoolLayer : public PoolLayer<T, D> {
 public:
  using PoolLayer<T, D>::PoolLayer;
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override { ops::max_pool2d(x, this->geometry_, y); }
  void backward(const Batch<T, D>& x, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    if (dx) ops::max_pool2d_gradient(x, y, dy, this->geometry_, *dx, step.below());  // dx = dy at the window's largest cell
  }
};

}  // namespace detail

template <class T, class D>
class AvgPool2D::Layer final : public detail::AvgPoolLayer<T, D> {
  using detail::AvgPoolLayer<T, D>::AvgPoolLayer;
};
template <class T, class D>
class MaxPool2D::Layer final : public detail::MaxPoolLayer<T, D> {
  using detail::MaxPoolLayer<T, D>::MaxPoolLayer;
};
template <class T, class D>
class GlobalAvgPool2D::Layer final : public detail::AvgPoolLayer<T, D> {
  using detail::AvgPoolLayer<T, D>::AvgPoolLayer;
};
template <class T, class D>
class GlobalMaxPool2D::Layer final : public detail::MaxPoolLayer<T, D> {
  using detail::MaxPoolLayer<T, D>::MaxPoolLayer;
};

}  // namespace tarn
