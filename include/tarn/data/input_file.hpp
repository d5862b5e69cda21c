// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include <tarn/data/errors.hpp>

namespace tarn::data::detail {

/// The system's reason for the last failure.
inline std::error_code last_error() { return {errno ? errno : EIO, std::generic_category()}; }

/// A regular file, opened for reading from its start.
class InputFile {
 public:
  /// Throws IoError where there is no such file, it is a folder, a pipe or a device, or cannot be opened.
  explicit InputFile(const Path& path) : path_{path} {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) throw file_not_found(path);
    if (error) throw file_not_opened(path, error);
    if (is_directory(status)) throw file_is_folder(path);
    if (!is_regular_file(status)) throw file_is_special(path);
    size_ = static_cast<Index>(std::filesystem::file_size(path, error));
    errno = 0;
    if (!error) file_.open(path, std::ios::binary);
    if (error || !file_.is_open()) throw file_not_opened(path, error ? error : last_error());
  }

  /// Puts the next `count` bytes into `to` and returns their number, which is smaller at the end only. Throws IoError.
  Index read(void* to, Index count) {
    errno = 0;
    file_.read(static_cast<char*>(to), count);
    if (file_.bad()) throw file_not_read(path_, taken_, last_error());
    taken_ += file_.gcount();
    return file_.gcount();
  }

  const Path& path() const { return path_; }
  /// Bytes of the file when it was opened.
  Index size() const { return size_; }
  /// Bytes read so far.
  Index taken() const { return taken_; }

 private:
  Path path_;
  std::ifstream file_;
  Index size_ = 0, taken_ = 0;
};

/// All bytes of a file. Throws IoError as `InputFile`. A file that grows or shrinks meanwhile is taken as far as it reached.
inline std::string read_all(const Path& path) {
  InputFile file{path};
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  bytes.resize(static_cast<std::size_t>(file.read(bytes.data(), file.size())));
  return bytes;
}

}  // namespace tarn::data::detail
