// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/core/shape.hpp>

namespace tarn::cpu {

/// The sizes of a convolution, or of a dense layer as the convolution of one pixel by a 1x1 kernel.
/// x [in_h, in_w, in_c], kernel [kernel_h, kernel_w, in_c, out_c], y [out_h, out_w, out_c]; the kernel's corner for output
/// (row, column) stands at input (row stride_h - pad_top, column stride_w - pad_left), and what lies outside counts as zero.
struct ConvGeometry {
  Index in_h = 1, in_w = 1, in_c = 1;
  Index kernel_h = 1, kernel_w = 1;
  Index out_h = 1, out_w = 1, out_c = 1;
  Index pad_top = 0, pad_left = 0;
  Index stride_h = 1, stride_w = 1;

  Index run() const { return kernel_w * in_c; }     ///< weights of one kernel row for one output
  Index depth() const { return kernel_h * run(); }  ///< weights for one output
  Index pixels() const { return out_h * out_w; }
  /// Input columns that the outputs look at, padding included.
  Index span_w() const { return (out_w - 1) * stride_w + kernel_w; }

  /// Along one axis: the outputs [first, last) whose kernel tap lies inside the image.
  struct Outputs {
    Index first, last;
  };
  static Outputs outputs_inside(Index tap, Index in, Index out, Index stride, Index pad) {
    const Index above = pad - tap > 0 ? pad - tap : 0, below = in + pad - tap > 0 ? in + pad - tap : 0;
    const Index first = stride == 1 ? above : (above + stride - 1) / stride,
                last = stride == 1 ? below : (below + stride - 1) / stride;
    const Index begin = first < out ? first : out, end = last < out ? last : out;
    return {begin, end < begin ? begin : end};
  }

  /// A convolution whose output is one pixel, without padding, as a dense layer on the same memory; others as they are.
  ConvGeometry simplified() const {
    if (pixels() != 1 || pad_top != 0 || pad_left != 0 || kernel_h != in_h || kernel_w != in_w) return *this;
    ConvGeometry dense;
    dense.in_c = in_h * in_w * in_c;
    dense.out_c = out_c;
    return dense;
  }

  /// Along one axis: the input positions whose kernel taps are first, first + stride, ..., and the convolution without stride
  /// that takes dL/dy to dL/dx there: on those taps, flipped. It writes positions start, start + stride, ...
  struct Phase {
    Index taps, start, count, pad;
  };
  static Phase phase(Index first, Index in, Index kernel, Index stride, Index pad) {
    const Index taps = first < kernel ? (kernel - first - 1) / stride + 1 : 0;
    const Index skip = pad > first ? (pad - first + stride - 1) / stride : 0;  // positions that lie in the padding
    const Index start = skip * stride + first - pad;
    return {taps, start, start < in ? (in - 1 - start) / stride + 1 : 0, taps - 1 - skip};
  }
  /// The convolution of dL/dy by the taps of two phases, with inputs and outputs exchanged.
  ConvGeometry transposed(const Phase& rows, const Phase& columns) const {
    ConvGeometry g;
    g.in_h = out_h, g.in_w = out_w, g.in_c = out_c;
    g.kernel_h = rows.taps, g.kernel_w = columns.taps;
    g.out_h = rows.count, g.out_w = columns.count, g.out_c = in_c;
    g.pad_top = rows.pad, g.pad_left = columns.pad;
    return g;
  }
};

/// The sizes of a pooling. x [in_h, in_w, channels], y [out_h, out_w, channels]; the window of output (row, column) has its
/// corner at input (row stride_h - pad_top, column stride_w - pad_left), and what lies outside does not count.
struct PoolGeometry {
  Index in_h = 1, in_w = 1, channels = 1;
  Index window_h = 1, window_w = 1, stride_h = 1, stride_w = 1;
  Index out_h = 1, out_w = 1;
  Index pad_top = 0, pad_left = 0;

  /// Input positions [first, last) along one axis.
  struct Range {
    Index first, last;
    Index size() const { return last - first; }
  };
  /// Whether each pixel is in one window, and no window reaches into padding.
  bool tiles() const {
    return pad_top == 0 && pad_left == 0 && stride_h == window_h && stride_w == window_w && out_h * window_h == in_h &&
           out_w * window_w == in_w;
  }
  Range rows(Index out) const { return inside(out * stride_h - pad_top, window_h, in_h); }
  Range columns(Index out) const { return inside(out * stride_w - pad_left, window_w, in_w); }

 private:
  static Range inside(Index first, Index window, Index in) {
    return {first < 0 ? 0 : first, first + window < in ? first + window : in};
  }
};

/// Inputs of a map: one value an element, in lanes, or one a channel, which with models has lanes too.
template <class T>
struct MapElements {
  const T* data;
};
template <class T, bool Models>
struct MapChannels {
  const T* data;
};

/// What a stream's counters share: two key words, step and identity. Of several models, two key words for each.
struct StreamWords {
  const std::uint32_t* keys;
  std::uint32_t step, identity;
};

}  // namespace tarn::cpu
