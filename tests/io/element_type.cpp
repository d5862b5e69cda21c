// SPDX-License-Identifier: MIT
#include <tarn/io/element_type.hpp>

#include <bit>
#include <cmath>
#include <limits>

#include "../catch.hpp"

using tarn::io::element_type;
using tarn::io::element_type_of;
using tarn::io::ElementType;
namespace detail = tarn::io::detail;

TEST_CASE("Every half-precision number is exact as a float", "[io][element_type]") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float got = detail::half_to_float(static_cast<std::uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    REQUIRE(std::signbit(got) == (bits >= 0x8000));
    if (exponent == 31 && fraction) {
      REQUIRE(std::isnan(got));
      continue;
    }
    const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(fraction, -24)
                                             : std::ldexp(1024 + fraction, exponent - 25);
    REQUIRE(std::abs(static_cast<double>(got)) == magnitude);
  }
}

TEST_CASE("A bfloat16 is the upper half of a float", "[io][element_type]") {
  CHECK(detail::bfloat_to_float(0x3f80) == 1.0F);
  CHECK(detail::bfloat_to_float(0xc049) == -3.140625F);
  CHECK(detail::bfloat_to_float(0x0001) == std::ldexp(1.0F, -133));
  CHECK(std::isinf(detail::bfloat_to_float(0x7f80)));
  CHECK(std::isnan(detail::bfloat_to_float(0x7fc0)));
}

TEST_CASE("Types of C++ have their names in the file", "[io][element_type]") {
  CHECK(name_of(element_type_of<bool>()) == "BOOL");
  CHECK(name_of(element_type_of<std::uint8_t>()) == "U8");
  CHECK(name_of(element_type_of<std::int8_t>()) == "I8");
  CHECK(name_of(element_type_of<std::int16_t>()) == "I16");
  CHECK(name_of(element_type_of<std::uint16_t>()) == "U16");
  CHECK(name_of(element_type_of<std::int32_t>()) == "I32");
  CHECK(name_of(element_type_of<std::uint32_t>()) == "U32");
  CHECK(name_of(element_type_of<long long>()) == "I64");
  CHECK(name_of(element_type_of<std::uint64_t>()) == "U64");
  CHECK(name_of(element_type_of<float>()) == "F32");
  CHECK(name_of(element_type_of<double>()) == "F64");
  CHECK(size_of(element_type_of<bool>()) == 1);
  CHECK(size_of(element_type_of<std::int16_t>()) == 2);
  CHECK(size_of(element_type_of<double>()) == 8);
  CHECK(element_type("BF16") == ElementType::bf16);
  CHECK(element_type("F8_E4M3") == std::nullopt);
  CHECK(element_type("f32") == std::nullopt);
  CHECK(is_floating(ElementType::f16));
  CHECK_FALSE(is_floating(ElementType::i64));
}
