// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <vector>

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/copy.hpp>

namespace tarn::ops {

/// y = x.
template <class T>
void copy(const Batch<T, Gpu>& x, Batch<T, Gpu>& y) {
  detail::check_same_shape("copy", "y", y, x);
  if (x.size() > 0) gpu::Context::current().copy(y.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
}
/// The same for plain tensors of one size.
template <class T>
void copy(const TensorView<const T, Gpu>& x, const TensorView<T, Gpu>& y) {
  detail::check_size("copy", "y", y.size(), x.size());
  if (x.size() > 0) gpu::Context::current().copy(y.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
}

template <class T>
void clear_unused_lanes(Batch<T, Gpu>&) {}  // there are none

/// y = scale * value + offset of the samples at `rows`, from values and rows that are on the GPU. Nothing is checked there: rows
/// must be below the number of samples.
template <class T, class Source>
void gather(const TensorView<const Source, Gpu>& samples, const TensorView<const std::uint32_t, Gpu>& rows, double scale,
            double offset, Batch<T, Gpu>& y) {
  detail::check_size("gather", "rows", rows.size(), y.count());
  detail::launch(gpu::kernel::gather<T, Source>, y.size(), samples.data(), rows.data(), y.data(), detail::kernel_size(y.size()),
                 detail::kernel_size(y.sample().size()), scale, offset);
}
/// The same from samples in the processor's memory, which gathers them.
template <class T>
void gather(const Samples& samples, std::span<const std::uint32_t> rows, Batch<T, Gpu>& y) {
  const Index elements = y.sample().size();
  std::vector<T> values;
  values.reserve(static_cast<std::size_t>(y.size()));
  for (const std::uint32_t row : rows.first(static_cast<std::size_t>(y.count())))
    for (Index i = 0; i < elements; ++i) values.push_back(static_cast<T>(samples.at(static_cast<Index>(row) * elements + i)));
  upload(TensorView<const T, Cpu>{values.data(), y.shape()}, TensorView<T, Gpu>{y.data(), y.shape()});
}

/// y = a plain tensor [count, sample...] in the processor's memory.
template <class T>
void from_tensor(const TensorView<const T, Cpu>& x, Batch<T, Gpu>& y) {
  detail::check_shape("from_tensor", "tensor", x.shape(), y.shape());
  upload(x, TensorView<T, Gpu>{y.data(), y.shape()});
}
/// y [count, sample...] in the processor's memory = x.
template <class T>
void to_tensor(const Batch<T, Gpu>& x, const TensorView<T, Cpu>& y) {
  detail::check_shape("to_tensor", "tensor", y.shape(), x.shape());
  if (x.size() > 0) gpu::Context::current().download(y.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
}

}  // namespace tarn::ops
