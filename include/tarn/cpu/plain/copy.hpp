// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/core/shape.hpp>
#include <tarn/cpu/byte_scale.hpp>

namespace tarn::cpu::plain {

/// scale * value + offset in double. The product is rounded before the sum whatever the compiler may fuse, so that a stored number
/// is the same in every batch.
template <class T, class Value>
T scaled(Value value, double scale, double offset) {
  double product = scale * static_cast<double>(value);
#if defined(__x86_64__)
  asm("" : "+x"(product));
#elif defined(__aarch64__)
  asm("" : "+w"(product));
#endif
  return static_cast<T>(product + offset);
}

template <class T>
void gather_bytes(const std::uint8_t* const* rows, const std::uint8_t* const* /*next*/, Index elements, const ByteScale& how,
                  T* out) {
  for (Index element = 0; element < elements; ++element) out[element] = scaled<T>(rows[0][element], how.scale, how.offset);
}

}  // namespace tarn::cpu::plain
