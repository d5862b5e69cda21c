// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/options.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/ops/matmul.hpp>

namespace tarn {

/// Affine map z = x W + b, then the activation y = f(z).
/// Shapes: x [batch, in], W `kernel` [in, units], b `bias` [units], y [batch, units].
/// Cost: 2 batch in units flops forward, twice that backward.
/// Throws ShapeError if a sample is not a vector (put a Flatten before it), ArgumentError for units below 1.
struct Dense {
  static constexpr const char* type = "Dense";
  static constexpr const char* name = "dense";

  int units = 0;  ///< outputs, at least 1
  Activation activation = Linear{};
  bool use_bias = true;
  Initializer kernel_initializer = GlorotUniform{};
  Initializer bias_initializer = Zeros{};

  bool operator==(const Dense&) const = default;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class Dense::Layer final : public tarn::Layer<T, D> {
 public:
  [[gnu::cold]] Layer(const Dense& spec, const Shape& input, Setup<T, D>& setup)
      : activation_{detail::checked_activation(type, spec.activation)},
        kernel_{setup.parameter("kernel", {features(spec, input), spec.units}, spec.kernel_initializer)},
        bias_{spec.use_bias ? setup.parameter("bias", {spec.units}, spec.bias_initializer) : Parameter{}} {
    setup.scratch(ops::matmul_scratch<T, D>(kernel_.shape));
  }

  Shape output_shape() const override { return {kernel_.shape[1]}; }
  Activation activation() const override { return activation_; }
  bool takes_dz() const override { return activation_.is_elementwise(); }
  bool gives_dz() const override { return true; }
  double flops() const override { return 2.0 * static_cast<double>(kernel_.shape.size()); }
  Reads backward_reads(const Step<T, D>& step) const override { return {true, step.left(activation_) != Activation{}}; }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    ops::matmul(x, step.value(kernel_), step.value(bias_), activation_, y, step.scratch());  // y = f(x W + b)
  }
  void backward(const Batch<T, D>& x, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    // dz = dy f'(z), dW = x^T dz, db = sum of dz
    ops::matmul_parameter_gradients(x, y, step.left(activation_), dy, step.gradient(kernel_), step.gradient(bias_),
                                    step.scratch());
    if (dx) ops::matmul_input_gradient(dy, step.value(kernel_), *dx, step.scratch(), step.below(), &x);  // dx = dz W^T
  }

 private:
  static Index features(const Dense& spec, const Shape& input) {
    if (spec.units < 1) throw ArgumentError("Dense: units is ", spec.units, ", expected at least 1");
    if (input.rank() != 1)
      throw ShapeError("Dense: a sample is ", input.to_string(), ", expected a vector [features]; put a Flatten before it");
    return input[0];
  }

  Activation activation_;
  Parameter kernel_, bias_;  // [in, units], [units]
};

}  // namespace tarn
