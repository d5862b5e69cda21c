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
  TextPart(const char* text) : kind_{Kind::literal}, literal_{text} {}
  TextPart(const std::string& text) : TextPart{std::string_view{text}} {}
  TextPart(std::string_view text) : kind_{Kind::text}, text_{text} {}
  template <std::integral Number>
  TextPart(Number number) : kind_{Kind::integer}, integer_{static_cast<long long>(number)} {}
  TextPart(double number) : kind_{Kind::real}, real_{number} {}

  [[gnu::cold]] void append_to(std::string& out) const {
    if (kind_ == Kind::literal) out += literal_;
    if (kind_ == Kind::text) out += text_;
    if (kind_ == Kind::integer) out += std::to_string(integer_);
    if (kind_ == Kind::real) {  // the shortest text that reads back as the same number, in every locale
      char digits[32];
      out.append(digits, std::to_chars(digits, digits + sizeof digits, real_).ptr);
    }
  }

 private:
  enum class Kind { literal, text, integer, real } kind_;
  union {
    const char* literal_;
    std::string_view text_;
    long long integer_;
    double real_;
  };
};

[[gnu::cold, gnu::noinline]] inline std::string join(std::initializer_list<TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) part.append_to(text);
  return text;
}

/// Whether values can be parts of an error's text.
template <class... Parts>
concept TextParts = (std::is_constructible_v<TextPart, const Parts&> && ...);

}  // namespace detail

/// Base of everything that Tarn throws. A message reads: where, what was received, what was expected, the remedy if known.
/// It is given in parts, texts and numbers: `throw ShapeError("Dense: units is ", units, ", expected at least 1")`.
class Error : public std::runtime_error {
 public:
  template <class... Parts>
    requires detail::TextParts<Parts...>
  explicit Error(const Parts&... parts) : Error{List{parts...}} {}

 protected:
  using List = std::initializer_list<detail::TextPart>;
  [[gnu::cold, gnu::noinline]] explicit Error(List parts) : std::runtime_error{detail::join(parts)} {}
};

/// Shapes that do not fit together.
class ShapeError : public Error {
 public:
  template <class... Parts>
    requires detail::TextParts<Parts...>
  [[gnu::always_inline]] explicit ShapeError(const Parts&... parts) : Error{List{parts...}} {}
};

/// A value outside its range, an unknown name.
class ArgumentError : public Error {
 public:
  template <class... Parts>
    requires detail::TextParts<Parts...>
  [[gnu::always_inline]] explicit ArgumentError(const Parts&... parts) : Error{List{parts...}} {}
};

/// An operation that the present state does not allow: a non-finite loss, scratch memory that was not reserved.
class StateError : public Error {
 public:
  template <class... Parts>
    requires detail::TextParts<Parts...>
  [[gnu::always_inline]] explicit StateError(const Parts&... parts) : Error{List{parts...}} {}
};

/// Files: missing, unreadable, broken. The message names the file and, where there is one, the offset.
class IoError : public Error {
 public:
  template <class... Parts>
    requires detail::TextParts<Parts...>
  [[gnu::always_inline]] explicit IoError(const Parts&... parts) : Error{List{parts...}} {}
};

/// A device or an instruction set that this machine does not have.
class DeviceError : public Error {
 public:
  template <class... Parts>
    requires detail::TextParts<Parts...>
  [[gnu::always_inline]] explicit DeviceError(const Parts&... parts) : Error{List{parts...}} {}
};

}  // namespace tarn
