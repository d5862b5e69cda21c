// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/random.hpp>

namespace tarn::ops {

/// As on the CPU, with the same words; the step's number is read from `step` on the GPU, so that a captured launch can be repeated.
template <class T>
void dropout(const Batch<T, Gpu>& x, double rate, bool per_channel, const Stream& stream, const std::uint32_t* step,
             Batch<T, Gpu>& y) {
  detail::check_same_shape("dropout", "y", y, x);
  if (!(rate >= 0 && rate < 1)) throw ArgumentError("dropout: rate is ", rate, ", expected at least 0 and below 1");
  if (x.size() == 0) return;
  detail::kernel_size(x.size());
  const Index pixels = per_channel ? detail::rows_of(x).rows : 1, channels = x.sample().size() / pixels;
  detail::launch(gpu::kernel::dropout<T>, x.count() * detail::ceil_divide(channels, 4), x.data(), y.data(),
                 detail::kernel_size(x.count()), detail::kernel_size(pixels), detail::kernel_size(channels),
                 static_cast<std::uint32_t>(rate * 0x1p32), static_cast<T>(1 / (1 - rate)), stream.key(), step,
                 stream.counter(0, 0)[3]);
}
/// The same with the stream's own step or, in a training step, that one's number.
template <class T>
void dropout(const Batch<T, Gpu>& x, double rate, bool per_channel, const Stream& stream, Batch<T, Gpu>& y) {
  gpu::Context& context = gpu::Context::current();
  if (context.step()) return dropout(x, rate, per_channel, stream, context.step()->number, y);
  auto* const step = static_cast<std::uint32_t*>(context.scratch(sizeof(std::uint32_t)));
  const std::uint32_t number = stream.counter(0, 0)[2];
  context.upload(step, &number, sizeof number);
  dropout(x, rate, per_channel, stream, step, y);
}

}  // namespace tarn::ops
