// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/options.hpp>
#include <tarn/layers/step.hpp>
#include <tarn/ops/elementwise.hpp>

namespace tarn {

namespace detail {

/// Any activation as a layer of its own: y = f(x), of the same shape.
template <class T, class D>
class ActivationLayer : public Layer<T, D> {
 public:
  template <class Spec>
  ActivationLayer(const Spec& spec, const Shape& input, Setup<T, D>&)
      : activation_{checked_activation(Spec::type, spec)}, output_{input} {
    if (!activation_.is_elementwise() && input.rank() == 0)
      throw ShapeError(Spec::type, ": a sample is a single number, expected at least one axis");
  }

  Shape output_shape() const override { return output_; }
  Activation activation() const override { return activation_; }
  Reads backward_reads(const Step<T, D>&) const override { return {false, true}; }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override {
    ops::activate(activation_, x, y);  // y = f(x)
  }
  void backward(const Batch<T, D>&, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>&) const override {
    if (dx) ops::activation_gradient(activation_, y, dy, *dx);  // dx = dy f'(x)
  }

 private:
  Activation activation_;
  Shape output_;
};

}  // namespace detail

template <class T, class D>
class Tanh::Layer final : public detail::ActivationLayer<T, D> {
  using detail::ActivationLayer<T, D>::ActivationLayer;
};
template <class T, class D>
class Sigmoid::Layer final : public detail::ActivationLayer<T, D> {
  using detail::ActivationLayer<T, D>::ActivationLayer;
};
template <class T, class D>
class ReLU::Layer final : public detail::ActivationLayer<T, D> {
  using detail::ActivationLayer<T, D>::ActivationLayer;
};
template <class T, class D>
class LeakyReLU::Layer final : public detail::ActivationLayer<T, D> {
  using detail::ActivationLayer<T, D>::ActivationLayer;
};
template <class T, class D>
class Softmax::Layer final : public detail::ActivationLayer<T, D> {
  using detail::ActivationLayer<T, D>::ActivationLayer;
};

}  // namespace tarn
