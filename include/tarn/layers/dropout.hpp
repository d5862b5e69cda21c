// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/step.hpp>
#include <tarn/ops/random.hpp>

namespace tarn {

/// In training each element is set to 0 with probability `rate`, independently, and the others are scaled by 1 / (1 - rate);
/// in inference nothing happens. With `per_channel` whole channels are dropped (feature maps of an image, Keras's
/// SpatialDropout2D). The mask is a function of seed, layer, step, sample and element, so it is not stored.
/// Throws ArgumentError for a rate outside [0, 1).
/// Formula and scaling are Keras's.
struct Dropout {
  static constexpr const char* type = "Dropout";
  static constexpr const char* name = "dropout";

  double rate = 0.5;         ///< probability that an element is dropped, in [0, 1)
  bool per_channel = false;  ///< drop channels, at all positions together

  bool operator==(const Dropout&) const = default;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class Dropout::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Dropout& spec, const Shape& input, Setup<T, D>&)
      : rate_{spec.rate}, per_channel_{spec.per_channel}, output_{input} {
    if (!(rate_ >= 0 && rate_ < 1)) throw ArgumentError("Dropout: rate is ", rate_, ", expected at least 0 and below 1");
  }

  Shape output_shape() const override { return output_; }
  bool passes_through(bool training) const override { return !training || rate_ == 0; }
  Reads backward_reads(const Step<T, D>&) const override { return {false, false}; }

  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    ops::dropout(x, rate_, per_channel_, step.stream(), y);
  }
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    if (dx) ops::dropout(dy, rate_, per_channel_, step.stream(), *dx);  // dx = dy mask / (1 - rate)
  }

 private:
  double rate_;
  bool per_channel_;
  Shape output_;
};

}  // namespace tarn
