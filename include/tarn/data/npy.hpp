// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tarn/data/atomic_file.hpp>
#include <tarn/data/bytes.hpp>
#include <tarn/data/dataset.hpp>
#include <tarn/data/input_file.hpp>

namespace tarn::data {

/// What an NPY file can hold here.
template <class T>
concept NpyValue = SampleValue<T> || std::same_as<T, std::int64_t> || std::same_as<T, bool>;

namespace detail {

template <NpyValue T>
inline constexpr std::string_view npy_type = std::is_same_v<T, bool>           ? "|b1"
                                             : std::is_same_v<T, std::uint8_t> ? "|u1"
                                             : std::is_same_v<T, std::int32_t> ? "<i4"
                                             : std::is_same_v<T, std::int64_t> ? "<i8"
                                             : std::is_same_v<T, float>        ? "<f4"
                                                                               : "<f8";

inline constexpr std::string_view npy_magic{"\x93NUMPY", 6};

/// Reads the header's text, a Python dictionary such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }.
class NpyHeader {
 public:
  NpyHeader(const Path& path, std::string_view text, Index start) : path_{path}, text_{text}, start_{start} {
    take('{');
    while (!at('}')) {
      const std::string_view key = string();
      take(':');
      if (key == "descr" && type.empty())
        type = string();
      else if (key == "fortran_order" && !order_)
        order_ = true, fortran = boolean();
      else if (key == "shape" && !shape_)
        shape_ = true, extents();
      else
        refuse();
      if (!at('}')) take(',');
    }
    take('}');
    skip();
    if (position_ < text_.size() || type.empty() || !order_ || !shape_) refuse();
  }

  std::string type;
  bool fortran = false;
  Shape shape;

 private:
  [[noreturn]] void refuse() const {
    throw IoError("NPY file ", quoted(path_), ", byte ", start_ + static_cast<Index>(position_),
                  ": found another header than {'descr': ..., 'fortran_order': ..., 'shape': ...}, of a type that is no record");
  }
  void skip() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
  }
  bool at(char character) {
    skip();
    return position_ < text_.size() && text_[position_] == character;
  }
  void take(char character) {
    if (!at(character)) refuse();
    ++position_;
  }
  std::string_view string() {
    const char quote = at('"') ? '"' : '\'';
    take(quote);
    const std::size_t end = text_.find(quote, position_);
    if (end == std::string_view::npos) refuse();
    const std::string_view found = text_.substr(position_, end - position_);
    position_ = end + 1;
    return found;
  }
  bool boolean() {
    skip();
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(position_).starts_with(word)) {
        position_ += word.size();
        return word == "True";
      }
    refuse();
  }
  void extents() {
    take('(');
    while (!at(')')) {
      Index extent = -1;
      const char* first = text_.data() + position_;
      const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), extent);
      if (error != std::errc{} || extent < 0) refuse();
      position_ += static_cast<std::size_t>(end - first);
      if (at('L')) take('L');  // a long of Python 2
      if (shape.rank() == Shape::max_rank || (extent > 0 && shape.size() > std::numeric_limits<Index>::max() / 8 / extent))
        throw IoError("NPY file ", quoted(path_), ": found extents [", tuple(), "], expected at most ", Shape::max_rank,
                      " of them and ", std::numeric_limits<Index>::max() / 8, " values");
      shape.push_back(extent);
      if (!at(')')) take(',');
    }
    take(')');
  }
  std::string_view tuple() const {
    const std::size_t start = text_.find('(') + 1;
    return text_.substr(start, text_.find(')', start) - start);
  }

  const Path& path_;
  std::string_view text_;
  Index start_;
  std::size_t position_ = 0;
  bool order_ = false, shape_ = false;
};

/// An NPY file whose header has been read and checked.
class NpyFile {
 public:
  explicit NpyFile(const Path& path) : file_{path} {
    std::array<std::uint8_t, 12> start{};
    const Index got = file_.read(start.data(), 8);
    const std::string_view magic{reinterpret_cast<const char*>(start.data()), 6};
    if (got < 8 || magic != npy_magic)
      throw IoError(where(), ", byte 0: found ", got < 6 ? "the end of the file" : "another magic number",
                    ", expected 93 4e 55 4d 50 59 (\\x93NUMPY)");
    if (start[6] < 1 || start[6] > 3 || start[7] != 0)
      throw IoError(where(), ", byte 6: found version ", start[6], ".", start[7], ", expected 1.0, 2.0 or 3.0");
    const Index width = start[6] == 1 ? 2 : 4;
    if (file_.read(start.data() + 8, width) < width) throw cut_off();
    const Index length = width == 2 ? Index{load<std::uint16_t>(start.data() + 8, std::endian::little)}
                                    : Index{load<std::uint32_t>(start.data() + 8, std::endian::little)};
    if (length > file_.size() - file_.taken()) throw cut_off();
    const Index first = file_.taken();
    std::string text(static_cast<std::size_t>(length), '\0');
    if (file_.read(text.data(), length) < length) throw cut_off();
    const NpyHeader header{path, text, first};
    type_ = header.type == "<u1" ? "|u1" : header.type == "<b1" ? "|b1" : header.type;
    shape_ = header.shape;
    constexpr std::array<std::string_view, 6> known{"|b1", "|u1", "<i4", "<i8", "<f4", "<f8"};
    if (std::find(known.begin(), known.end(), type_) == known.end())
      throw IoError(where(), ": found the type '", type_, "', expected |b1, |u1, <i4, <i8, <f4 or <f8 (in NumPy: array.astype)");
    if (header.fortran) throw IoError(where(), ": found Fortran order, expected C order (in NumPy: numpy.ascontiguousarray)");
    const Index bytes = shape_.size() * (type_[2] - '0'), there = file_.size() - file_.taken();
    if (bytes != there)
      throw IoError(where(), ", byte ", file_.taken(), ": found ", there, " bytes of values, expected ", bytes,
                    " (the header says ", type_, " ", shape_.to_string(), ")");
  }

  const std::string& type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::string where() const { return join({"NPY file ", quoted(file_.path())}); }

  template <NpyValue T>
  Tensor<T> values() {
    if (type_ != npy_type<T>) throw IoError(where(), ": found the type '", type_, "', expected '", npy_type<T>, "'");
    const Index first = file_.taken();
    if constexpr (std::is_same_v<T, bool>) {
      Tensor<std::uint8_t> bytes{shape_};
      if (file_.read(bytes.data(), bytes.size()) < bytes.size()) throw cut_off();
      Tensor<bool> flags{shape_};
      for (Index i = 0; i < bytes.size(); ++i) {
        if (bytes[i] > 1) throw IoError(where(), ", byte ", first + i, ": found ", bytes[i], ", expected 0 or 1");
        flags[i] = bytes[i] == 1;
      }
      return flags;
    } else {
      Tensor<T> values{shape_};
      const Index bytes = values.size() * static_cast<Index>(sizeof(T));
      if (file_.read(values.data(), bytes) < bytes) throw cut_off();
      reorder(values.data(), values.size(), std::endian::little);
      return values;
    }
  }

 private:
  IoError cut_off() const { return IoError(where(), ", byte ", file_.taken(), ": found the end of the file (fetch it again)"); }

  InputFile file_;
  std::string type_;
  Shape shape_;
};

}  // namespace detail

/// Reads an array that NumPy saved, as `read_npy<float>(path)`: T is bool, uint8, int32, int64, float or double, and what the file
/// must hold; nothing is converted. Format 1.0, 2.0 or 3.0, little-endian, C order.
/// Nothing is taken on trust: throws IoError, with file, what was found and what was expected, for a file that is missing, unreadable,
/// cut off or too long, another header, another type, Fortran order, more than 6 extents, and a bool that is neither 0 nor 1.
/// Source: the definition in NumPy's documentation, numpy.lib.format.
template <NpyValue T>
Tensor<T> read_npy(const std::filesystem::path& path) {
  return detail::NpyFile{path}.values<T>();
}

/// The same for samples, in the type that the file has: int64 becomes int32 and bool uint8. Throws IoError also for a scalar, and for
/// a number beyond int32.
inline Samples read_npy_samples(const std::filesystem::path& path) {
  detail::NpyFile file{path};
  if (file.shape().rank() == 0) throw IoError(file.where(), ": found a scalar, expected samples along the first extent");
  if (file.type() == "|u1") return file.values<std::uint8_t>();
  if (file.type() == "<i4") return file.values<std::int32_t>();
  if (file.type() == "<f4") return file.values<float>();
  if (file.type() == "<f8") return file.values<double>();
  if (file.type() == "|b1") {
    const Tensor<bool> flags = file.values<bool>();
    Tensor<std::uint8_t> bytes{flags.shape()};
    std::copy(flags.begin(), flags.end(), bytes.begin());
    return bytes;
  }
  const Tensor<std::int64_t> wide = file.values<std::int64_t>();
  Tensor<std::int32_t> narrow{wide.shape()};
  for (Index i = 0; i < wide.size(); ++i) {
    narrow[i] = static_cast<std::int32_t>(wide[i]);
    if (narrow[i] != wide[i]) throw IoError(file.where(), ", element ", i, ": found ", wide[i], ", expected a number of 32 bits");
  }
  return narrow;
}

/// Writes values for NumPy (`numpy.load`), in format 1.0. The file appears whole or not at all, over one that was there.
/// Throws IoError where it cannot be written.
template <class T>
  requires(NpyValue<std::remove_const_t<T>>)
void write_npy(const std::filesystem::path& path, const TensorView<T>& values) {
  using Value = std::remove_const_t<T>;
  static_assert(sizeof(bool) == 1);
  std::string header = detail::join({"{'descr': '", detail::npy_type<Value>, "', 'fortran_order': False, 'shape': ("});
  const int rank = values.shape().rank();
  for (int axis = 0; axis < rank; ++axis) header += (axis ? ", " : "") + std::to_string(values.shape()[axis]);
  header += rank == 1 ? ",), }" : "), }";
  constexpr std::size_t before = 10, block = 64;  // values start at a multiple of 64 bytes
  header.append(block - (before + header.size() + 1) % block, ' ');
  header += '\n';
  std::string start{detail::npy_magic};
  start += std::string{1, 0, 0, 0};  // version 1.0, and room for the header's length
  detail::store(static_cast<std::uint16_t>(header.size()), reinterpret_cast<std::uint8_t*>(start.data()) + 8,
                std::endian::little);

  detail::AtomicFile file{path};
  file.write(start.data(), static_cast<Index>(start.size()));
  file.write(header.data(), static_cast<Index>(header.size()));
  if constexpr (std::endian::native == std::endian::little || sizeof(Value) == 1) {
    file.write(values.data(), values.size() * static_cast<Index>(sizeof(Value)));
  } else {
    std::vector<std::remove_const_t<T>> copy(values.begin(), values.end());
    detail::reorder(copy.data(), values.size(), std::endian::little);
    file.write(copy.data(), values.size() * static_cast<Index>(sizeof(Value)));
  }
  file.commit();
}
template <NpyValue T>
void write_npy(const std::filesystem::path& path, const Tensor<T>& values) {
  write_npy(path, values.view());
}

}  // namespace tarn::data
