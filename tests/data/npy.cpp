// SPDX-License-Identifier: MIT
#include <tarn/data/npy.hpp>

#include <limits>
#include <random>

#include "../support/compare.hpp"
#include "files.hpp"

namespace fs = files::fs;
using files::quoted;
using files::TemporaryFolder;
using support::error_of;
using support::same_bits;
using tarn::Index;
using tarn::IoError;
using tarn::Samples;
using tarn::Shape;
using tarn::Tensor;
using tarn::data::read_npy;
using tarn::data::read_npy_samples;
using tarn::data::write_npy;
using tarn::data::detail::read_all;

namespace {

const fs::path references = fs::path{TARN_TESTS} / "reference" / "npy";

/// The values of type_*.npy: 3 i - 4 modulo 251.
template <class T>
Tensor<T> expected() {
  return {{2, 3}, {T(247), T(250), T(2), T(5), T(8), T(11)}};
}

/// An NPY file with this dictionary and these values.
std::string file_of(const std::string& header, const std::string& values) {
  return std::string{"\x93NUMPY\x01\0", 8} + static_cast<char>(header.size()) + '\0' + header + values;
}
std::string refusal(const std::string& bytes) {
  TemporaryFolder folder;
  const fs::path path = folder.write("file", bytes);
  const std::string text = error_of<IoError>([&] { read_npy<std::uint8_t>(path); }), opening = "NPY file " + quoted(path);
  INFO(text);
  REQUIRE(text.starts_with(opening));
  return text.substr(opening.size());
}
const std::string sound = file_of("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", "abc");

}  // namespace

TEST_CASE("Files of NumPy are read in all types", "[data][npy]") {
  CHECK(same_bits(read_npy<std::uint8_t>(references / "type_u1.npy"), expected<std::uint8_t>()));
  CHECK(same_bits(read_npy<std::int32_t>(references / "type_i4.npy"), expected<std::int32_t>()));
  CHECK(same_bits(read_npy<std::int64_t>(references / "type_i8.npy"), expected<std::int64_t>()));
  CHECK(same_bits(read_npy<float>(references / "type_f4.npy"), expected<float>()));
  CHECK(same_bits(read_npy<double>(references / "type_f8.npy"), expected<double>()));
  CHECK(same_bits(read_npy<bool>(references / "type_b1.npy"), Tensor<bool>{{2, 3}, {true, false, true, false, true, false}}));
  CHECK(read_npy<double>(references / "scalar.npy").shape() == Shape{});
  CHECK(read_npy<double>(references / "scalar.npy")[0] == 0.25);
  CHECK(same_bits(read_npy<float>(references / "vector.npy"), Tensor<float>{{1}, {0.5F}}));
  CHECK(read_npy<std::int32_t>(references / "empty.npy").shape() == Shape{0, 4});
  for (const char* name : {"version_2.npy", "version_3.npy"})
    CHECK(same_bits(read_npy<float>(references / name), Tensor<float>{{2, 3}, {-2, -0.5F, 1, 2.5F, 4, 5.5F}}));
}

TEST_CASE("An NPY file becomes samples of its own type", "[data][npy]") {
  const auto stored = [](const char* name) { return read_npy_samples(references / name).values(); };
  CHECK(same_bits(std::get<Tensor<std::uint8_t>>(stored("type_u1.npy")), expected<std::uint8_t>()));
  CHECK(same_bits(std::get<Tensor<std::int32_t>>(stored("type_i4.npy")), expected<std::int32_t>()));
  CHECK(same_bits(std::get<Tensor<std::int32_t>>(stored("type_i8.npy")), expected<std::int32_t>()));
  CHECK(same_bits(std::get<Tensor<float>>(stored("type_f4.npy")), expected<float>()));
  CHECK(same_bits(std::get<Tensor<double>>(stored("type_f8.npy")), expected<double>()));
  CHECK(same_bits(std::get<Tensor<std::uint8_t>>(stored("type_b1.npy")), Tensor<std::uint8_t>{{2, 3}, {1, 0, 1, 0, 1, 0}}));
  CHECK(error_of<IoError>([&] { stored("wide.npy"); }) ==
        "NPY file " + quoted(references / "wide.npy") + ", element 2: found 2147483648, expected a number of 32 bits");
  CHECK(error_of<IoError>([&] { stored("scalar.npy"); }) ==
        "NPY file " + quoted(references / "scalar.npy") + ": found a scalar, expected samples along the first extent");
}

TEST_CASE("An NPY file is written byte by byte as its definition says", "[data][npy]") {
  TemporaryFolder folder;
  const auto check = [&](const auto& values, const std::string& dictionary) {
    write_npy(folder / "file", values);
    const std::string bytes = read_all(folder / "file");
    const auto size = static_cast<std::size_t>(values.size()) * sizeof(values[0]), header = bytes.size() - size - 10;
    CHECK((header + 10) % 64 == 0);
    CHECK(bytes.substr(0, 10) == std::string{"\x93NUMPY\x01\0", 8} + static_cast<char>(header) + '\0');
    CHECK(bytes.substr(10, header) == dictionary + std::string(header - dictionary.size() - 1, ' ') + "\n");
    CHECK(std::equal(bytes.begin() + 10 + static_cast<Index>(header), bytes.end(), reinterpret_cast<const char*>(values.data())));
    CHECK(same_bits(read_npy<std::remove_cvref_t<decltype(values[0])>>(folder / "file"), values));
  };
  check(expected<float>(), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  check(expected<double>(), "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }");
  check(expected<std::uint8_t>(), "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }");
  check(expected<std::int32_t>(), "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }");
  check(expected<std::int64_t>(), "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }");
  check(Tensor<bool>{{2}, {true, false}}, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }");
  check(Tensor<float>{Shape{}, {2.5F}}, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
  check(Tensor<float>{{0, 1, 2, 3, 4, 5}}, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1, 2, 3, 4, 5), }");
  const Tensor<double> ends{{3}, {std::numeric_limits<double>::quiet_NaN(), -0.0, std::numeric_limits<double>::infinity()}};
  check(ends, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }");
  write_npy(folder / "view", ends.view());
  CHECK(same_bits(read_npy<double>(folder / "view"), ends));
  CHECK(error_of<IoError>([&] { write_npy(folder / "none" / "file", ends); }) ==
        "file " + quoted(folder / "none" / "file") + ": cannot be written (No such file or directory)");
}

TEST_CASE("Arrays that are not of a known type and order are refused", "[data][npy]") {
  const auto check = [](const char* name, const std::string& words) {
    CHECK(error_of<IoError>([&] { read_npy<float>(references / name); }) == "NPY file " + quoted(references / name) + words);
  };
  const auto known = [](const std::string& type) {
    return ": found the type '" + type + "', expected |b1, |u1, <i4, <i8, <f4 or <f8 (in NumPy: array.astype)";
  };
  check("type_f4_big.npy", known(">f4"));
  check("type_f2.npy", known("<f2"));
  check("type_u2.npy", known("<u2"));
  check("type_i1.npy", known("|i1"));
  check("type_c8.npy", known("<c8"));
  check("type_f8.npy", ": found the type '<f8', expected '<f4'");
  check("fortran.npy", ": found Fortran order, expected C order (in NumPy: numpy.ascontiguousarray)");
  check("record.npy",
        ", byte 20: found another header than {'descr': ..., 'fortran_order': ..., 'shape': ...}, of a type that is no record");
}

TEST_CASE("An NPY file with another header is refused", "[data][npy]") {
  CHECK(refusal("") == ", byte 0: found the end of the file, expected 93 4e 55 4d 50 59 (\\x93NUMPY)");
  CHECK(refusal("<!DOCTYPE html>") == ", byte 0: found another magic number, expected 93 4e 55 4d 50 59 (\\x93NUMPY)");
  CHECK(refusal(std::string{"\x93NUMPY\x04\0", 8}) == ", byte 6: found version 4.0, expected 1.0, 2.0 or 3.0");
  CHECK(refusal(std::string{"\x93NUMPY\x01\x01", 8}) == ", byte 6: found version 1.1, expected 1.0, 2.0 or 3.0");
  CHECK(refusal(std::string{"\x93NUMPY\x01\0\x05", 9}) == ", byte 9: found the end of the file (fetch it again)");
  CHECK(refusal(std::string{"\x93NUMPY\x01\0\x05\0{}", 12}) == ", byte 10: found the end of the file (fetch it again)");
  CHECK(refusal(std::string{"\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14}) == ", byte 12: found the end of the file (fetch it again)");

  const auto other = [](const std::string& header) {
    const std::string text = refusal(file_of(header, "abc"));
    INFO(header);
    CHECK(text.ends_with(
        ": found another header than {'descr': ..., 'fortran_order': ..., 'shape': ...}, of a type that is no record"));
  };
  other("");
  other("{}");
  other("{'descr': '|u1', 'fortran_order': False}");
  other("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (3,)}");
  other("{'descr': '|u1', 'fortran_order': 0, 'shape': (3,)}");
  other("{'descr': '|u1', 'fortran_order': False, 'shape': 3}");
  other("{'descr': '|u1', 'fortran_order': False, 'shape': (-3,)}");
  other("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)");
  other("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)} x");
  other("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}");
  other("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), 'more': 1}");
  CHECK(refusal(file_of("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,3)}", "abc")) ==
        ": found extents [1,1,1,1,1,1,3], expected at most 6 of them and 1152921504606846975 values");
  CHECK(refusal(file_of("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "abc")) ==
        ": found extents [4294967296, 4294967296], expected at most 6 of them and 1152921504606846975 values");

  TemporaryFolder folder;
  for (const std::string header :
       {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n",
        "{\"shape\":(3L,),\"fortran_order\":False,\"descr\":\"<u1\"}", "{'descr': '|u1', 'fortran_order': False, 'shape': (3)}"})
    CHECK(read_npy<std::uint8_t>(folder.write("file", file_of(header, "abc")))[2] == 'c');
}

TEST_CASE("An NPY file that is cut off or too long is refused", "[data][npy]") {
  const std::string byte = std::to_string(sound.size() - 3);
  CHECK(refusal(sound.substr(0, sound.size() - 1)) ==
        ", byte " + byte + ": found 2 bytes of values, expected 3 (the header says |u1 [3])");
  CHECK(refusal(sound + "x") == ", byte " + byte + ": found 4 bytes of values, expected 3 (the header says |u1 [3])");
  TemporaryFolder folder;
  const fs::path flags = folder.write("flags", file_of("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", "\x01\x02"));
  CHECK(error_of<IoError>([&] { read_npy<bool>(flags); }) == "NPY file " + quoted(flags) + ", byte 66: found 2, expected 0 or 1");
  CHECK(error_of<IoError>([&] { read_npy<float>(folder / "none"); }) == "file " + quoted(folder / "none") + ": not found");
  CHECK(error_of<IoError>([&] { read_npy<float>(folder.path()); }) ==
        "file " + quoted(folder.path()) + ": found a folder, expected a file");
}

TEST_CASE("An NPY file that is cut off at any length or changed is refused or read", "[data][npy][fuzz]") {
  TemporaryFolder folder;
  for (std::size_t length = 0; length < sound.size(); ++length)
    REQUIRE_THROWS_AS(read_npy<std::uint8_t>(folder.write("cut", sound.substr(0, length))), IoError);
  std::mt19937 random{1};
  int refused = 0, read = 0;
  const auto look = [&](const std::string& bytes) {
    try {
      const Samples samples = read_npy_samples(folder.write("changed", bytes));
      REQUIRE(samples.shape().size() <= 3);
      ++read;
    } catch (const IoError&) {
      ++refused;
    }
  };
  for (std::size_t position = 0; position < sound.size(); ++position)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = sound;
      bytes[position] = static_cast<char>(bytes[position] ^ (1 << bit));
      look(bytes);
    }
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = sound;
    for (int change = 0; change < 3; ++change) bytes[random() % bytes.size()] = static_cast<char>(random());
    look(bytes);
  }
  CHECK(refused > 1000);
  CHECK(read >= 24);  // the values
}
