// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tarn/data/bytes.hpp>
#include <tarn/data/dataset.hpp>
#include <tarn/data/errors.hpp>
#include <tarn/data/file_reader.hpp>

namespace tarn::data {

struct IdxOptions {
  int min_rank = 1, max_rank = 4;        ///< how many extents the file may have, 1 to 4
  Shape extents{};                       ///< those of one sample, as in [28, 28]; rank 0: any
  bool channel = false;                  ///< images [n, h, w] become [n, h, w, 1]
  std::optional<std::uint32_t> crc32{};  ///< CRC-32 of the uncompressed file, checked if given
};

struct IdxPairOptions {
  int classes = 10;                                   ///< labels are 0 to classes - 1; 1 to 256
  double scale = 1;                                   ///< pixels are seen as scale * byte
  IdxOptions images{.min_rank = 2, .channel = true};  ///< [n, features], [n, h, w] or [n, h, w, c]
  IdxOptions labels{.max_rank = 1};                   ///< [n]
};

namespace detail {

template <class T>
struct IdxContent {
  Tensor<T> values;
  bool compressed = false;
};

/// The third byte of the magic number.
template <SampleValue T>
inline constexpr std::uint8_t idx_type = std::is_same_v<T, std::uint8_t>   ? 0x08
                                         : std::is_same_v<T, std::int32_t> ? 0x0c
                                         : std::is_same_v<T, float>        ? 0x0d
                                                                           : 0x0e;

/// The error for a file that opens with `magic`: the text that it is, if it is one, else the number.
inline IoError unknown_magic(FileReader& file, const IdxLocation& start, const Magic& magic, const IdxExpectation& expected) {
  std::string opening(magic.begin(), magic.end());
  std::array<std::uint8_t, 60> more{};
  opening.append(more.begin(), more.begin() + file.read(more.data(), static_cast<Index>(more.size())));
  if (opening.starts_with("\xef\xbb\xbf")) opening.erase(0, 3);  // byte order mark of UTF-8
  opening.erase(0, opening.find_first_not_of(" \t\r\n"));
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  const auto end = std::find_if_not(opening.begin(), opening.end(), printable);
  const auto length = end - opening.begin();
  const bool html = length >= 4 && opening[0] == '<';
  const bool text =
      html || (length > 0 && end == opening.end()) || (length >= 4 && (*end == '\n' || *end == '\r' || *end == '\t'));
  if (!text) return idx_wrong_magic(start, magic, expected);
  opening.erase(end, opening.end());
  return idx_text(start, html, opening.substr(0, 24), expected);
}

/// Reads the header of a file whose values take `bytes` each: the shape that it claims. Throws IoError as `read_idx` says.
inline Shape read_idx_header(FileReader& file, const Path& path, const IdxOptions& options, std::uint8_t type, Index bytes) {
  const IdxExpectation expected{type, options.min_rank, options.max_rank};
  const auto at = [&](Index offset) { return IdxLocation{path, file.compressed(), offset}; };
  Magic magic{};
  const Index got = file.read(magic.data(), 4);
  if (got == 0) throw idx_empty(at(0), expected);
  if (got < 4) throw idx_short_header(at(got), 4 + 4 * options.min_rank);
  const int rank = magic[3];
  if (magic[0] != 0 || magic[1] != 0 || magic[2] != type || rank < options.min_rank || rank > options.max_rank)
    throw unknown_magic(file, at(0), magic, expected);

  std::vector<Index> extents;
  for (int axis = 0; axis < rank; ++axis) {
    std::array<std::uint8_t, 4> four{};
    if (file.read(four.data(), 4) < 4) throw idx_short_header(at(file.offset()), 4 + 4 * rank);
    const auto extent = load<std::uint32_t>(four.data(), std::endian::big);
    if (extent == 0) throw idx_zero_extent(at(4 + 4 * axis));
    extents.push_back(static_cast<Index>(extent));
  }
  const Index most = std::numeric_limits<Index>::max() / bytes;
  Index size = 1;
  for (Index extent : extents) {
    if (size > most / extent) throw idx_overflow(at(4), extents, most);
    size *= extent;
  }
  Shape shape;
  for (Index extent : extents) shape.push_back(extent);
  if (options.extents.rank() > 0 && shape.without_first() != options.extents)
    throw idx_wrong_extents(at(8), shape.without_first(), options.extents);
  return shape;
}

/// Reads the rest of the file into a tensor of `shape`, of which the header's claim is `claim`. Memory follows the bytes that are
/// there: at first at most 8 for one of the file (MNIST needs 5), then twice what has been read, never what a header only claims.
template <class T>
Tensor<T> read_idx_values(FileReader& file, const Path& path, const Shape& claim, const Shape& shape) {
  constexpr Index width = sizeof(T);
  const Index header = file.offset(), count = shape.size(), on_disk = file.file_size() - header;
  const auto at = [&](Index bytes) { return IdxLocation{path, file.compressed(), header + bytes}; };
  if (!file.compressed() && on_disk / width < count) throw idx_too_short(at(on_disk), on_disk / width, claim);

  const auto allocate = [&](Index size) { return Tensor<T>{size < count ? Shape{size} : shape}; };
  Tensor<T> values = allocate(std::max<Index>(1024, 8 * file.file_size() / width));
  Index filled = 0;
  while (true) {
    auto* bytes = reinterpret_cast<std::uint8_t*>(values.data());
    const Index got = filled * width + file.read(bytes + filled * width, (values.size() - filled) * width);
    filled = got / width;
    if (filled < values.size()) throw idx_too_short(at(got), filled, claim);
    if (filled == count) break;
    Tensor<T> larger = allocate(filled > count / 2 ? count : 2 * filled);
    std::copy_n(values.data(), filled, larger.data());
    values = std::move(larger);
  }
  std::uint8_t more = 0;
  if (file.read(&more, 1) > 0) throw idx_too_long(at(count * width), claim);
  reorder(values.data(), count, std::endian::big);
  return values;
}

template <class T>
IdxContent<T> read_idx_content(const Path& path, const IdxOptions& options) {
  if (options.min_rank < 1 || options.max_rank > 4 || options.min_rank > options.max_rank)
    throw ArgumentError("read_idx: ranks ", options.min_rank, " to ", options.max_rank, ", expected a range within 1 to 4");
  FileReader file{path};
  const Shape claim = read_idx_header(file, path, options, idx_type<T>, sizeof(T));
  Shape shape = claim;
  if (options.channel && shape.rank() == 3) shape.push_back(1);
  IdxContent<T> content{read_idx_values<T>(file, path, claim, shape), file.compressed()};
  if (options.crc32 && file.crc32() != *options.crc32) throw idx_wrong_sum(path, file.crc32(), *options.crc32);
  return content;
}

}  // namespace detail

/// Reads an IDX file, plain or gzip: which one is told by the content, never by the name. T is what the file must hold: uint8
/// (unless said otherwise), int32, float or double, as in `read_idx<float>(path)`; nothing is converted.
/// The format: magic number 00 00 type rank (type 08 for uint8, 0c int32, 0d float, 0e double), then `rank` extents of 4 bytes, then
/// the values in row-major order, each number with its most significant byte first
/// (https://www.fon.hum.uva.nl/praat/manual/IDX_file_format.html, which gives Y. LeCun's definition).
/// Nothing is taken on trust: throws IoError, with file, offset, what was found and what was expected, for a file that is
/// missing, unreadable, empty, text or HTML, shorter or longer than its header says, of another type, rank or extents than asked
/// for, with an extent of 0 or too many values, and for gzip that is damaged, cut off or followed by anything else. Throws
/// ArgumentError for ranks outside 1 to 4.
template <SampleValue T = std::uint8_t>
Tensor<T> read_idx(const std::filesystem::path& path, const IdxOptions& options = {}) {
  return detail::read_idx_content<T>(path, options).values;
}

/// Reads images and their labels, as uint8: inputs [n, h, w, 1], [n, h, w, c] or [n, features], targets [n].
/// Throws IoError as `read_idx`, for labels outside 0 .. classes - 1 and for counts that differ; ArgumentError for `classes`
/// outside 1 to 256.
inline Dataset read_idx_pair(const std::filesystem::path& images, const std::filesystem::path& labels,
                             const IdxPairOptions& options = {}) {
  if (options.classes < 1 || options.classes > 256)
    throw ArgumentError("read_idx_pair: ", options.classes, " classes, expected 1 to 256");
  detail::IdxContent inputs = detail::read_idx_content<std::uint8_t>(images, options.images);
  detail::IdxContent targets = detail::read_idx_content<std::uint8_t>(labels, options.labels);
  const Index header = 4 + 4 * targets.values.shape().rank();
  for (Index i = 0; i < targets.values.size(); ++i)
    if (targets.values[i] >= options.classes)
      throw detail::idx_wrong_label({labels, targets.compressed, header + i}, targets.values[i], options.classes);
  const Index image_count = inputs.values.shape()[0], label_count = targets.values.shape()[0];
  if (image_count != label_count) throw detail::idx_wrong_counts(images, image_count, labels, label_count);
  return {Samples{std::move(inputs.values)}.scaled(options.scale), std::move(targets.values)};
}

}  // namespace tarn::data
