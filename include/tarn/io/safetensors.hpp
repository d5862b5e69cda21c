// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tarn/core/tensor.hpp>
#include <tarn/data/atomic_file.hpp>
#include <tarn/data/bytes.hpp>
#include <tarn/io/element_type.hpp>
#include <tarn/io/safetensors_header.hpp>

/// safetensors, an open format for named tensors: 8 bytes with the header's length N, least significant first; N bytes of JSON,
/// {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..., "__metadata__": {"key": "text"}}; then the
/// elements, row-major, least significant byte first, without gaps. Source: README.md and safetensors/src/tensor.rs of
/// https://github.com/huggingface/safetensors.
namespace tarn::io {

/// Texts by key, kept beside the tensors.
using Metadata = std::map<std::string, std::string>;

/// A tensor that somebody else owns, with the name that it is stored by.
class NamedTensor {
 public:
  template <class T>
    requires(StorableElement<std::remove_const_t<T>>)
  NamedTensor(std::string name, const TensorView<T, Cpu>& values)
      : name_{std::move(name)},
        type_{element_type_of<std::remove_const_t<T>>()},
        shape_{values.shape()},
        bytes_{reinterpret_cast<const std::uint8_t*>(values.data())} {}
  template <StorableElement T>
  NamedTensor(std::string name, const Tensor<T, Cpu>& values) : NamedTensor{std::move(name), values.view()} {}
  template <StorableElement T>
  NamedTensor(std::string name, const Tensor<T, Cpu>&& values) = delete;  // its elements would be gone before they are written

  const std::string& name() const { return name_; }
  ElementType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  /// The elements in the machine's byte order.
  const std::uint8_t* bytes() const { return bytes_; }
  Index byte_count() const { return shape_.size() * size_of(type_); }

 private:
  std::string name_;
  ElementType type_;
  Shape shape_;
  const std::uint8_t* bytes_;
};

/// What a safetensors file holds: names, types and shapes by `entries`, elements by `tensor`.
class Safetensors {
 public:
  using Entry = detail::SafetensorsEntry;

  Safetensors(std::filesystem::path path, std::string bytes) : path_{std::move(path)}, bytes_{std::move(bytes)} {
    detail::SafetensorsHeader header = detail::read_header(path_, bytes_);
    entries_ = std::move(header.entries);
    metadata_ = std::move(header.metadata);
    start_ = header.data_start;
  }

  const std::filesystem::path& path() const { return path_; }
  /// In the order in which their elements stand in the file.
  const std::vector<Entry>& entries() const { return entries_; }
  const Metadata& metadata() const { return metadata_; }
  /// Null where there is no tensor of this name.
  const Entry* find(const std::string& name) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.name == name; });
    return found == entries_.end() ? nullptr : &*found;
  }

  /// A tensor by name. float and double take F16, BF16, F32 and F64, rounded to nearest; any other T takes its own type alone.
  /// Throws ArgumentError for a name that the file does not have, and IoError for another type, for a finite number beyond T and for
  /// a bool that is neither 0 nor 1.
  template <StorableElement T>
  Tensor<T> tensor(const std::string& name) const {
    const Entry* entry = find(name);
    if (!entry) throw ArgumentError("safetensors file ", data::detail::quoted(path_), ": no tensor \"", name, "\"");
    Tensor<T> result{entry->shape};
    copy(*entry, result.view());
    return result;
  }
  /// The same into memory of the entry's size.
  template <StorableElement T>
  void copy(const Entry& entry, const TensorView<T, Cpu>& to) const {
    if (to.size() != entry.shape.size())
      throw ShapeError(where(entry), " is ", entry.shape.to_string(), ", expected ", to.shape().to_string());
    if constexpr (std::is_floating_point_v<T>) {
      if (entry.type == ElementType::f64) return copy_as<double>(entry, to);
      if (entry.type == ElementType::f32) return copy_as<float>(entry, to);
      if (entry.type == ElementType::f16) return copy_halves(entry, to, detail::half_to_float);
      if (entry.type == ElementType::bf16) return copy_halves(entry, to, detail::bfloat_to_float);
      throw IoError(where(entry), " is ", name_of(entry.type), ", expected F16, BF16, F32 or F64");
    } else {
      if (entry.type != element_type_of<T>())
        throw IoError(where(entry), " is ", name_of(entry.type), ", expected ", name_of(element_type_of<T>()));
      copy_as<T>(entry, to);
    }
  }

 private:
  const std::uint8_t* elements(const Entry& entry) const {
    return reinterpret_cast<const std::uint8_t*>(bytes_.data()) + start_ + entry.begin;
  }
  std::string where(const Entry& entry) const {
    return tarn::detail::join({"safetensors file ", data::detail::quoted(path_), ": tensor \"", entry.name, "\""});
  }

  template <class Stored, class T>
  void copy_as(const Entry& entry, const TensorView<T, Cpu>& to) const {
    const std::uint8_t* from = elements(entry);
    for (Index i = 0; i < to.size(); ++i, from += sizeof(Stored)) {
      if constexpr (std::is_same_v<Stored, bool>) {
        if (*from > 1) throw IoError(where(entry), ", element ", i, " is ", *from, ", expected 0 or 1");
        to[i] = *from == 1;
      } else {
        const auto value = data::detail::load<Stored>(from, std::endian::little);
        if constexpr (sizeof(Stored) > sizeof(T))
          if (std::isfinite(value) && std::abs(value) > std::numeric_limits<T>::max())
            throw IoError(where(entry), ", element ", i, " is ", value, ", expected at most ",
                          static_cast<double>(std::numeric_limits<T>::max()), " in magnitude");
        to[i] = static_cast<T>(value);
      }
    }
  }
  template <class T>
  void copy_halves(const Entry& entry, const TensorView<T, Cpu>& to, float (*convert)(std::uint16_t)) const {
    const std::uint8_t* from = elements(entry);
    for (Index i = 0; i < to.size(); ++i, from += 2)
      to[i] = convert(data::detail::load<std::uint16_t>(from, std::endian::little));
  }

  std::filesystem::path path_;
  std::string bytes_;  // the whole file
  std::vector<Entry> entries_;
  Metadata metadata_;
  Index start_ = 0;  // of the elements
};

/// Reads a safetensors file whole. Nothing is taken on trust: throws IoError, with file, tensor and byte, for a file that is missing,
/// unreadable or cut off, a header above 100 MB, one that is not JSON in the form above or names a key twice, an element type that is
/// not one of `ElementType`, more than 6 extents, sizes that overflow or contradict the offsets, and for offsets that leave a gap,
/// overlap, or do not end where the file does.
inline Safetensors read_safetensors(const std::filesystem::path& path) { return {path, data::detail::read_all(path)}; }

/// Writes a safetensors file, which appears whole or not at all, over one that was there. Tensors stand in the order of the Python
/// package (wide elements first, then by name), so the same tensors give the same bytes whatever their order here.
/// Throws ArgumentError for a name that comes twice, is "__metadata__" or is not UTF-8, and for a header above 100 MB; IoError where
/// the file cannot be written.
inline void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                              const Metadata& metadata = {}) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return a.type() != b.type() ? a.type() > b.type() : a.name() < b.name();
  });
  std::vector<detail::SafetensorsEntry> entries;
  Index offset = 0;
  for (const NamedTensor& tensor : tensors) {
    if (tensor.byte_count() > std::numeric_limits<Index>::max() - offset)
      throw ArgumentError("write_safetensors: more bytes than an offset can tell");
    entries.push_back({tensor.name(), tensor.type(), tensor.shape(), offset, offset + tensor.byte_count()});
    offset += tensor.byte_count();
  }
  const std::string header = detail::make_header(entries, metadata);

  data::detail::AtomicFile file{path};
  std::uint8_t length[8];
  data::detail::store(static_cast<std::uint64_t>(header.size()), length, std::endian::little);
  file.write(length, 8);
  file.write(header.data(), static_cast<Index>(header.size()));
  for (const NamedTensor& tensor : tensors) {
    if (std::endian::native == std::endian::little || size_of(tensor.type()) == 1) {
      file.write(tensor.bytes(), tensor.byte_count());
      continue;
    }
    std::vector<std::uint8_t> bytes(tensor.bytes(), tensor.bytes() + tensor.byte_count());
    for (auto at = bytes.begin(); at != bytes.end(); at += size_of(tensor.type())) std::reverse(at, at + size_of(tensor.type()));
    file.write(bytes.data(), tensor.byte_count());
  }
  file.commit();
}

}  // namespace tarn::io
