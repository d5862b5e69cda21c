// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <tarn/core/shape.hpp>
#include <tarn/formulas/losses.hpp>

// Losses of one sample: `scales`, `labels` and `losses` point to one value.

namespace tarn::cpu::plain {

template <class T>
T clipped_probability(T p) {
  const T lowest = static_cast<T>(probability_clip);
  return p < lowest ? lowest : p > 1 - lowest ? 1 - lowest : p;
}
template <class T>
bool is_clipped(T p) {
  return p < clipped_probability(p) || p > clipped_probability(p);
}

template <class T>
T loss_value(ElementwiseLoss kind, T parameter, T y, T t) {
  const T label = t == 0 ? T(-1) : t, e = std::abs(y - t), soft = t * (1 - parameter) + parameter / 2;
  const auto positive = [](T v) { return v < 0 ? T(0) : v; };
  switch (kind) {
    case ElementwiseLoss::perceptron: return positive(-y * label);
    case ElementwiseLoss::hinge: return positive(1 - y * label);
    case ElementwiseLoss::squared_hinge: return positive(1 - y * label) * positive(1 - y * label);
    case ElementwiseLoss::squared_error: return e * e;
    case ElementwiseLoss::absolute_error: return e;
    case ElementwiseLoss::huber: return e <= parameter ? e * e / 2 : parameter * (e - parameter / 2);
    case ElementwiseLoss::binary_cross_entropy: {
      const T p = clipped_probability(y);
      return -soft * std::log(p) - (1 - soft) * std::log(1 - p);
    }
    default: return positive(y) - y * soft + std::log1p(std::exp(-std::abs(y)));
  }
}
template <class T>
T loss_slope(ElementwiseLoss kind, T parameter, T y, T t) {
  const T label = t == 0 ? T(-1) : t, e = y - t, soft = t * (1 - parameter) + parameter / 2;
  switch (kind) {
    case ElementwiseLoss::perceptron: return y * label > 0 ? T(0) : -label;
    case ElementwiseLoss::hinge: return y * label > 1 ? T(0) : -label;
    case ElementwiseLoss::squared_hinge: return y * label > 1 ? T(0) : -2 * label * (1 - y * label);
    case ElementwiseLoss::squared_error: return 2 * e;
    case ElementwiseLoss::absolute_error: return static_cast<T>((e > 0) - (e < 0));
    case ElementwiseLoss::huber: return std::abs(e) <= parameter ? e : std::copysign(parameter, e);
    case ElementwiseLoss::binary_cross_entropy: return is_clipped(y) ? T(0) : (y - soft) / (y * (1 - y));
    default: return 1 / (1 + std::exp(-y)) - soft;
  }
}
template <class T>
void elementwise_loss(ElementwiseLoss kind, T parameter, const T* y, const T* t, T* dy, Index size, const T* scales,
                      double* losses) {
  *losses = 0;
  for (Index i = 0; i < size; ++i) {
    *losses += static_cast<double>(loss_value(kind, parameter, y[i], t[i]));
    if (dy) dy[i] = *scales == 0 ? T(0) : loss_slope(kind, parameter, y[i], t[i]) * *scales;
  }
}

template <class T>
void cross_entropy(bool from_logits, T smoothing, const T* y, const std::int32_t* labels, const T* vectors, T* dy, Index classes,
                   const T* scales, double* losses) {
  const auto target = [&](Index k) {
    return (vectors ? vectors[k] : T(*labels == k)) * (1 - smoothing) + smoothing / static_cast<T>(classes);
  };
  const double highest = static_cast<double>(*std::max_element(y, y + classes));
  double total = 0, weight = 0, loss = 0;
  for (Index k = 0; k < classes; ++k) {
    if (from_logits) total += std::exp(static_cast<double>(y[k]) - highest);
    weight += static_cast<double>(target(k));
  }
  for (Index k = 0; k < classes; ++k) {
    const double t = static_cast<double>(target(k)), value = static_cast<double>(y[k]);
    double slope = 0;
    if (from_logits) {
      if (t != 0) loss += t * (std::log(total) + (highest - value));
      slope = std::exp(value - highest) / total * weight - t;
    } else {
      loss -= t * std::log(static_cast<double>(clipped_probability(y[k])));
      slope = is_clipped(y[k]) ? 0 : -t / value;
    }
    if (dy) dy[k] = *scales == 0 ? T(0) : static_cast<T>(slope) * *scales;
  }
  *losses = loss;
}

}  // namespace tarn::cpu::plain
