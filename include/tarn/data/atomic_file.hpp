// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <utility>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

#include <tarn/data/errors.hpp>
#include <tarn/data/input_file.hpp>

namespace tarn::data::detail {

/// A file that appears whole or not at all. It is written beside its place, under a name of its own (so that several processes
/// may write the same file at once: the last one stays), and moved to its place by `commit`; without, nothing is left behind.
class AtomicFile {
 public:
  /// Throws IoError where no file can be made beside `path`.
  explicit AtomicFile(const Path& path) : path_{path} {
    static std::atomic<std::uint32_t> number{0};
    for (int attempt = 0; attempt < 100 && !file_; ++attempt) {
      const auto now = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
      temporary_ = path;
      temporary_ += ".part-" + hex(static_cast<std::uint32_t>(now ^ (now >> 32)), 8) + hex(process() + ++number, 8);
      errno = 0;
      file_ = std::fopen(temporary_.string().c_str(), "wbx");  // x: fails if the name is taken
      if (!file_ && errno != EEXIST) break;
    }
    if (!file_) throw file_not_written(path_, last_error());
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { discard(); }

  /// Throws IoError, for instance where the disk is full.
  void write(const void* bytes, Index count) {
    errno = 0;
    const auto size = static_cast<std::size_t>(count);
    if (size > 0 && std::fwrite(bytes, 1, size, file_) != size) fail();
  }

  /// Puts the file in its place, over one that is there. Throws IoError; the file that was there is then untouched.
  void commit() {
    errno = 0;
    bool sound = std::fflush(file_) == 0;
#if __has_include(<unistd.h>)
    sound = sound && fsync(fileno(file_)) == 0;  // on the disk before its name is: a crash leaves the old file or the new one
#endif
    if (!sound) fail();
    std::FILE* file = std::exchange(file_, nullptr);
    const bool closed = std::fclose(file) == 0;
    std::error_code error = closed ? std::error_code{} : last_error();
    if (closed) std::filesystem::rename(temporary_, path_, error);
    if (!error) return;
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
    throw file_not_written(path_, error);
  }

 private:
  static std::uint32_t process() {
#if __has_include(<unistd.h>)
    return static_cast<std::uint32_t>(getpid()) << 12;
#else
    return 0;
#endif
  }

  [[noreturn]] void fail() {
    const std::error_code error = last_error();
    discard();
    throw file_not_written(path_, error);
  }
  void discard() {
    if (!file_) return;
    std::fclose(std::exchange(file_, nullptr));
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }

  Path path_, temporary_;
  std::FILE* file_ = nullptr;
};

}  // namespace tarn::data::detail
