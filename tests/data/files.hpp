// SPDX-License-Identifier: MIT
#pragma once

// Files for the tests of the readers: made in a folder that goes with the test.

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <tarn/data.hpp>

#include "../catch.hpp"

namespace files {

namespace fs = std::filesystem;

/// A fresh folder, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    do path_ = fs::temp_directory_path() / ("tarn-test-" + std::to_string(random()));
    while (!fs::create_directory(path_));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }
  fs::path operator/(const fs::path& name) const { return path_ / name; }
  /// Writes a file of these bytes and returns its path; folders in `name` are made.
  fs::path write(const fs::path& name, const std::string& bytes) const {
    const fs::path file = path_ / name;
    fs::create_directories(file.parent_path());
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
    return file;
  }

 private:
  fs::path path_;
};

inline std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (int value : values) text += static_cast<char>(value);
  return text;
}

/// 4 bytes, the most significant first.
inline std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255U);
  return text;
}

inline std::string idx_header(const std::vector<std::uint32_t>& extents) {
  std::string text = bytes({0, 0, 8, static_cast<int>(extents.size())});
  for (std::uint32_t extent : extents) text += big_endian(extent);
  return text;
}

/// A sound IDX file with the values 0, 1, 2, ... 250, 0, ...
inline std::string idx(const std::vector<std::uint32_t>& extents) {
  std::string text = idx_header(extents);
  std::size_t size = 1;
  for (std::uint32_t extent : extents) size *= extent;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i % 251);
  return text;
}

/// One gzip member that holds `content`.
inline std::string gzip(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc{};
  std::string source = content, result(deflateBound(&stream, static_cast<uLong>(content.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(source.data());
  stream.avail_in = static_cast<uInt>(source.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  const int status = deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("gzip: deflate failed");
  return result;
}

/// A path as errors name it.
inline std::string quoted(const fs::path& path) { return '"' + path.string() + '"'; }

}  // namespace files
