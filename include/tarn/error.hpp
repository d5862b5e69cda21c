// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace tarn {

namespace detail {

/// A part of an error's text. Texts are put together in one function that is compiled once, not where they are thrown:
/// in a header-only library every throw is paid for in each build.
class TextPart {
 public:
  TextPart(const char* text) : text_{text} {}
  TextPart(const std::string& text) : text_{text} {}
  TextPart(std::string_view text) : text_{text} {}
  template <std::integral Number>
  TextPart(Number number) : kind_{Kind::integer}, integer_{static_cast<long long>(number)} {}
  TextPart(double number) : kind_{Kind::real}, real_{number} {}

  void append_to(std::string& out) const {
    if (kind_ == Kind::text) out += text_;
    if (kind_ == Kind::integer) out += std::to_string(integer_);
    if (kind_ == Kind::real) {  // the shortest text that reads back as the same number, in every locale
      char digits[32];
      out.append(digits, std::to_chars(digits, digits + sizeof digits, real_).ptr);
    }
  }

 private:
  enum class Kind { text, integer, real } kind_ = Kind::text;
  std::string_view text_;
  long long integer_ = 0;
  double real_ = 0;
};

[[gnu::cold, gnu::noinline]] inline std::string join(std::initializer_list<TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) part.append_to(text);
  return text;
}

}  // namespace detail

/// Base of everything that Tarn throws. A message reads: where, what was received, what was expected, the remedy if known.
/// It is given in parts, texts and numbers: `throw ShapeError("Dense: units is ", units, ", expected at least 1")`.
class Error : public std::runtime_error {
 public:
  template <class... Parts>
    requires(std::is_constructible_v<detail::TextPart, const Parts&>&&...)
  [[gnu::cold, gnu::noinline]] explicit Error(const Parts&... parts)
      : std::runtime_error{detail::join({detail::TextPart{parts}...})} {}
};

/// Shapes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A value outside its range, an unknown name.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// An operation that the present state does not allow: a non-finite loss, scratch memory that was not reserved.
class StateError : public Error {
 public:
  using Error::Error;
};

/// Files: missing, unreadable, broken. The message names the file and, where there is one, the offset.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A device or an instruction set that this machine does not have.
class DeviceError : public Error {
 public:
  using Error::Error;
};

}  // namespace tarn
