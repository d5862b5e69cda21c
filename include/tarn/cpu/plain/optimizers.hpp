// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <tarn/core/shape.hpp>
#include <tarn/formulas/optimizers.hpp>

namespace tarn::cpu::plain {

/// The gradient as it enters the update.
template <class T>
T clipped(T gradient, const UpdateTerms<T>& terms) {
  const T scaled = gradient * terms.scale;
  return scaled > terms.limit ? terms.limit : scaled < -terms.limit ? -terms.limit : scaled;
}

template <class T>
void sgd(T* weights, const T* gradients, Index size, const UpdateTerms<T>& terms) {
  for (Index i = 0; i < size; ++i) weights[i] = terms.keep * weights[i] - terms.rate * clipped(gradients[i], terms);
}
template <class T>
void sgd_momentum(T* weights, T* velocities, const T* gradients, Index size, const UpdateTerms<T>& terms, T momentum,
                  bool nesterov) {
  for (Index i = 0; i < size; ++i) {
    const T step = terms.rate * clipped(gradients[i], terms);
    velocities[i] = momentum * velocities[i] - step;
    weights[i] = terms.keep * weights[i] + (nesterov ? momentum * velocities[i] - step : velocities[i]);
  }
}
template <class T>
void rmsprop(T* weights, T* squares, T* means, T* velocities, const T* gradients, Index size, const UpdateTerms<T>& terms,
             const RMSpropTerms<T>& own) {
  for (Index i = 0; i < size; ++i) {
    const T g = clipped(gradients[i], terms);
    squares[i] = own.rho * squares[i] + own.rest * g * g;
    if (means) means[i] = own.rho * means[i] + own.rest * g;
    const T variance = means ? squares[i] - means[i] * means[i] : squares[i];
    T step = terms.rate * g / std::sqrt((variance > 0 ? variance : 0) + own.epsilon);
    if (velocities) step = velocities[i] = own.momentum * velocities[i] + step;
    weights[i] = terms.keep * weights[i] - step;
  }
}
template <class T>
void adam(T* weights, T* momentums_1, T* momentums_2, T* largest, const T* gradients, Index size, const UpdateTerms<T>& terms,
          const AdamTerms<T>& own) {
  for (Index i = 0; i < size; ++i) {
    const T g = clipped(gradients[i], terms);
    momentums_1[i] += own.rest_1 * (g - momentums_1[i]);
    momentums_2[i] += own.rest_2 * (g * g - momentums_2[i]);
    T scale = momentums_2[i];
    if (largest) scale = largest[i] = largest[i] > scale ? largest[i] : scale;
    weights[i] = terms.keep * weights[i] - terms.rate * momentums_1[i] / (std::sqrt(scale) + own.epsilon);
  }
}

template <class T>
double sum_of_squares(const T* data, Index size) {
  double sum = 0;
  for (Index i = 0; i < size; ++i) sum += static_cast<double>(data[i]) * static_cast<double>(data[i]);
  return sum;
}
template <class T>
bool all_finite(const T* data, Index size) {
  return std::all_of(data, data + size, [](T value) { return std::isfinite(value); });
}

}  // namespace tarn::cpu::plain
