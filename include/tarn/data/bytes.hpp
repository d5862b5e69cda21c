// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include <tarn/core/shape.hpp>

namespace tarn::data::detail {

static_assert(std::endian::native == std::endian::little || std::endian::native == std::endian::big,
              "the files' readers and writers know these two byte orders");

/// The number whose bytes stand at `from` in the given order.
template <class T>
T load(const std::uint8_t* from, std::endian order) {
  std::array<std::uint8_t, sizeof(T)> bytes;
  std::copy_n(from, sizeof(T), bytes.begin());
  if (order != std::endian::native) std::reverse(bytes.begin(), bytes.end());
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

/// Puts the number's bytes at `to` in the given order.
template <class T>
void store(T value, std::uint8_t* to, std::endian order) {
  std::memcpy(to, &value, sizeof(T));
  if (order != std::endian::native) std::reverse(to, to + sizeof(T));
}

/// Turns `count` numbers of the given byte order into the machine's own, or back, in place.
template <class T>
void reorder(T* values, Index count, std::endian order) {
  if (order == std::endian::native || sizeof(T) == 1) return;
  auto* bytes = reinterpret_cast<std::uint8_t*>(values);
  for (Index i = 0; i < count; ++i, bytes += sizeof(T)) std::reverse(bytes, bytes + sizeof(T));
}

}  // namespace tarn::data::detail
