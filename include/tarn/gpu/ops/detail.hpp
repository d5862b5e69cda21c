// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include <tarn/gpu/storage.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops::detail {

/// A count as kernels take it. Throws ShapeError for 2^31 elements and more.
inline unsigned kernel_size(Index size) {
  if (size > std::numeric_limits<int>::max())
    throw ShapeError("gpu: ", size, " elements at once, expected fewer than 2147483648");
  return static_cast<unsigned>(size);
}
/// Starts a kernel with enough threads for `elements`; nothing for none.
template <class T, class... Parameters, class... Arguments>
void launch(const gpu::Kernel<T, Parameters...>& kernel, Index elements, const Arguments&... arguments) {
  kernel_size(elements);
  if (elements == 0) return;
  gpu::Context& context = gpu::Context::current();
  context.launch(kernel, context.blocks_for(elements), arguments...);
}
/// The same with a warp a row.
template <class T, class... Parameters, class... Arguments>
void launch_rows(const gpu::Kernel<T, Parameters...>& kernel, Index rows, const Arguments&... arguments) {
  launch(kernel, 32 * rows, arguments...);
}

/// How `reduce_channels` cuts [rows, channels] up: from shapes alone.
struct ChannelParts {
  unsigned parts;
  gpu::Grid grid;
};
inline ChannelParts channel_parts(Index rows, Index channels) {
  const Index width = channels < gpu::block ? channels : gpu::block, height = gpu::block / width;
  const unsigned parts = kernel_size(parallel::sum_parts(ceil_divide(rows, height)));
  return {parts, {parts, kernel_size(ceil_divide(channels, width))}};
}

}  // namespace tarn::ops::detail
