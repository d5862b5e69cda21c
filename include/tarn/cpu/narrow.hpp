// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/core/shape.hpp>
#include <tarn/formulas/activations.hpp>

namespace tarn::cpu {

/// Up to this many inputs a product is narrow: with a model a lane, the weights of an output then stay in registers.
inline constexpr Index narrow_inputs = 4;

/// y = f(bias + x W) for `samples` of a narrow dense layer, or, with `below`, y = f'(below's own input) (bias + x W) from
/// below = f(its input). x [samples][inputs][model], y and below [samples][outputs][model], bias [outputs][model] or null. Weight k of
/// output o stands at kernel[k * k_stride + o * output_stride], a number for each model. f is elementwise.
template <class T>
struct NarrowProduct {
  const T *x, *kernel;
  Index k_stride, output_stride;
  const T *bias, *below;
  T* y;
  Index samples, inputs, outputs;
  Activation::Kind f;
  T slope;
};

/// dW [inputs][outputs][model] = x^T dy and, unless it is null, db [outputs][model] = sum of dy.
template <class T>
struct NarrowGradients {
  const T *x, *dy;
  Index samples, inputs, outputs;
  T *dkernel, *dbias;
};

}  // namespace tarn::cpu
