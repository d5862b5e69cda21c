// SPDX-License-Identifier: MIT
#include <tarn/io/safetensors.hpp>

#include <cmath>
#include <limits>
#include <random>

#include "../support/compare.hpp"
#include "reference.hpp"

namespace fs = files::fs;
using files::quoted;
using files::TemporaryFolder;
using support::error_of;
using tarn::ArgumentError;
using tarn::Index;
using tarn::IoError;
using tarn::Shape;
using tarn::ShapeError;
using tarn::Tensor;
using tarn::data::detail::read_all;
using tarn::io::ElementType;
using tarn::io::NamedTensor;
using tarn::io::read_safetensors;
using tarn::io::Safetensors;
using tarn::io::write_safetensors;

namespace {

template <class T>
Tensor<T> formula(const Shape& shape, int salt) {
  Tensor<T> result{shape};
  for (Index i = 0; i < result.size(); ++i) result[i] = static_cast<T>(reference::value(i, salt));
  return result;
}

template <class T>
Tensor<T> integers() {
  return {{5}, {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T{6}, T{9}, T{12}}};
}

/// A file of this header and `size` bytes 0, 1, 2, ...
std::string file_of(const std::string& header, std::size_t size) {
  std::string text(8, '\0');
  tarn::data::detail::store(static_cast<std::uint64_t>(header.size()), reinterpret_cast<std::uint8_t*>(text.data()),
                            std::endian::little);
  text += header;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i);
  return text;
}

/// What the reader says of a file with these bytes, after the words `safetensors file "..."`.
std::string refusal(const std::string& bytes) {
  TemporaryFolder folder;
  const fs::path path = folder.write("file", bytes);
  const std::string text = error_of<IoError>([&] { read_safetensors(path); }), opening = "safetensors file " + quoted(path);
  INFO(text);
  REQUIRE(text.starts_with(opening));
  return text.substr(opening.size());
}

}  // namespace

TEST_CASE("A file of the Python package is read with all its types", "[io][safetensors]") {
  const Safetensors file = read_safetensors(reference::folder / "types.safetensors");
  CHECK(file.path() == reference::folder / "types.safetensors");
  CHECK(file.metadata() == tarn::io::Metadata{{"made by", "safetensors"}});
  CHECK(file.entries().size() == 14);
  CHECK(support::same_bits(file.tensor<float>("float"), formula<float>({2, 3}, 1)));
  CHECK(support::same_bits(file.tensor<double>("double"), formula<double>({3}, 2)));
  CHECK(support::same_bits(file.tensor<float>("umlaut \xc3\xa4\"\\\n"), formula<float>({1}, 3)));
  CHECK(file.tensor<float>("scalar").shape() == Shape{});
  CHECK(file.tensor<float>("scalar")[0] == 0.25F);
  CHECK(file.tensor<double>("empty").shape() == Shape{0, 3});
  CHECK(support::same_bits(file.tensor<bool>("bool"), Tensor<bool>{{1, 3}, {true, false, true}}));
  const auto check = [&]<class T>(const char* name, T) {
    CHECK(support::same_bits(file.tensor<T>(std::string{"integers/"} + name), integers<T>()));
  };
  check("uint8", std::uint8_t{});
  check("int8", std::int8_t{});
  check("int16", std::int16_t{});
  check("uint16", std::uint16_t{});
  check("int32", std::int32_t{});
  check("uint32", std::uint32_t{});
  check("int64", std::int64_t{});
  check("uint64", std::uint64_t{});
  REQUIRE(file.find("bool"));
  CHECK(file.find("bool")->type == ElementType::boolean);
  CHECK(file.find("bool")->shape == Shape{1, 3});
  CHECK(file.find("boo") == nullptr);
}

TEST_CASE("The same tensors give the bytes of the Python package in any order", "[io][safetensors]") {
  const auto u8 = integers<std::uint8_t>();
  const auto i8 = integers<std::int8_t>();
  const auto i16 = integers<std::int16_t>();
  const auto u16 = integers<std::uint16_t>();
  const auto i32 = integers<std::int32_t>();
  const auto u32 = integers<std::uint32_t>();
  const auto i64 = integers<std::int64_t>();
  const auto u64 = integers<std::uint64_t>();
  const Tensor<bool> flags{{1, 3}, {true, false, true}};
  const auto floats = formula<float>({2, 3}, 1), umlaut = formula<float>({1}, 3);
  const auto doubles = formula<double>({3}, 2);
  const Tensor<float> scalar{Shape{}, {0.25F}}, empty{{0, 3}};
  std::vector<NamedTensor> tensors{{"bool", flags},          {"integers/uint8", u8},
                                   {"integers/int8", i8},    {"integers/int16", i16},
                                   {"integers/uint16", u16}, {"integers/int32", i32},
                                   {"integers/uint32", u32}, {"integers/int64", i64},
                                   {"integers/uint64", u64}, {"float", floats},
                                   {"double", doubles},      {"scalar", scalar},
                                   {"empty", empty},         {"umlaut \xc3\xa4\"\\\n", umlaut}};
  const std::string expected = read_all(reference::folder / "types.safetensors");
  TemporaryFolder folder;
  std::mt19937 random{1};
  for (int round = 0; round < 5; ++round) {
    write_safetensors(folder / "file", tensors, {{"made by", "safetensors"}});
    CHECK(read_all(folder / "file") == expected);
    std::shuffle(tensors.begin(), tensors.end(), random);
  }
}

TEST_CASE("Half precision of the Python package is read as float and double", "[io][safetensors]") {
  const Safetensors file = read_safetensors(reference::folder / "halves.safetensors");
  const Tensor<float> half = file.tensor<float>("half"), bfloat = file.tensor<float>("bfloat");
  CHECK(half.shape() == Shape{2, 2, 2});
  CHECK(support::relative_error(half, formula<double>({2, 2, 2}, 4)) < 0x1p-11);
  CHECK(support::relative_error(bfloat, formula<double>({5}, 5)) < 0x1p-8);
  CHECK(half[0] == -0.80419921875F);
  CHECK(bfloat[4] == -0.6015625F);
  CHECK(file.tensor<double>("half")[0] == -0.80419921875);
  const Tensor<double> ends = file.tensor<double>("half/ends"), wide = file.tensor<double>("bfloat/ends");
  CHECK(ends[0] == 0);
  CHECK(std::signbit(ends[1]));
  CHECK(ends[2] == 0x1p-24);
  CHECK(ends[4] == 65504);
  CHECK(ends[5] == std::numeric_limits<double>::infinity());
  CHECK(ends[6] == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(ends[7]));
  CHECK(wide[1] == 0x1p-133);
  CHECK(std::isnan(wide[4]));
}

TEST_CASE("A file without tensors or metadata goes both ways", "[io][safetensors]") {
  TemporaryFolder folder;
  write_safetensors(folder / "file", {});
  CHECK(read_all(folder / "file") == file_of("{}      ", 0));
  CHECK(read_safetensors(folder / "file").entries().empty());
  write_safetensors(folder / "file", {}, {{"a", "b"}, {"c", ""}});
  CHECK(read_safetensors(folder / "file").metadata() == tarn::io::Metadata{{"a", "b"}, {"c", ""}});
}

TEST_CASE("A tensor is given in its own type or refused", "[io][safetensors]") {
  const fs::path path = reference::folder / "types.safetensors";
  const Safetensors file = read_safetensors(path);
  const std::string opening = "safetensors file " + quoted(path) + ": ";
  CHECK(error_of<ArgumentError>([&] { file.tensor<float>("nothing"); }) == opening + "no tensor \"nothing\"");
  CHECK(error_of<IoError>([&] { file.tensor<float>("integers/int32"); }) ==
        opening + "tensor \"integers/int32\" is I32, expected F16, BF16, F32 or F64");
  CHECK(error_of<IoError>([&] { file.tensor<std::int64_t>("integers/int32"); }) ==
        opening + "tensor \"integers/int32\" is I32, expected I64");
  Tensor<float> small{{5}};
  CHECK(error_of<ShapeError>([&] { file.copy(*file.find("float"), small.view()); }) ==
        opening + "tensor \"float\" is [2, 3], expected [5]");
  Tensor<float> flat{{6}};
  file.copy(*file.find("float"), flat.view());
  CHECK(flat[5] == static_cast<float>(reference::value(5, 1)));
}

TEST_CASE("Numbers that the asked type does not have are refused", "[io][safetensors]") {
  TemporaryFolder folder;
  const Tensor<double> values{{4}, {1e-300, std::numeric_limits<double>::infinity(), 0.1, -1e300}};
  write_safetensors(folder / "file", {{"a", values}});
  const Safetensors file = read_safetensors(folder / "file");
  CHECK(support::same_bits(file.tensor<double>("a"), values));
  CHECK(error_of<IoError>([&] { file.tensor<float>("a"); }) ==
        "safetensors file " + quoted(folder / "file") +
            ": tensor \"a\", element 3 is -1e+300, expected at most 3.4028234663852886e+38 in magnitude");
  const fs::path flags = folder.write("flags", file_of(R"({"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}})", 3));
  CHECK(error_of<IoError>([&] { read_safetensors(flags).tensor<bool>("b"); }) ==
        "safetensors file " + quoted(flags) + ": tensor \"b\", element 2 is 2, expected 0 or 1");
}

TEST_CASE("A header that is too short or too long is refused", "[io][safetensors]") {
  CHECK(refusal("") == ": found 0 bytes, expected at least 8, which tell the header's length");
  CHECK(refusal("1234567") == ": found 7 bytes, expected at least 8, which tell the header's length");
  CHECK(refusal(files::bytes({9, 0, 0, 0, 0, 0, 0, 0}) + "{}") ==
        ", byte 10: found the end of the file, expected a header of 9 bytes (the file is cut off; fetch it again)");
  CHECK(refusal(files::bytes({1, 0xe1, 0xf5, 5, 0, 0, 0, 0}) + "{}") ==
        ", byte 0: found a header of 100000001 bytes, expected at most 100000000 (is it a safetensors file?)");
  CHECK(refusal("<!DOCTYPE html>") ==
        ", byte 0: found a header of 5789751444030890300 bytes, expected at most 100000000 (is it a safetensors file?)");
  CHECK(refusal(std::string(8, '\xff')) ==
        ", byte 0: found a header of 18446744073709551615 bytes, expected at most 100000000 (is it a safetensors file?)");
}

TEST_CASE("A header that is no JSON object of tensors is refused", "[io][safetensors]") {
  CHECK(refusal(file_of("{\"a\":}", 0)) == ", byte 13: found a header that is not JSON, or not UTF-8 (fetch the file again)");
  CHECK(refusal(file_of("{\"a\":1e999}", 0)) == ": found a number in the header that is out of range");
  CHECK(refusal(file_of("{} {}", 0)) == ", byte 11: found a header that is not JSON, or not UTF-8 (fetch the file again)");
  CHECK(refusal(file_of("{\"\xff\":1}", 0)).ends_with("found a header that is not JSON, or not UTF-8 (fetch the file again)"));
  CHECK(refusal(file_of("", 0)).ends_with("found a header that is not JSON, or not UTF-8 (fetch the file again)"));
  CHECK(refusal(file_of("[]", 0)) == ", byte 8: expected a header that opens with {");
  CHECK(refusal(file_of(" {}", 0)) == ", byte 8: expected a header that opens with {");
  CHECK(refusal(file_of(std::string(1000, '['), 0)) == ": found a header that is nested too deep, expected tensors by name");
  CHECK(refusal(file_of(
            R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1)) ==
        ": found the key \"a\" twice in the header");
  CHECK(refusal(file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1)) ==
        ": found the key \"dtype\" twice in the header");
  CHECK(refusal(file_of(R"({"__metadata__":{"k":"1","k":"1"}})", 0)) == ": found the key \"k\" twice in the header");
  CHECK(refusal(file_of(R"({"__metadata__":[]})", 0)) == ": expected an object as __metadata__");
  CHECK(refusal(file_of(R"({"__metadata__":{"k":1}})", 0)) == ": found number as __metadata__ \"k\", expected a text");
}

TEST_CASE("A tensor that the header does not describe well is refused", "[io][safetensors]") {
  const auto check = [](const std::string& info, std::size_t size, const std::string& words) {
    CHECK(refusal(file_of("{\"a\":" + info + "}", size)) == ": tensor \"a\": " + words);
  };
  const std::string form = "expected an object of dtype, shape and data_offsets";
  check("1", 0, form);
  check(R"({"dtype":"U8","shape":[1]})", 1, form);
  check(R"({"dtype":"U8","shape":[1],"offsets":[0,1]})", 1, form);
  check(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1})", 1, form);
  const std::string types = "expected a text as dtype, whole numbers as shape and two of them as data_offsets";
  check(R"({"dtype":8,"shape":[1],"data_offsets":[0,1]})", 1, types);
  check(R"({"dtype":"U8","shape":1,"data_offsets":[0,1]})", 1, types);
  check(R"({"dtype":"U8","shape":[-1],"data_offsets":[0,1]})", 1, types);
  check(R"({"dtype":"U8","shape":[1.0],"data_offsets":[0,1]})", 1, types);
  check(R"({"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]})", 1, types);
  check(R"({"dtype":"U8","shape":[1],"data_offsets":[0]})", 1, types);
  check(R"({"dtype":"U8","shape":[1],"data_offsets":[0,1,2]})", 1, types);
  check(R"({"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]})", 1,
        "found dtype \"F8_E4M3\", expected one of BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64");
  check(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1],"data_offsets":[0,1]})", 1, "found 7 extents, expected at most 6");
  check(R"({"dtype":"F32","shape":[3037000500,3037000500],"data_offsets":[0,1]})", 1,
        "found the shape [3037000500,3037000500], which has too many elements");
  check(R"({"dtype":"F64","shape":[1152921504606846976],"data_offsets":[0,1]})", 1,
        "found the shape [1152921504606846976], which has too many elements");
  check(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]})", 1,
        "found the shape [18446744073709551615], which has too many elements");
  check(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", 4, "found offsets 0 to 4, expected 8 bytes (F32 [2])");
  check(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})", 4, "found offsets 4 to 0, expected 4 bytes (F32 [1])");
  check(R"({"dtype":"U8","shape":[1],"data_offsets":[18446744073709551614,18446744073709551615]})", 1,
        "found offsets 18446744073709551614 to 18446744073709551615, expected 1 bytes (U8 [1])");
}

TEST_CASE("Tensors must stand one after the other up to the end of the file", "[io][safetensors]") {
  const auto pair = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[)" + a + R"(]},"b":{"dtype":"U8","shape":[2],"data_offsets":[)" + b +
           "]}}";
  };
  const std::string header = pair("0,2", "2,4");
  const std::string start = std::to_string(8 + header.size());
  const auto byte = [&](std::size_t offset) { return std::to_string(8 + header.size() + offset); };
  TemporaryFolder folder;
  CHECK(read_safetensors(folder.write("sound", file_of(header, 4))).tensor<std::uint8_t>("b")[1] == 3);
  CHECK(read_safetensors(folder.write("swapped", file_of(pair("2,4", "0,2"), 4))).tensor<std::uint8_t>("b")[1] == 1);
  CHECK(refusal(file_of(pair("0,2", "3,5"), 5)) ==
        ": tensor \"b\", byte " + byte(3) + ": found offset 3, expected 2 (there is a gap before it)");
  CHECK(refusal(file_of(pair("1,3", "3,5"), 5)) ==
        ": tensor \"a\", byte " + byte(1) + ": found offset 1, expected 0 (there is a gap before it)");
  CHECK(refusal(file_of(pair("0,2", "1,3"), 3)) ==
        ": tensor \"b\", byte " + byte(1) + ": found offset 1, expected 2 (it overlaps the tensor before it)");
  CHECK(refusal(file_of(pair("0,2", "0,2"), 2)) ==
        ": tensor \"b\", byte " + byte(0) + ": found offset 0, expected 2 (it overlaps the tensor before it)");
  CHECK(refusal(file_of(header, 3)) == ": tensor \"b\": found the end of the file at byte " + byte(3) +
                                           ", expected 2 elements up to byte " + byte(4) +
                                           " (the file is cut off; fetch it again)");
  CHECK(refusal(file_of(header, 7)) ==
        ", byte " + byte(4) + ": found 3 bytes after the last tensor, expected the end of the file");
}

TEST_CASE("Names that a safetensors file cannot have are refused", "[io][safetensors]") {
  TemporaryFolder folder;
  const Tensor<float> one{{1}};
  const auto refused = [&](const std::vector<NamedTensor>& tensors, const tarn::io::Metadata& metadata = {}) {
    const std::string text = error_of<ArgumentError>([&] { write_safetensors(folder / "file", tensors, metadata); });
    CHECK_FALSE(fs::exists(folder / "file"));
    return text;
  };
  CHECK(refused({{"a", one}, {"b", one}, {"a", one}}) == "write_safetensors: tensor \"a\" comes twice");
  CHECK(refused({{"__metadata__", one}}) ==
        "write_safetensors: tensor \"__metadata__\" has a name that the format keeps for itself");
  CHECK(refused({{"\xff", one}}) == "write_safetensors: a name or a text of the metadata is not UTF-8");
  CHECK(refused({}, {{"a", "\xc3"}}) == "write_safetensors: a name or a text of the metadata is not UTF-8");
  CHECK(refused({}, {{"a", std::string(100'000'000, 'x')}}) ==
        "write_safetensors: the header has 100000032 bytes, expected at most 100000000");
  CHECK(error_of<IoError>([&] {
          write_safetensors(folder / "none" / "file", {{"a", one}});
        }) == "file " + quoted(folder / "none" / "file") + ": cannot be written (No such file or directory)");
  CHECK(error_of<IoError>([&] { read_safetensors(folder / "none"); }) == "file " + quoted(folder / "none") + ": not found");
}

TEST_CASE("A safetensors file that is cut off at any length is refused", "[io][safetensors][fuzz]") {
  TemporaryFolder folder;
  const std::string sound = read_all(reference::folder / "types.safetensors");
  for (std::size_t length = 0; length < sound.size(); ++length)
    REQUIRE_THROWS_AS(read_safetensors(folder.write("cut", sound.substr(0, length))), IoError);
}

TEST_CASE("Any change of a byte of a safetensors header is refused or does no harm", "[io][safetensors][fuzz]") {
  TemporaryFolder folder;
  const std::string sound = read_all(reference::folder / "halves.safetensors");
  std::mt19937 random{1};
  int refused = 0, read = 0;
  const auto look = [&](const std::string& bytes) {
    try {
      const Safetensors file = read_safetensors(folder.write("changed", bytes));
      ++read;
      for (const auto& entry : file.entries())
        if (is_floating(entry.type)) REQUIRE(file.tensor<double>(entry.name).size() == entry.shape.size());
    } catch (const IoError&) {
      ++refused;
    }
  };
  for (std::size_t position = 0; position < sound.size(); ++position)
    for (int round = 0; round < 8; ++round) {
      std::string bytes = sound;
      bytes[position] = static_cast<char>(bytes[position] ^ (1 << round));
      look(bytes);
    }
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = sound;
    for (int change = 0; change < 3; ++change) bytes[random() % bytes.size()] = static_cast<char>(random());
    look(bytes);
  }
  CHECK(refused > 1000);
  CHECK(read > 200);  // names, and elements
}
