// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

#include <tarn/data/dataset.hpp>

namespace tarn::data {

/// Labels as vectors of 0 with a 1 at the label: y[i, k] = 1 if label i is k, else 0. Shapes: labels [n], y [n, classes], as uint8.
/// Throws ShapeError for labels that are no list, ArgumentError for `classes` below 1 and for a label that is not one of 0, 1, ...
/// classes - 1.
inline Samples one_hot(const Samples& labels, Index classes) {
  if (labels.shape().rank() != 1) throw ShapeError("one_hot: labels are ", labels.shape().to_string(), ", expected [n]");
  if (classes < 1) throw ArgumentError("one_hot: ", classes, " classes, expected at least 1");
  Tensor<std::uint8_t> y{{labels.size(), classes}};
  for (Index i = 0; i < labels.size(); ++i) {
    const double label = labels.at(i);
    if (!(label >= 0 && label <= static_cast<double>(classes - 1)) || label != std::floor(label))
      throw ArgumentError("one_hot: label ", i, " is ", label, ", expected a whole number from 0 to ", classes - 1);
    y[i * classes + static_cast<Index>(label)] = 1;
  }
  return y;
}

}  // namespace tarn::data
