// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/options.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/ops/conv2d.hpp>

namespace tarn {

/// Two-dimensional convolution (cross-correlation, as in every framework) z = x * W + b, then the activation y = f(z).
/// Shapes: x [batch, h, w, in], W `kernel` [kh, kw, in, filters], b `bias` [filters], y [batch, out_h, out_w, filters];
/// out_h is (h - kh) / stride + 1, rounded down, with padding `valid`, and h / stride, rounded up, with `same`; out_w likewise.
/// Cost: 2 batch out_h out_w kh kw in filters flops forward, twice that backward.
/// Throws ShapeError if a sample is no image or smaller than a valid kernel, ArgumentError for sizes below 1, more than 2^40
/// weights, or a LeakyReLU whose slope is negative or not finite.
struct Conv2D {
  static constexpr const char* type = "Conv2D";
  static constexpr const char* name = "conv2d";

  int filters = 0;    ///< channels of the output, at least 1
  Size2D kernel = 3;  ///< at least 1x1
  Size2D stride = 1;  ///< at least 1x1
  Padding padding = Padding::valid;
  Activation activation = Linear{};
  bool use_bias = true;
  Initializer kernel_initializer = GlorotUniform{};
  Initializer bias_initializer = Zeros{};

  bool operator==(const Conv2D&) const = default;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class Conv2D::Layer final : public tarn::Layer<T, D> {
 public:
  [[gnu::cold]] Layer(const Conv2D& spec, const Shape& input, Setup<T, D>& setup)
      : geometry_{geometry(spec, input)},
        activation_{detail::checked_activation(type, spec.activation)},
        kernel_{setup.parameter("kernel", {spec.kernel.height, spec.kernel.width, input.back(), spec.filters},
                                spec.kernel_initializer)},
        bias_{spec.use_bias ? setup.parameter("bias", {spec.filters}, spec.bias_initializer) : Parameter{}} {
    setup.scratch(ops::conv2d_scratch<T, D>(geometry_));
    if (ops::can_sum_taps<T, D>(geometry_)) taps_ = setup.keep({spec.kernel.height, spec.kernel.width, spec.filters});
  }

  Shape output_shape() const override { return {geometry_.out_h, geometry_.out_w, geometry_.out_c}; }
  Activation activation() const override { return activation_; }
  bool takes_dz() const override { return activation_.is_elementwise(); }
  bool gives_dz() const override { return true; }
  bool gives_sums() const override { return taps_.index >= 0; }
  double flops() const override { return 2.0 * static_cast<double>(geometry_.out_h * geometry_.out_w * kernel_.shape.size()); }
  Reads backward_reads(const Step<T, D>& step) const override { return {true, step.left(activation_) != Activation{}}; }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    ops::conv2d(x, step.value(kernel_), step.value(bias_), geometry_, activation_, y, step.scratch(),
                step.training());  // y = f(x * W + b)
  }
  void backward(const Batch<T, D>& x, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    const bool sums = step.dx_sums().size() != 0;
    // dz = dy f'(z), dW = x * dz, db = sum of dz
    ops::conv2d_parameter_gradients(x, y, step.left(activation_), dy, geometry_, step.gradient(kernel_), step.gradient(bias_),
                                    step.scratch(), sums ? step.kept(taps_) : TensorView<T, D>{});
    if constexpr (OnCpu<D>)
      if (sums)  // of dx, and of dx x
        ops::conv2d_input_gradient_sums<T, D>(step.value(kernel_), step.gradient(kernel_), step.kept(taps_), geometry_,
                                              step.dx_sums());
    if (dx)  // dx = dz * flipped W
      ops::conv2d_input_gradient(dy, step.value(kernel_), geometry_, *dx, step.scratch(), step.below(), &x);
  }

 private:
  [[gnu::cold]] static cpu::ConvGeometry geometry(const Conv2D& spec, const Shape& input) {
    detail::expect_image("Conv2D", input);
    detail::expect_positive("Conv2D", "kernel", spec.kernel);
    detail::expect_positive("Conv2D", "stride", spec.stride);
    if (spec.filters < 1) throw ArgumentError("Conv2D: filters is ", spec.filters, ", expected at least 1");
    const Index h = input[0], w = input[1], kh = spec.kernel.height, kw = spec.kernel.width;
    if (static_cast<double>(kh) * static_cast<double>(kw) * static_cast<double>(input[2]) * spec.filters > 0x1p40)
      throw ArgumentError("Conv2D: kernel ", spec.kernel.to_string(), " from ", input[2], " to ", spec.filters,
                          " channels has too many weights, expected at most 2^40");
    if (spec.padding == Padding::valid && (kh > h || kw > w))
      throw ShapeError("Conv2D: kernel ", spec.kernel.to_string(), " is larger than the input ", input.to_string(),
                       "; use a smaller one or padding same");
    const auto rows = detail::place_windows(h, kh, spec.stride.height, spec.padding);
    const auto columns = detail::place_windows(w, kw, spec.stride.width, spec.padding);
    cpu::ConvGeometry g;
    g.in_h = h, g.in_w = w, g.in_c = input[2];
    g.kernel_h = kh, g.kernel_w = kw;
    g.out_h = rows.count, g.out_w = columns.count, g.out_c = spec.filters;
    g.pad_top = rows.padding, g.pad_left = columns.padding;
    g.stride_h = g.out_h > 1 ? spec.stride.height : 1;  // one window goes nowhere
    g.stride_w = g.out_w > 1 ? spec.stride.width : 1;
    return g;
  }

  cpu::ConvGeometry geometry_;
  Activation activation_;
  Parameter kernel_, bias_;  // [kh, kw, in, filters], [filters]
  Kept taps_;                // [kh, kw, filters], if few: sums of dz where a tap lies inside x
};

}  // namespace tarn
