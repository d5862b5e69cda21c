// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/step.hpp>
#include <tarn/ops/elementwise.hpp>

/// A layer of the user's own: a formula that the library does not have, on every device and instruction set that it runs on.

/// Parametric rectifier: y = x for x > 0, else a x, with one learned slope a for each channel of the last axis.
/// Shapes: x and y [batch, .., c], `slope` [c].
struct PReLU {
  static constexpr const char* name = "prelu";

  tarn::Initializer slope_initializer = tarn::Zeros{};  ///< begins as a plain rectifier, as in Keras

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class PReLU::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const PReLU& spec, const tarn::Shape& input, tarn::Setup<T, D>& setup) : output_{input} {
    if (input.rank() == 0) throw tarn::ShapeError("PReLU: a sample is a single number, expected at least one axis");
    slope_ = setup.parameter("slope", {input.back()}, spec.slope_initializer);
    setup.scratch(tarn::ops::reduce_scratch(input.back()));
  }

  tarn::Shape output_shape() const override { return output_; }

  void forward(const tarn::Batch<T, D>& x, tarn::Batch<T, D>& y, tarn::Step<T, D>& step) const override {
    const auto f = [](T value, T slope) { return value > 0 ? value : slope * value; };
    tarn::ops::map(y, f, x, step.value(slope_));  // y = f(x)
  }
  void backward(const tarn::Batch<T, D>& x, const tarn::Batch<T, D>&, tarn::Batch<T, D>& dy, tarn::Batch<T, D>* dx,
                tarn::Step<T, D>& step) const override {
    const auto slope_term = [](T gradient, T value) { return value > 0 ? T(0) : gradient * value; };
    tarn::ops::reduce(step.gradient(slope_), slope_term, step.scratch(), dy, x);  // da = sum of dy x where x <= 0
    const auto input_term = [](T gradient, T value, T slope) { return value > 0 ? gradient : slope * gradient; };
    if (dx) tarn::ops::map(*dx, input_term, dy, x, step.value(slope_));  // dx = dy f'(x)
  }

 private:
  tarn::Shape output_;
  tarn::Parameter slope_;  // [c]
};
