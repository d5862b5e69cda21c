// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <variant>

#include <tarn/core/tensor.hpp>
#include <tarn/cpu/dispatch.hpp>
#include <tarn/cpu/plain/copy.hpp>
#include <tarn/data/dataset.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn::ops {

/// y = x.
template <class T, OnCpu D>
void copy(const Batch<T, D>& x, Batch<T, D>& y) {
  detail::check_same_shape("copy", "y", y, x);
  detail::for_ranges(x.scalars(), x.lanes(),
                     [&](Index first, Index last) { std::copy(x.data() + first, x.data() + last, y.data() + first); });
}

/// The same for plain tensors of one size.
template <class T, OnCpu D>
void copy(const TensorView<const T, D>& x, const TensorView<T, D>& y) {
  detail::check_size("copy", "y", y.size(), x.size());
  std::copy_n(x.data(), x.scalars(), y.data());
}

/// Zeroes the unused lanes of a gradient, which sums over the batch rely on.
template <class T>
void clear_unused_lanes(Batch<T, Cpu>& dy) {
  if (dy.groups() == 0) return;
  const int used = dy.used_lanes(dy.groups() - 1), lanes = dy.lanes();
  if (used == lanes) return;
  T* group = dy.group(dy.groups() - 1);
  for (Index element = 0; element < dy.sample().size(); ++element)
    std::fill(group + element * lanes + used, group + (element + 1) * lanes, T(0));
}

template <class T>
void clear_unused_lanes(Batch<T, CpuModels>&) {}  // there are none

namespace detail {

/// Writes y[sample][element] = convert(source[row(sample)][element]); the unused lanes repeat the last sample.
template <class T, class Source, class Row, class Convert>
void gather_rows(const Source* source, Row row, Convert convert, Batch<T, Cpu>& y) {
  const Index elements = y.sample().size();
  const int lanes = y.lanes();
  constexpr Index chunk = 64;  // elements at a time, so that the rows of a group stay in the cache
  parallel::run(y.groups(), [&](Index group) {
    T* out = y.group(group);
    for (Index first = 0; first < elements; first += chunk) {
      const Index last = std::min(first + chunk, elements);
      const auto sample = [&](int lane) { return source + row(std::min(group * lanes + lane, y.count() - 1)) * elements; };
      int lane = 0;
      for (; lane + 4 <= lanes; lane += 4) {  // four side by side, which are written to the same cache line
        const Source *const a = sample(lane), *const b = sample(lane + 1), *const c = sample(lane + 2),
                            *const d = sample(lane + 3);
        for (Index element = first; element < last; ++element) {
          T* const to = out + element * lanes + lane;
          to[0] = convert(a[element]), to[1] = convert(b[element]), to[2] = convert(c[element]), to[3] = convert(d[element]);
        }
      }
      for (; lane < lanes; ++lane) {
        const Source* const in = sample(lane);
        for (Index element = first; element < last; ++element) out[element * lanes + lane] = convert(in[element]);
      }
    }
  });
}

/// How bytes become numbers of type T; looked into where there are `count` of them to be gained from it.
template <class T>
cpu::ByteScale byte_scale(double scale, double offset, Index count) {
  cpu::ByteScale how{scale, offset};
  const bool far_from_limits = std::abs(scale) > 1e-30 && std::abs(scale) < 1e30;  // where a product would not be exact
  if (sizeof(T) != sizeof(float) || offset != 0 || !far_from_limits || count < 16384) return how;
  how.head =
      std::bit_cast<float>(std::bit_cast<std::uint32_t>(static_cast<float>(scale)) & 0xffffff00U);  // 16 digits, a byte has 8
  how.tail = static_cast<float>(scale - static_cast<double>(how.head));
  how.in_float = true;
  for (int byte = 0; byte < 256; ++byte) {
    const float value = static_cast<float>(byte), in_float = value * how.head + value * how.tail;
    how.in_float &= std::bit_cast<std::uint32_t>(in_float) ==
                    std::bit_cast<std::uint32_t>(cpu::plain::scaled<float>(static_cast<std::uint8_t>(byte), scale, offset));
  }
  return how;
}

}  // namespace detail

/// y = the samples at `rows`, in lanes, as scale * value + offset, computed in double.
template <class T>
void gather(const Samples& samples, std::span<const std::uint32_t> rows, Batch<T, Cpu>& y) {
  const double scale = samples.scale(), offset = samples.offset();
  const auto row = [&](Index sample) { return static_cast<Index>(rows[static_cast<std::size_t>(sample)]); };
  std::visit(
      [&](const auto& values) {
        using Source = std::remove_cvref_t<decltype(values[0])>;
        if constexpr (std::is_same_v<Source, std::uint8_t>)
          if (!y.few()) {
            const auto body = TARN_CPU_BODY(gather_bytes, T);
            const cpu::ByteScale how = detail::byte_scale<T>(scale, offset, y.size());
            return parallel::run(y.groups(), [&](Index group) {
              const std::uint8_t* from[2 * cpu::max_lanes<T>];  // this group's rows, and the next one's
              for (int lane = 0; lane < 2 * y.lanes(); ++lane)
                from[lane] = values.data() + row(std::min(group * y.lanes() + lane, y.count() - 1)) * y.sample().size();
              body(from, from + y.lanes(), y.sample().size(), how, y.group(group));
            });
          }
        detail::gather_rows(
            values.data(), row, [=](Source value) { return cpu::plain::scaled<T>(value, scale, offset); }, y);
      },
      samples.values());
}

/// y = a plain tensor [count, sample...], in lanes.
template <class T>
void from_tensor(const TensorView<const T, Cpu>& x, Batch<T, Cpu>& y) {
  detail::check_shape("from_tensor", "tensor", x.shape(), y.shape());
  if (y.lanes() == 1) return static_cast<void>(std::copy_n(x.data(), x.size(), y.data()));
  detail::gather_rows(
      x.data(), [](Index sample) { return sample; }, [](T value) { return value; }, y);
}

/// y [count, sample...] = x as a plain tensor.
template <class T>
void to_tensor(const Batch<T, Cpu>& x, const TensorView<T, Cpu>& y) {
  detail::check_shape("to_tensor", "tensor", y.shape(), x.shape());
  if (x.lanes() == 1) return static_cast<void>(std::copy_n(x.data(), x.size(), y.data()));
  const Index elements = x.sample().size();
  const int lanes = x.lanes();
  parallel::run(x.groups(), [&](Index group) {
    const T* in = x.group(group);
    for (int lane = 0; lane < x.used_lanes(group); ++lane) {
      T* out = y.data() + (group * lanes + lane) * elements;
      for (Index element = 0; element < elements; ++element) out[element] = in[element * lanes + lane];
    }
  });
}

}  // namespace tarn::ops
