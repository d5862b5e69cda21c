// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <type_traits>

namespace tarn::gpu {

/// How a context computes products and convolutions.
struct MathMode {
  bool tf32 = false;           ///< float may be rounded to 10 bits of mantissa before it is multiplied, on tensor cores
  bool deterministic = false;  ///< the same bits at every run on the same GPU
  bool autotune = false;       ///< the ways of a convolution are timed where a shape comes up first, and the fastest is kept

  bool operator==(const MathMode&) const = default;
};

/// Types of numbers in memory, or of the arithmetic on them.
enum class ScalarType { f32, f64, bf16, f16 };

template <class T>
inline constexpr ScalarType scalar_type = ScalarType::f32;
template <>
inline constexpr ScalarType scalar_type<double> = ScalarType::f64;

inline const char* to_string(ScalarType type) {
  constexpr const char* names[] = {"float", "double", "bfloat16", "half"};
  return names[static_cast<int>(type)];
}

/// The arithmetic on numbers of a type: narrow ones are summed in float.
constexpr ScalarType computation_type(ScalarType memory) { return memory == ScalarType::f64 ? ScalarType::f64 : ScalarType::f32; }

/// The largest power of two up to 256 that all addresses are multiples of; null does not count.
template <class... Pointers>
int common_alignment(const Pointers*... pointers) {
  const std::uintptr_t bits = (reinterpret_cast<std::uintptr_t>(pointers) | ... | 256U);
  return static_cast<int>(bits & (~bits + 1));
}

}  // namespace tarn::gpu
