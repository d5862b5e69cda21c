// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <tarn/data/dataset.hpp>

namespace support {

/// The numbers, as they are seen from outside.
inline std::vector<double> seen(const tarn::Samples& samples) {
  std::vector<double> values;
  for (tarn::Index i = 0; i < samples.shape().size(); ++i) values.push_back(samples.at(i));
  return values;
}

}  // namespace support
