// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <limits>
#include <vector>

#include <tarn/core/random.hpp>

#include "../../catch.hpp"

namespace emulator {

/// Memory of a kernel between two guard zones, with NaN in it (of integers a pattern) until it is written. Its end checks the zones.
template <class T>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : values_(size + 2 * zone, rubbish()), size_{size} {}
  Buffer(const std::vector<double>& values) : Buffer(values.size()) {  // NOLINT: implicit
    for (std::size_t i = 0; i < size_; ++i) data()[i] = static_cast<T>(values[i]);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    const T untouched = rubbish();
    for (std::size_t i = 0; i < zone; ++i) {
      CHECK(std::memcmp(&values_[i], &untouched, sizeof(T)) == 0);
      CHECK(std::memcmp(&values_[zone + size_ + i], &untouched, sizeof(T)) == 0);
    }
  }

  T* data() { return values_.data() + zone; }
  const T* begin() const { return values_.data() + zone; }
  const T* end() const { return begin() + size_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data()[i]; }

 private:
  static constexpr std::size_t zone = 64;
  static T rubbish() {
    if constexpr (std::is_floating_point_v<T>)
      return std::numeric_limits<T>::quiet_NaN();
    else {
      T value;
      std::memset(&value, 0xAB, sizeof value);
      return value;
    }
  }

  std::vector<T> values_;
  std::size_t size_;
};

/// Numbers in (-scale, scale), the same in every run.
inline std::vector<double> random_values(std::size_t size, double scale = 2, tarn::Index stream = 0) {
  const tarn::Stream words{7, tarn::Purpose::initial_weights, stream};
  std::vector<double> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(scale * (2 * words.uniform(static_cast<tarn::Index>(i)) - 1));  // the same in both types
  }
  return values;
}

}  // namespace emulator
