// SPDX-License-Identifier: MIT
#include <tarn/data/idx_writer.hpp>

#include <bit>
#include <iterator>
#include <limits>

#include "../support/compare.hpp"
#include "files.hpp"

using files::bytes;
using files::quoted;
using files::TemporaryFolder;
using files::fs::path;
using support::error_of;
using tarn::ArgumentError;
using tarn::Index;
using tarn::IoError;
using tarn::Samples;
using tarn::Shape;
using tarn::ShapeError;
using tarn::Tensor;
using tarn::data::read_idx;
using tarn::data::write_idx;
using tarn::data::detail::read_all;

namespace {

/// Numbers of T with all its bits at work.
template <class T>
Tensor<T> numbers(const Shape& shape) {
  Tensor<T> values{shape};
  for (Index i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(i % 2 ? 1.7 * static_cast<double>(i) : 1e5 / (1.0 + static_cast<double>(i)));
  return values;
}
template <>
Tensor<std::uint8_t> numbers(const Shape& shape) {
  Tensor<std::uint8_t> values{shape};
  for (Index i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i * 37);
  return values;
}

template <class T>
bool same(const Tensor<T>& a, const Tensor<T>& b) {
  return a.shape() == b.shape() && std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0;
}

}  // namespace

TEST_CASE("An IDX file is written byte by byte as its definition says", "[data][idx]") {
  TemporaryFolder folder;
  write_idx(folder / "bytes", Tensor<std::uint8_t>{{2, 3}, {1, 2, 3, 4, 5, 255}});
  CHECK(read_all(folder / "bytes") == bytes({0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255}));
  write_idx(folder / "integers", Tensor<std::int32_t>{{2}, {-2, 0x01020304}});
  CHECK(read_all(folder / "integers") == bytes({0, 0, 12, 1, 0, 0, 0, 2, 255, 255, 255, 254, 1, 2, 3, 4}));
  write_idx(folder / "floats", Tensor<float>{{1}, {-1.5F}});
  CHECK(read_all(folder / "floats") == bytes({0, 0, 13, 1, 0, 0, 0, 1, 0xbf, 0xc0, 0, 0}));
  write_idx(folder / "doubles", Tensor<double>{{1, 1}, {1.0}});
  CHECK(read_all(folder / "doubles") == bytes({0, 0, 14, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}));
}

TEMPLATE_TEST_CASE("What is written as IDX is read back bit for bit", "[data][idx]", std::uint8_t, std::int32_t, float, double) {
  TemporaryFolder folder;
  for (const Shape& shape : {Shape{7}, Shape{2, 3}, Shape{3, 4, 5}, Shape{2, 3, 4, 5}, Shape{40000}, Shape{1}})
    for (const char* name : {"plain", "compressed.gz"}) {
      const Tensor<TestType> values = numbers<TestType>(shape);
      write_idx(folder / name, values);
      CHECK(same(read_idx<TestType>(folder / name), values));
      CHECK((read_all(folder / name).substr(0, 2) == "\x1f\x8b") == (std::string{name} == "compressed.gz"));
    }
  const tarn::Tensor<TestType> values = numbers<TestType>({3, 2});
  write_idx(folder / "view", tarn::TensorView<const TestType>{values.data() + 2, {2, 2}});
  CHECK(read_idx<TestType>(folder / "view")[0] == values[2]);
}

TEST_CASE("A compressed IDX file is the same at any time and as small as asked", "[data][idx]") {
  TemporaryFolder folder;
  Tensor<std::int32_t> values{{30000}};
  for (Index i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i * i % 97);
  write_idx(folder / "a.gz", values);
  write_idx(folder / "b.gz", values);
  CHECK(read_all(folder / "a.gz") == read_all(folder / "b.gz"));
  write_idx(folder / "small.gz", values, {.compression = 9});
  write_idx(folder / "fast.gz", values, {.compression = 1});
  CHECK(same(read_idx<std::int32_t>(folder / "small.gz"), values));
  CHECK(same(read_idx<std::int32_t>(folder / "fast.gz"), values));
  CHECK(files::fs::file_size(folder / "small.gz") < files::fs::file_size(folder / "fast.gz"));
}

TEST_CASE("Numbers that are not finite keep their bits in an IDX file", "[data][idx]") {
  TemporaryFolder folder;
  const Tensor<float> values{{3}, {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), -0.0F}};
  write_idx(folder / "values", values);
  CHECK(same(read_idx<float>(folder / "values"), values));
}

TEST_CASE("An IDX file of another type than asked for is refused", "[data][idx]") {
  TemporaryFolder folder;
  const path floats = folder / "floats", integers = folder / "integers.gz";
  write_idx(floats, Tensor<float>{{2}});
  write_idx(integers, Tensor<std::int32_t>{{2}});
  CHECK(error_of([&] { read_idx(floats); }) == "IDX file " + quoted(floats) +
                                                   ", byte 0: found 00 00 0d 01 (32-bit floats, rank 1), expected the magic "
                                                   "number 00 00 08 01 to 00 00 08 04 (unsigned bytes)");
  CHECK(error_of([&] { read_idx<float>(integers, {.max_rank = 1}); }) ==
        "IDX file " + quoted(integers) +
            ", byte 0 uncompressed: found 00 00 0c 01 (32-bit integers, rank 1), expected the magic number 00 00 0d 01 (32-bit "
            "floats)");
  CHECK(error_of([&] {
          read_idx<double>(floats);
        }).ends_with("expected the magic number 00 00 0e 01 to 00 00 0e 04 (64-bit floats)"));
  CHECK(error_of([&] {
          read_idx<std::int32_t>(floats);
        }).ends_with("expected the magic number 00 00 0c 01 to 00 00 0c 04 (32-bit integers)"));
}

TEST_CASE("An IDX file of wide numbers that is cut off or changed is refused", "[data][idx][fuzz]") {
  TemporaryFolder folder;
  write_idx(folder / "sound", Tensor<double>{{2, 3}, {1, 2, 3, 4, 5, 6}});
  const std::string content = read_all(folder / "sound");
  for (std::size_t length = 0; length < content.size(); ++length) {
    REQUIRE_THROWS_AS(read_idx<double>(folder.write("cut", content.substr(0, length))), IoError);
    REQUIRE_THROWS_AS(read_idx<double>(folder.write("cut", files::gzip(content.substr(0, length)))), IoError);
  }
  for (std::size_t position = 0; position < 12; ++position)
    for (int value = 0; value < 256; ++value) {
      std::string file = content;
      file[position] = static_cast<char>(value);
      if (file != content) REQUIRE_THROWS_AS(read_idx<double>(folder.write("changed", file)), IoError);
    }
  const path cut = folder.write("cut", content.substr(0, 12 + 8 * 4 + 3)), longer = folder.write("longer", content + "x");
  CHECK(error_of([&] { read_idx<double>(cut); }) ==
        "IDX file " + quoted(cut) + ", byte 47: found the end of the file after 4 values, expected 6 (the header says [2, 3])");
  CHECK(error_of([&] { read_idx<double>(longer); }) ==
        "IDX file " + quoted(longer) +
            ", byte 60: found more values, expected the end of the file after 6 (the header says [2, 3])");
  std::string huge = content;
  huge.replace(4, 8, bytes({127, 255, 255, 255, 127, 255, 255, 255}));
  const path overflow = folder.write("overflow", huge);
  CHECK(error_of([&] { read_idx<double>(overflow); }) ==
        "IDX file " + quoted(overflow) +
            ", byte 4: found extents [2147483647, 2147483647], expected at most 1152921504606846975 values");
}

TEST_CASE("Shapes that IDX does not have are refused", "[data][idx]") {
  TemporaryFolder folder;
  const path file = folder / "file";
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{2, 0}, Shape{1, 1, 1, 1, 1}})
    CHECK(error_of<ShapeError>([&] { write_idx(file, Tensor<float>{shape}); }) ==
          "write_idx: shape " + shape.to_string() + ", expected 1 to 4 extents, each 1 to 4294967295 (file " + quoted(file) +
              ")");
  const float none = 0;
  CHECK_THROWS_AS(write_idx(file, tarn::TensorView<const float>{&none, {Index{1} << 32}}), ShapeError);
  for (int level : {0, 10})
    CHECK(error_of<ArgumentError>([&] { write_idx(file, Tensor<float>{{1}}, {.compression = level}); }) ==
          "write_idx: compression " + std::to_string(level) + ", expected 1 to 9");
  CHECK_FALSE(files::fs::exists(file));
}

TEST_CASE("Samples are written as they are stored", "[data][idx]") {
  TemporaryFolder folder;
  const path file = folder / "file";
  const Samples plain = Tensor<std::uint8_t>{{3}, {5, 0, 9}};
  write_idx(file, plain);
  CHECK(read_idx(file)[2] == 9);
  const Samples scaled = plain.scaled(0.5, 1);
  CHECK(error_of<ArgumentError>([&] { write_idx(file, scaled); }) ==
        "write_idx: samples are seen as 0.5 * value + 1, which an IDX file cannot say; set the option stored to write the values "
        "alone (file " +
            quoted(file) + ")");
  write_idx(file, scaled, {.stored = true});
  CHECK(read_idx(file)[2] == 9);
}

TEST_CASE("An IDX file that cannot be written is named and leaves nothing behind", "[data][idx]") {
  TemporaryFolder folder;
  CHECK(error_of([&] { write_idx(folder / "none" / "file.gz", Tensor<float>{{1}}); }) ==
        "file " + quoted(folder / "none" / "file.gz") + ": cannot be written (No such file or directory)");
  CHECK(std::distance(files::fs::directory_iterator{folder.path()}, files::fs::directory_iterator{}) == 0);
}
