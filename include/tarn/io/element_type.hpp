// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include <tarn/core/shape.hpp>

namespace tarn::io {

/// What the elements of a stored tensor are; in the order in which the safetensors library ranks them.
enum class ElementType { boolean, u8, i8, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

namespace detail {

struct ElementTypeInfo {
  std::string_view name;
  Index bytes;
};
inline constexpr std::array<ElementTypeInfo, 13> element_types{{{"BOOL", 1},
                                                                {"U8", 1},
                                                                {"I8", 1},
                                                                {"I16", 2},
                                                                {"U16", 2},
                                                                {"F16", 2},
                                                                {"BF16", 2},
                                                                {"I32", 4},
                                                                {"U32", 4},
                                                                {"F32", 4},
                                                                {"F64", 8},
                                                                {"I64", 8},
                                                                {"U64", 8}}};

/// IEEE 754 binary16 (1 sign bit, 5 of exponent, 10 of fraction) as float, exactly; NaN stays NaN.
inline float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16, exponent = half >> 10 & 0x1fU, fraction = half & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24F;  // subnormal
  return sign ? -magnitude : magnitude;
}

/// bfloat16, the upper half of a float, as float, exactly.
inline float bfloat_to_float(std::uint16_t upper) { return std::bit_cast<float>(std::uint32_t{upper} << 16); }

}  // namespace detail

/// As in "F32".
inline std::string_view name_of(ElementType type) { return detail::element_types[static_cast<std::size_t>(type)].name; }
/// Bytes of one element.
inline Index size_of(ElementType type) { return detail::element_types[static_cast<std::size_t>(type)].bytes; }
inline std::optional<ElementType> element_type(std::string_view name) {
  for (std::size_t i = 0; i < detail::element_types.size(); ++i)
    if (detail::element_types[i].name == name) return static_cast<ElementType>(i);
  return std::nullopt;
}
/// Whether elements of this type convert to float and double.
inline bool is_floating(ElementType type) {
  return type == ElementType::f16 || type == ElementType::bf16 || type == ElementType::f32 || type == ElementType::f64;
}

/// Types of C++ that a file can hold: float, double, bool and the integers of 8 to 64 bits.
template <class T>
concept StorableElement = std::same_as<T, bool> || std::same_as<T, float> || std::same_as<T, double> ||
    (std::integral<T> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && sizeof(T) <= 8);

template <StorableElement T>
constexpr ElementType element_type_of() {
  if constexpr (std::is_same_v<T, bool>) return ElementType::boolean;
  if constexpr (std::is_same_v<T, float>) return ElementType::f32;
  if constexpr (std::is_same_v<T, double>) return ElementType::f64;
  constexpr bool is_signed = std::is_signed_v<T>;
  if constexpr (sizeof(T) == 1) return is_signed ? ElementType::i8 : ElementType::u8;
  if constexpr (sizeof(T) == 2) return is_signed ? ElementType::i16 : ElementType::u16;
  if constexpr (sizeof(T) == 4) return is_signed ? ElementType::i32 : ElementType::u32;
  return is_signed ? ElementType::i64 : ElementType::u64;
}

}  // namespace tarn::io
