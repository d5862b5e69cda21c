// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/geometry.hpp>
#include <tarn/layers/options.hpp>

namespace support {

/// A convolution as a layer makes it of its options.
inline tarn::cpu::ConvGeometry geometry(tarn::Index h, tarn::Index w, tarn::Index in, tarn::Size2D kernel, tarn::Size2D stride,
                                        tarn::Padding padding, tarn::Index out) {
  const auto rows = tarn::detail::place_windows(h, kernel.height, stride.height, padding);
  const auto columns = tarn::detail::place_windows(w, kernel.width, stride.width, padding);
  tarn::cpu::ConvGeometry g;
  g.in_h = h, g.in_w = w, g.in_c = in;
  g.kernel_h = kernel.height, g.kernel_w = kernel.width;
  g.out_h = rows.count, g.out_w = columns.count, g.out_c = out;
  g.pad_top = rows.padding, g.pad_left = columns.padding;
  g.stride_h = g.out_h > 1 ? stride.height : 1;
  g.stride_w = g.out_w > 1 ? stride.width : 1;
  return g;
}

}  // namespace support
