// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <new>
#include <vector>

#include <zlib.h>

#include <tarn/data/errors.hpp>
#include <tarn/data/input_file.hpp>

namespace tarn::data::detail {

/// The bytes of a file in their order, uncompressed on the way if the file is gzip: that is told by its first two bytes, 1f 8b.
/// A gzip file is a series of members and holds their contents one after the other (RFC 1952, 2.2). Each must be whole, with the
/// CRC-32 and the size that its trailer says, and nothing else may follow the last one, not even padding with zeros.
class FileReader {
 public:
  /// Throws IoError where there is no such file, it is a folder, a pipe or a device, or cannot be opened or read.
  explicit FileReader(const Path& path) : file_{path} {
    input_.resize(64 * 1024);
    refill();
    compressed_ = at_member();
    if (compressed_ && inflateInit2(&stream_, gzip_window) != Z_OK) throw std::bad_alloc{};
  }
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  ~FileReader() {
    if (compressed_) inflateEnd(&stream_);
  }

  /// Puts the next `count` bytes into `to` and returns their number, which is smaller at the end only. Whether a gzip file ends
  /// as it should is known once a read has found that end. Throws IoError where the file cannot be read or is damaged gzip.
  Index read(std::uint8_t* to, Index count) {
    const Index got = compressed_ ? read_compressed(to, count) : read_plain(to, count);
    offset_ += got;
    return got;
  }

  bool compressed() const { return compressed_; }
  /// Bytes of the file as it lies on the disk.
  Index file_size() const { return file_.size(); }
  /// Bytes given out so far.
  Index offset() const { return offset_; }
  /// CRC-32 of all bytes given out; of a gzip file once its end was found.
  std::uint32_t crc32() const { return crc_; }

 private:
  static constexpr int gzip_window = 16 + MAX_WBITS;  // 16: a gzip header and trailer, which zlib checks

  /// Moves what is left of the input to the front and fills the rest; at the end of the file nothing is added.
  void refill() {
    std::copy_n(input_.begin() + begin_, end_ - begin_, input_.begin());
    end_ -= begin_;
    begin_ = 0;
    end_ += file_.read(input_.data() + end_, static_cast<Index>(input_.size()) - end_);
  }

  bool at_member() const {
    return end_ - begin_ >= 2 && input_[static_cast<std::size_t>(begin_)] == 0x1f &&
           input_[static_cast<std::size_t>(begin_) + 1] == 0x8b;
  }

  /// Where in the file as it lies on the disk the next byte of input stands.
  Index position() const { return file_.taken() - (end_ - begin_); }

  Index read_plain(std::uint8_t* to, Index count) {
    Index got = std::min(count, end_ - begin_);
    std::copy_n(input_.begin() + begin_, got, to);
    begin_ += got;
    if (got < count) got += file_.read(to + got, count - got);
    if (got > 0) crc_ = static_cast<std::uint32_t>(crc32_z(crc_, to, static_cast<z_size_t>(got)));
    return got;
  }

  Index read_compressed(std::uint8_t* to, Index count) {
    Index got = 0;
    while (got < count && !finished_) {
      if (begin_ == end_) refill();
      const Index room = std::min<Index>(count - got, 1 << 30);
      stream_.next_in = input_.data() + begin_;
      stream_.avail_in = static_cast<uInt>(end_ - begin_);
      stream_.next_out = to + got;
      stream_.avail_out = static_cast<uInt>(room);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      begin_ = end_ - static_cast<Index>(stream_.avail_in);
      const Index made = room - static_cast<Index>(stream_.avail_out);
      got += made;
      member_ += made;
      if (status == Z_STREAM_END)
        finish_member();
      else if (status == Z_MEM_ERROR)
        throw std::bad_alloc{};
      else if (status == Z_BUF_ERROR)
        throw gzip_truncated(file_.path(), position());  // no progress: the input is at its end
      else if (status != Z_OK)
        throw gzip_damaged(file_.path(), position(), stream_.msg);
    }
    return got;
  }

  void finish_member() {
    crc_ = static_cast<std::uint32_t>(crc32_combine(crc_, stream_.adler, static_cast<z_off_t>(member_)));
    member_ = 0;
    if (end_ - begin_ < 2) refill();
    if (at_member()) {
      inflateReset(&stream_);
    } else if (begin_ == end_) {
      finished_ = true;
    } else {
      throw gzip_trailing(file_.path(), position(), file_.size() - position());
    }
  }

  InputFile file_;
  std::vector<std::uint8_t> input_;  // of which [begin_, end_) is not yet used
  Index begin_ = 0, end_ = 0;
  bool compressed_ = false, finished_ = false;
  z_stream stream_{};
  Index member_ = 0;  // bytes that the present gzip member has given
  Index offset_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace tarn::data::detail
