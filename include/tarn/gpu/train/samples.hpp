// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/copy.hpp>

namespace tarn::gpu {

/// Samples in the GPU's memory, as they are stored, of which batches of `T` are gathered.
template <class T>
class DeviceSamples {
 public:
  using Rows = TensorView<const std::uint32_t, Gpu>;

  /// Memory is taken where there is too little.
  void load(const Samples& samples) {
    scale_ = samples.scale();
    offset_ = samples.offset();
    std::visit(
        [&](const auto& values) {
          using Source = std::remove_cvref_t<decltype(values[0])>;
          const Index bytes = values.size() * static_cast<Index>(sizeof(Source));
          if (memory_.size() < bytes) memory_ = Storage<std::uint8_t, Gpu>{bytes};
          gather_ = [](const void* data, const Rows& rows, double scale, double offset, Batch<T, Gpu>& y) {
            ops::gather(TensorView<const Source, Gpu>{static_cast<const Source*>(data), {0}}, rows, scale, offset, y);
          };
          if (bytes > 0) Context::current().upload(memory_.data(), values.data(), static_cast<std::size_t>(bytes));
        },
        samples.values());
  }
  void gather(const Rows& rows, Batch<T, Gpu>& y) const { gather_(memory_.data(), rows, scale_, offset_, y); }

  /// Adds what a captured `gather` depends on.
  void describe(std::vector<std::uint64_t>& key) const {
    key.insert(key.end(), {reinterpret_cast<std::uint64_t>(memory_.data()), reinterpret_cast<std::uint64_t>(gather_),
                           std::bit_cast<std::uint64_t>(scale_), std::bit_cast<std::uint64_t>(offset_)});
  }

 private:
  Storage<std::uint8_t, Gpu> memory_;
  double scale_ = 1, offset_ = 0;
  void (*gather_)(const void*, const Rows&, double, double, Batch<T, Gpu>&) = nullptr;
};

}  // namespace tarn::gpu
