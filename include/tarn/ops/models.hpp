// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <span>

#include <tarn/cpu/plain/copy.hpp>
#include <tarn/data/dataset.hpp>
#include <tarn/ops/losses.hpp>

// What an ensemble's batches are filled from and read by: a lane is a model.

namespace tarn::ops {

/// y[sample][..][model] = the samples at rows[model] of each model's own data, as scale * value + offset. The lanes behind the
/// last model repeat it. All data sets have y's samples, and `rows` y's count for each.
template <class T>
void gather(std::span<const Samples* const> data, std::span<const std::uint32_t* const> rows, Batch<T, CpuModels>& y) {
  const Index elements = y.sample().size(), lanes = y.lanes(), models = static_cast<Index>(data.size());
  // Samples that stay in the nearest cache, or of wide ones enough for a line of the source to be used while it is there.
  const Index chunk = std::max<Index>(8, 2048 / std::max<Index>(1, elements * lanes));
  for (Index first = 0; first < y.count(); first += chunk) {
    const Index last = std::min(first + chunk, y.count());
    for (Index lane = 0; lane < lanes; ++lane) {
      const auto model = static_cast<std::size_t>(std::min(lane, models - 1));
      const double scale = data[model]->scale(), offset = data[model]->offset();
      std::visit(
          [&](const auto& values) {
            const auto write = [&](auto size, auto convert) {  // `size` elements, of one known to the compiler
              const std::uint32_t* const row = rows[model];
              for (Index element = 0; element < size; ++element) {
                const auto* const from = values.data() + element;
                T* to = y.group(first) + element * lanes + lane;
#pragma GCC unroll 4
                for (Index sample = first; sample < last; ++sample, to += size * lanes)
                  *to = convert(from[static_cast<Index>(row[sample]) * size]);
              }
            };
            const auto write_all = [&](auto convert) {
              elements == 1 ? write(std::integral_constant<Index, 1>{}, convert) : write(elements, convert);
            };
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(values[0])>, T>)
              if (scale == 1 && offset == 0) return write_all([](T value) { return value + T(0); });  // as below, of -0 too
            write_all([&](auto value) { return cpu::plain::scaled<T>(value, scale, offset); });
          },
          data[model]->values());
    }
  }
}

/// labels[sample][model] likewise.
template <class T>
void gather_labels(std::span<const Samples* const> data, std::span<const std::uint32_t* const> rows, Index count,
                   std::int32_t* labels) {
  const Index lanes = scalars_per_number<T, CpuModels>(), models = static_cast<Index>(data.size());
  for (Index lane = 0; lane < lanes; ++lane) {
    const auto model = static_cast<std::size_t>(std::min(lane, models - 1));
    for (Index sample = 0; sample < count; ++sample)
      labels[sample * lanes + lane] = static_cast<std::int32_t>(data[model]->at(static_cast<Index>(rows[model][sample])));
  }
}

/// to[first sample + i][..] = the outputs of one model for sample i.
template <class T>
void to_tensor(const Batch<T, CpuModels>& x, Index model, T* to) {
  const Index size = x.count() * x.sample().size(), lanes = x.lanes();
  for (Index i = 0; i < size; ++i) to[i] = x.data()[i * lanes + model];
}

/// For each model the samples whose largest output is at the label, or at the largest element of the target vector.
template <class T>
void count_correct(const Batch<T, CpuModels>& outputs, const Targets<T, CpuModels>& targets, Index* counts) {
  const Index classes = outputs.sample().size(), lanes = outputs.lanes();
  for (Index sample = 0; sample < outputs.count(); ++sample)
    for (Index lane = 0; lane < lanes; ++lane) {
      const auto values = [&](const Batch<T, CpuModels>& of) {
        return detail::LaneView<const T>{of.group(sample) + lane, lanes};
      };
      const Index expected = targets.has_labels() ? static_cast<Index>(targets.labels[sample * lanes + lane])
                                                  : detail::argmax(values(targets.vectors), classes);
      const auto y = values(outputs);
      const Index best = detail::argmax(y, classes);
      counts[lane] += best == expected && y[best] == y[best];  // NaN is never right
    }
}

}  // namespace tarn::ops
