// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/core/shape.hpp>

namespace tarn::cpu {

/// The sizes of a convolution, or of a dense layer as the convolution of one pixel by a 1x1 kernel.
/// x [in_h, in_w, in_c], kernel [kernel_h, kernel_w, in_c, out_c], y [out_h, out_w, out_c]; the kernel's corner for output
/// (0, 0) stands at input (-pad_top, -pad_left), and what lies outside counts as zero.
struct ConvGeometry {
  Index in_h = 1, in_w = 1, in_c = 1;
  Index kernel_h = 1, kernel_w = 1;
  Index out_h = 1, out_w = 1, out_c = 1;
  Index pad_top = 0, pad_left = 0;

  Index run() const { return kernel_w * in_c; }     ///< weights of one kernel row for one output
  Index depth() const { return kernel_h * run(); }  ///< weights for one output
  Index pixels() const { return out_h * out_w; }

  /// A convolution whose output is one pixel, without padding, as a dense layer on the same memory; others as they are.
  ConvGeometry simplified() const {
    if (pixels() != 1 || pad_top != 0 || pad_left != 0 || kernel_h != in_h || kernel_w != in_w) return *this;
    ConvGeometry dense;
    dense.in_c = in_h * in_w * in_c;
    dense.out_c = out_c;
    return dense;
  }
  /// The convolution that takes dL/dy to dL/dx: on the flipped kernel, with inputs and outputs exchanged.
  ConvGeometry transposed() const {
    return {out_h, out_w, out_c, kernel_h, kernel_w, in_h, in_w, in_c, kernel_h - 1 - pad_top, kernel_w - 1 - pad_left};
  }
};

/// The sizes of a pooling without padding. x [in_h, in_w, channels], y [out_h, out_w, channels].
struct PoolGeometry {
  Index in_h = 1, in_w = 1, channels = 1;
  Index window_h = 1, window_w = 1, stride_h = 1, stride_w = 1;
  Index out_h = 1, out_w = 1;

  struct Range {
    Index first, last;
  };
  /// The outputs along one axis whose windows cover input position `at`, as [first, last).
  static Range covering(Index at, Index window, Index stride, Index out) {
    const Index first = at < window ? 0 : (at - window) / stride + 1;
    const Index last = at / stride + 1;
    return {first, last < out ? last : out};
  }
};

/// Inputs of a map: one value an element, in lanes, or one a channel.
template <class T>
struct MapElements {
  const T* data;
};
template <class T>
struct MapChannels {
  const T* data;
};

/// What a stream's counters share: its key, step and identity words.
struct StreamWords {
  std::uint32_t key[2], step, identity;
};

}  // namespace tarn::cpu
