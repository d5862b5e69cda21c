// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <tarn/core/shape.hpp>

namespace tarn::cpu::plain {

template <class T>
void gather_bytes(const std::uint8_t* const* rows, Index elements, double scale, double offset, T* out) {
  for (Index element = 0; element < elements; ++element)
    out[element] = static_cast<T>(scale * static_cast<double>(rows[0][element]) + offset);
}

}  // namespace tarn::cpu::plain
