// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/step.hpp>
#include <tarn/ops/copy.hpp>
#include <tarn/ops/elementwise.hpp>

namespace tarn {

namespace detail {

/// Any activation as a layer of its own: y = f(x), of the same shape.
template <class T, class D>
class ActivationLayer : public Layer<T, D> {
 public:
  ActivationLayer(const Activation& activation, const Shape& input) : activation_{activation}, output_{input} {}

  Shape output_shape() const override { return output_; }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override {
    ops::copy(x, y);
    ops::activate(activation_, y);  // y = f(x)
  }
  void backward(const Batch<T, D>&, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>&) const override {
    if (!dx) return;
    ops::activation_gradient(activation_, y, dy);  // dx = dy f'(x)
    ops::copy(dy, *dx);
  }

 private:
  Activation activation_;
  Shape output_;
};

}  // namespace detail

template <class T, class D>
class Tanh::Layer final : public detail::ActivationLayer<T, D> {
 public:
  Layer(const Tanh& spec, const Shape& input, Setup<T, D>&) : detail::ActivationLayer<T, D>{spec, input} {}
};

template <class T, class D>
class Softmax::Layer final : public detail::ActivationLayer<T, D> {
 public:
  /// Throws ShapeError for a sample without axes.
  Layer(const Softmax& spec, const Shape& input, Setup<T, D>&) : detail::ActivationLayer<T, D>{spec, input} {
    if (input.rank() == 0) throw ShapeError("Softmax: a sample is a single number, expected at least one axis");
  }
};

}  // namespace tarn
