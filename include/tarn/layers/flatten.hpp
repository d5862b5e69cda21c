// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/step.hpp>

namespace tarn {

/// Each sample as one vector, in row-major order. Shapes: x [batch, a, b, ..], y [batch, a b ..]. Costs nothing.
struct Flatten {
  static constexpr const char* type = "Flatten";
  static constexpr const char* name = "flatten";

  bool operator==(const Flatten&) const = default;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class Flatten::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Flatten&, const Shape& input, Setup<T, D>&) : output_{input.size()} {}

  Shape output_shape() const override { return output_; }
  bool passes_through(bool) const override { return true; }
  void forward(const Batch<T, D>&, Batch<T, D>&, Step<T, D>&) const override {}
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>&, Batch<T, D>*, Step<T, D>&) const override {}

 private:
  Shape output_;
};

}  // namespace tarn
