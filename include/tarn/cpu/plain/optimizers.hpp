// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <tarn/cpu/plain/elementwise.hpp>
#include <tarn/formulas/optimizers.hpp>

namespace tarn::cpu::plain {

/// The gradients as they enter the update.
template <class T>
auto clipped(const T* gradients, Index size, const UpdateTerms<T>& terms) {
  return elements(gradients, size).unaryExpr([=](T g) {
    const T scaled = g * terms.scale;
    return scaled > terms.limit ? terms.limit : scaled < -terms.limit ? -terms.limit : scaled;
  });
}

template <class T>
void sgd(T* weights, const T* gradients, Index size, const UpdateTerms<T>& terms) {
  auto w = elements(weights, size);
  w = terms.keep * w - terms.rate * clipped(gradients, size, terms);
}
template <class T>
void sgd_momentum(T* weights, T* velocities, const T* gradients, Index size, const UpdateTerms<T>& terms, T momentum,
                  bool nesterov) {
  auto w = elements(weights, size), v = elements(velocities, size);
  v = momentum * v - terms.rate * clipped(gradients, size, terms);
  if (nesterov)
    w = terms.keep * w + momentum * v - terms.rate * clipped(gradients, size, terms);
  else
    w = terms.keep * w + v;
}
template <class T>
void rmsprop(T* weights, T* squares, T* means, T* velocities, const T* gradients, Index size, const UpdateTerms<T>& terms,
             const RMSpropTerms<T>& own) {
  for (Index i = 0; i < size; ++i) {
    const T g = clipped(gradients + i, 1, terms)(0);
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
  auto w = elements(weights, size), m = elements(momentums_1, size), v = elements(momentums_2, size);
  m += own.rest_1 * (clipped(gradients, size, terms) - m);
  v += own.rest_2 * (clipped(gradients, size, terms).square() - v);
  if (largest) elements(largest, size) = elements(largest, size).max(v);
  const auto root = [](T u) { return std::sqrt(u); };  // not Eigen's, whose packets may round otherwise than its last elements
  w = terms.keep * w - terms.rate * m / (elements(largest ? largest : momentums_2, size).unaryExpr(root) + own.epsilon);
}

template <class T>
double sum_of_squares(const T* data, Index size) {
  return elements(data, size).template cast<double>().square().sum();
}
template <class T>
bool all_finite(const T* data, Index size) {
  return elements(data, size).isFinite().all();
}

}  // namespace tarn::cpu::plain
