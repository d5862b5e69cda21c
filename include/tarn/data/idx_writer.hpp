// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <new>
#include <string_view>
#include <vector>

#include <zlib.h>

#include <tarn/data/atomic_file.hpp>
#include <tarn/data/idx.hpp>

namespace tarn::data {

struct IdxWriteOptions {
  int compression = 6;  ///< of a file whose name ends in .gz: zlib's level, 1 (fast) to 9 (small)
  bool stored = false;  ///< of Samples that are scaled: write the values as stored, since IDX has no room for a scale
};

namespace detail {

/// Writes a file, as one gzip member if that is wanted; the same bytes for the same content, at any time.
class FileWriter {
 public:
  FileWriter(const Path& path, bool compressed, int level) : file_{path}, compressed_{compressed} {
    if (!compressed) return;
    if (deflateInit2(&stream_, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc{};
    output_.resize(64 * 1024);
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter() {
    if (compressed_) deflateEnd(&stream_);
  }

  void write(const std::uint8_t* bytes, Index count) {
    if (compressed_)
      deflate_all(bytes, count, Z_NO_FLUSH);
    else
      file_.write(bytes, count);
  }
  void commit() {
    if (compressed_) deflate_all(nullptr, 0, Z_FINISH);
    file_.commit();
  }

 private:
  /// `count` is at most what zlib's counter holds.
  void deflate_all(const std::uint8_t* bytes, Index count, int flush) {
    stream_.next_in = const_cast<Bytef*>(bytes);  // zlib reads them alone
    stream_.avail_in = static_cast<uInt>(count);
    do {
      stream_.next_out = output_.data();
      stream_.avail_out = static_cast<uInt>(output_.size());
      deflate(&stream_, flush);
      file_.write(output_.data(), static_cast<Index>(output_.size() - stream_.avail_out));
    } while (stream_.avail_out == 0);
  }

  AtomicFile file_;
  bool compressed_;
  std::vector<std::uint8_t> output_;
  z_stream stream_{};
};

}  // namespace detail

/// Writes values as an IDX file, which `read_idx<T>` reads back bit for bit; gzip if the name ends in .gz. Shape: rank 1 to 4, each
/// extent 1 to 2^32 - 1. The file appears whole or not at all, over one that was there.
/// Throws ShapeError for another shape, ArgumentError for a compression outside 1 to 9, and IoError where it cannot be written.
template <class T>
  requires(SampleValue<std::remove_const_t<T>>)
void write_idx(const std::filesystem::path& path, const TensorView<T>& values, const IdxWriteOptions& options = {}) {
  using Value = std::remove_const_t<T>;
  const Shape& shape = values.shape();
  bool fits = shape.rank() >= 1 && shape.rank() <= 4;
  for (int axis = 0; axis < shape.rank(); ++axis)
    fits = fits && shape[axis] >= 1 && shape[axis] <= Index{std::numeric_limits<std::uint32_t>::max()};
  if (!fits)
    throw ShapeError("write_idx: shape ", shape.to_string(), ", expected 1 to 4 extents, each 1 to 4294967295 (file ",
                     detail::quoted(path), ")");
  if (options.compression < 1 || options.compression > 9)
    throw ArgumentError("write_idx: compression ", options.compression, ", expected 1 to 9");

  detail::FileWriter file{path, path.extension() == ".gz", options.compression};
  std::vector<std::uint8_t> bytes{0, 0, detail::idx_type<Value>, static_cast<std::uint8_t>(shape.rank())};
  bytes.resize(static_cast<std::size_t>(4 + 4 * shape.rank()));
  for (int axis = 0; axis < shape.rank(); ++axis)
    detail::store(static_cast<std::uint32_t>(shape[axis]), bytes.data() + 4 + 4 * axis, std::endian::big);
  file.write(bytes.data(), static_cast<Index>(bytes.size()));
  constexpr Index chunk = 16384;
  bytes.resize(chunk * sizeof(Value));
  for (Index first = 0; first < values.size(); first += chunk) {
    const Index count = std::min(chunk, values.size() - first);
    for (Index i = 0; i < count; ++i)
      detail::store(Value{values[first + i]}, bytes.data() + i * static_cast<Index>(sizeof(Value)), std::endian::big);
    file.write(bytes.data(), count * static_cast<Index>(sizeof(Value)));
  }
  file.commit();
}
template <SampleValue T>
void write_idx(const std::filesystem::path& path, const Tensor<T>& values, const IdxWriteOptions& options = {}) {
  write_idx(path, values.view(), options);
}
/// The same for samples, in the type that they are stored in. Throws ArgumentError if they are scaled, unless `options.stored`.
inline void write_idx(const std::filesystem::path& path, const Samples& samples, const IdxWriteOptions& options = {}) {
  if (!options.stored && (samples.scale() != 1 || samples.offset() != 0))
    throw ArgumentError("write_idx: samples are seen as ", samples.scale(), " * value + ", samples.offset(),
                        ", which an IDX file cannot say; set the option stored to write the values alone (file ",
                        detail::quoted(path), ")");
  std::visit([&](const auto& values) { write_idx(path, values.view(), options); }, samples.values());
}

}  // namespace tarn::data
