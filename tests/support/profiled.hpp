// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/tarn.hpp>

// What profiles are tried on, on either device.

namespace support {

/// Images [n, 8, 8, 1] of three classes.
inline tarn::Dataset striped_images(tarn::Index n) {
  tarn::Tensor<float> images{tarn::Shape{n, 8, 8, 1}};
  tarn::Tensor<std::int32_t> labels{tarn::Shape{n}};
  for (tarn::Index i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i % 7) / 7;
  for (tarn::Index i = 0; i < n; ++i) labels[i] = static_cast<std::int32_t>(i % 3);
  return {std::move(images), std::move(labels)};
}

/// Of all rows together, forward and back.
inline double seconds_of_training(const tarn::Profile& profile) {
  double sum = 0;
  for (const auto& row : profile.rows()) sum += row.forward.seconds + row.backward.seconds;
  return sum;
}

}  // namespace support
