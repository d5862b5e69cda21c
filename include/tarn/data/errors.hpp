// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <tarn/core/shape.hpp>

/// The error texts of files, gzip, IDX and named sets, each built by one function here and asserted word for word in tests/data.
/// A text that opens with "gzip file" counts bytes of the compressed file, one with "IDX file" bytes of what it holds.
namespace tarn::data::detail {

using tarn::detail::join;

using Path = std::filesystem::path;
using Magic = std::array<std::uint8_t, 4>;

inline std::string quoted(const Path& path) { return join({"\"", path.string(), "\""}); }

[[gnu::cold]] inline std::string hex(std::uint32_t value, int digits) {
  std::string text;
  for (int digit = digits - 1; digit >= 0; --digit) text += "0123456789abcdef"[value >> (4 * digit) & 15U];
  return text;
}

[[gnu::cold]] inline std::string hex(const Magic& bytes) {
  return join({hex(bytes[0], 2), " ", hex(bytes[1], 2), " ", hex(bytes[2], 2), " ", hex(bytes[3], 2)});
}

// ---- the file itself --------------------------------------------------------------------------------------------------------

[[gnu::cold]] inline IoError file_not_found(const Path& path) { return IoError("file ", quoted(path), ": not found"); }
[[gnu::cold]] inline IoError file_is_folder(const Path& path) {
  return IoError("file ", quoted(path), ": found a folder, expected a file");
}
[[gnu::cold]] inline IoError file_is_special(const Path& path) {
  return IoError("file ", quoted(path), ": found a pipe, a socket or a device, expected a regular file");
}
[[gnu::cold]] inline IoError file_not_opened(const Path& path, const std::error_code& reason) {
  return IoError("file ", quoted(path), ": cannot be opened (", reason.message(), ")");
}
[[gnu::cold]] inline IoError file_not_read(const Path& path, Index offset, const std::error_code& reason) {
  return IoError("file ", quoted(path), ", byte ", offset, ": cannot be read (", reason.message(), ")");
}
[[gnu::cold]] inline IoError file_not_written(const Path& path, const std::error_code& reason) {
  return IoError("file ", quoted(path), ": cannot be written (", reason.message(), ")");
}

// ---- gzip -------------------------------------------------------------------------------------------------------------------

[[gnu::cold]] inline std::string at_gzip(const Path& path, Index offset) {
  return join({"gzip file ", quoted(path), ", byte ", offset});
}
[[gnu::cold]] inline IoError gzip_truncated(const Path& path, Index offset) {
  return IoError(at_gzip(path, offset), ": found the end of the file, expected more compressed data (fetch the file again)");
}
[[gnu::cold]] inline IoError gzip_damaged(const Path& path, Index offset, const char* zlib_message) {
  return IoError(at_gzip(path, offset), ": found damaged data (", (zlib_message ? zlib_message : "no reason given"),
                 "), expected gzip (fetch the file again)");
}
[[gnu::cold]] inline IoError gzip_trailing(const Path& path, Index offset, Index count) {
  return IoError(at_gzip(path, offset), ": found ", count, (count == 1 ? " byte" : " bytes"),
                 " after the compressed data, expected the end of the file");
}

// ---- IDX --------------------------------------------------------------------------------------------------------------------

/// A byte of an IDX file; of what was compressed, where the file is gzip.
struct IdxLocation {
  const Path& path;
  bool compressed;
  Index offset;
};

[[gnu::cold]] inline std::string at_idx(const IdxLocation& at) {
  return join({"IDX file ", quoted(at.path), ", byte ", at.offset, at.compressed ? " uncompressed" : ""});
}
/// The type that the third byte of a magic number stands for; empty for another byte.
[[gnu::cold]] inline const char* idx_type_name(std::uint8_t code) {
  switch (code) {
    case 0x08: return "unsigned bytes";
    case 0x09: return "signed bytes";
    case 0x0b: return "16-bit integers";
    case 0x0c: return "32-bit integers";
    case 0x0d: return "32-bit floats";
    case 0x0e: return "64-bit floats";
    default: return "";
  }
}
/// What is asked of a magic number.
struct IdxExpectation {
  std::uint8_t type;
  int min_rank, max_rank;
};
[[gnu::cold]] inline std::string expected_magic(const IdxExpectation& expected) {
  const auto magic = [&](int rank) { return hex(Magic{0, 0, expected.type, static_cast<std::uint8_t>(rank)}); };
  const bool range = expected.max_rank > expected.min_rank;
  return join({"expected the magic number ", magic(expected.min_rank), range ? " to " : "", range ? magic(expected.max_rank) : "",
               " (", idx_type_name(expected.type), ")"});
}
/// What a wrong magic number may mean, in parentheses; empty if that is unknown.
[[gnu::cold]] inline std::string meaning_of(const Magic& magic) {
  if (magic[0] == 0x1f && magic[1] == 0x8b) return " (gzip within gzip)";
  if (magic[0] == 'P' && magic[1] == 'K') return " (a zip archive)";
  if (magic[0] == 0 && magic[1] == 0 && *idx_type_name(magic[2]))
    return join({" (", idx_type_name(magic[2]), ", rank ", magic[3], ")"});
  if (magic[3] == 0 && magic[2] == 0 && *idx_type_name(magic[1])) return " (byte order reversed)";
  return "";
}
[[gnu::cold]] inline IoError idx_empty(const IdxLocation& at, const IdxExpectation& expected) {
  return IoError(at_idx(at), ": found an empty file, ", expected_magic(expected));
}
[[gnu::cold]] inline IoError idx_text(const IdxLocation& at, bool html, const std::string& opening,
                                      const IdxExpectation& expected) {
  return IoError(at_idx(at), ": found \"", opening, "\", which looks like ", (html ? "an HTML page" : "text"), ", ",
                 expected_magic(expected), "; fetch the file again");
}
[[gnu::cold]] inline IoError idx_wrong_magic(const IdxLocation& at, const Magic& magic, const IdxExpectation& expected) {
  return IoError(at_idx(at), ": found ", hex(magic), meaning_of(magic), ", ", expected_magic(expected));
}
[[gnu::cold]] inline IoError idx_short_header(const IdxLocation& at, Index header) {
  return IoError(at_idx(at), ": found the end of the file, expected a header of ", header, " bytes");
}
[[gnu::cold]] inline IoError idx_zero_extent(const IdxLocation& at) {
  return IoError(at_idx(at), ": found extent 0, expected 1 or more");
}
[[gnu::cold]] inline IoError idx_wrong_extents(const IdxLocation& at, const Shape& found, const Shape& expected) {
  return IoError(at_idx(at), ": found samples of shape ", found.to_string(), ", expected ", expected.to_string());
}
[[gnu::cold]] inline IoError idx_overflow(const IdxLocation& at, const std::vector<Index>& extents, Index most) {
  std::string text;
  for (Index extent : extents) text += join({text.empty() ? "" : ", ", extent});
  return IoError(at_idx(at), ": found extents [", text, "], expected at most ", most, " values");
}
[[gnu::cold]] inline IoError idx_too_short(const IdxLocation& at, Index found, const Shape& expected) {
  return IoError(at_idx(at), ": found the end of the file after ", found, " values, expected ", expected.size(),
                 " (the header says ", expected.to_string(), ")");
}
[[gnu::cold]] inline IoError idx_too_long(const IdxLocation& at, const Shape& expected) {
  return IoError(at_idx(at), ": found more values, expected the end of the file after ", expected.size(), " (the header says ",
                 expected.to_string(), ")");
}
[[gnu::cold]] inline IoError idx_wrong_sum(const Path& path, std::uint32_t found, std::uint32_t expected) {
  return IoError("IDX file ", quoted(path), ": found CRC-32 ", hex(found, 8), " (uncompressed), expected ", hex(expected, 8),
                 "; this is another file or a changed one, fetch it again");
}
[[gnu::cold]] inline IoError idx_wrong_label(const IdxLocation& at, int label, int classes) {
  return IoError(at_idx(at), ": found label ", label, ", expected 0 to ", classes - 1);
}
[[gnu::cold]] inline IoError idx_wrong_counts(const Path& images, Index image_count, const Path& labels, Index label_count) {
  return IoError("IDX files ", quoted(images), " and ", quoted(labels), ": found ", image_count, " images and ", label_count,
                 " labels, expected equal counts (byte 4 of each)");
}

// ---- sets that have a name --------------------------------------------------------------------------------------------------

[[gnu::cold]] inline IoError set_folder_not_found(const std::string& set, const Path& folder) {
  return IoError(set, ": folder ", quoted(folder), ": not found");
}
[[gnu::cold]] inline IoError set_folder_is_file(const std::string& set, const Path& folder) {
  return IoError(set, ": folder ", quoted(folder), ": found a file, expected the folder that holds the set's files");
}
[[gnu::cold]] inline IoError set_incomplete(const std::string& set, const Path& folder, const std::vector<std::string>& missing) {
  std::string text;
  for (const std::string& name : missing) text += join({text.empty() ? "" : ", ", name});
  return IoError(set, ": folder ", quoted(folder), " lacks ", text, " (plain or with .gz)");
}
[[gnu::cold]] inline IoError set_not_found(const std::string& set, const std::string& subfolder,
                                           const std::vector<std::string>& places, const std::string& remedy) {
  std::string text = join({set, ": not found; searched, each with its sub-folder ", subfolder, ":"});
  for (const std::string& place : places) text += join({"\n  ", place});
  return IoError(text, "\nName the folder that holds the files by the option folder or by TARN_DATA_DIR. ", remedy);
}

}  // namespace tarn::data::detail
