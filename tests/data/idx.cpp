// SPDX-License-Identifier: MIT
#include <tarn/data/idx.hpp>

#include <cstdint>
#include <limits>

#if __has_include(<unistd.h>)
#include <sys/stat.h>
#include <unistd.h>
#define TARN_TEST_POSIX
#endif

#include "../support/compare.hpp"
#include "files.hpp"

using files::big_endian;
using files::bytes;
using files::gzip;
using files::idx;
using files::idx_header;
using files::quoted;
using files::TemporaryFolder;
using files::fs::path;
using support::error_of;
using tarn::ArgumentError;
using tarn::Dataset;
using tarn::Index;
using tarn::IoError;
using tarn::Shape;
using tarn::Tensor;
using tarn::data::IdxOptions;
using tarn::data::read_idx;
using tarn::data::read_idx_pair;

namespace {

const std::string any_magic = ", expected the magic number 00 00 08 01 to 00 00 08 04 (unsigned bytes)";
const std::string html = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n";

/// The file's error, after its name has been checked: `IDX file "...", byte 12: found ...` gives "byte 12: found ...".
std::string refusal(const path& file, const std::string& kind, const IdxOptions& options = {}) {
  const std::string text = error_of([&] { read_idx(file, options); }), opening = kind + " file " + quoted(file) + ", ";
  INFO(text);
  REQUIRE(text.substr(0, opening.size()) == opening);
  return text.substr(opening.size());
}

/// Checks that an IDX file of these bytes is refused in these words, plain and, with "uncompressed" at the offset, as gzip.
void check_refused(const std::string& content, const std::string& byte, const std::string& words,
                   const IdxOptions& options = {}) {
  TemporaryFolder folder;
  CHECK(refusal(folder.write("plain", content), "IDX", options) == "byte " + byte + ": " + words);
  CHECK(refusal(folder.write("compressed", gzip(content)), "IDX", options) == "byte " + byte + " uncompressed: " + words);
}

std::string values_of(const Tensor<std::uint8_t>& tensor) { return {tensor.begin(), tensor.end()}; }

}  // namespace

TEST_CASE("IDX files of one to four extents are read", "[data][idx]") {
  TemporaryFolder folder;
  const std::vector<std::vector<std::uint32_t>> all{{7}, {2, 3}, {2, 3, 4}, {2, 3, 4, 5}, {1}, {300, 300}};
  for (const auto& extents : all) {
    const std::string content = idx(extents);
    Shape shape;
    for (std::uint32_t extent : extents) shape.push_back(extent);
    for (const std::string& file : {content, gzip(content)}) {
      const Tensor<std::uint8_t> values = read_idx(folder.write("values", file));
      CHECK(values.shape() == shape);
      CHECK(values_of(values) == content.substr(4 + 4 * extents.size()));
    }
  }
}

TEST_CASE("The content tells gzip and not the name", "[data][idx]") {
  TemporaryFolder folder;
  const std::string content = idx({2, 3});
  CHECK(read_idx(folder.write("plain.gz", content)).shape() == Shape{2, 3});
  CHECK(read_idx(folder.write("compressed", gzip(content))).shape() == Shape{2, 3});
}

TEST_CASE("Data that compress by far more than usual are read whole", "[data][idx]") {
  TemporaryFolder folder;
  const std::string content = idx_header({3000, 1001}) + std::string(3000 * 1001, 'x');
  const path file = folder.write("zeros.gz", gzip(content));
  CHECK(files::fs::file_size(file) < 10000);
  CHECK(values_of(read_idx(file)) == content.substr(12));
}

TEST_CASE("A gzip file of several members is read as their contents one after the other", "[data][idx]") {
  TemporaryFolder folder;
  const std::string content = idx({10, 10});
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  const IdxOptions checked{.crc32 = crc};
  for (std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{50}, content.size()}) {
    const std::string file = gzip(content.substr(0, cut)) + gzip("") + gzip(content.substr(cut));
    CHECK(values_of(read_idx(folder.write("members.gz", file), checked)) == content.substr(12));
  }
}

TEST_CASE("A gzip header with a name and a comment and a checksum is read", "[data][idx]") {
  TemporaryFolder folder;
  const std::string member = gzip(idx({5})),
                    start = bytes({0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 'a', 'b'}) + std::string("name\0comment\0", 13);
  const unsigned long crc = crc32_z(0, reinterpret_cast<const Bytef*>(start.data()), start.size());
  const std::string sum = bytes({static_cast<int>(crc & 255U), static_cast<int>(crc >> 8 & 255U)});
  CHECK(read_idx(folder.write("named.gz", start + sum + member.substr(10))).shape() == Shape{5});
  CHECK(refusal(folder.write("wrong.gz", start + "??" + member.substr(10)), "gzip") ==
        "byte 29: found damaged data (header crc mismatch), expected gzip (fetch the file again)");
}

TEST_CASE("A file that is not there is named", "[data][idx]") {
  TemporaryFolder folder;
  CHECK(error_of([&] { read_idx(folder / "none"); }) == "file " + quoted(folder / "none") + ": not found");
  const path beneath = folder.write("file", "x") / "none";
  CHECK(error_of([&] { read_idx(beneath); }) == "file " + quoted(beneath) + ": not found");
}

TEST_CASE("A folder in place of a file is refused", "[data][idx]") {
  TemporaryFolder folder;
  CHECK(error_of([&] { read_idx(folder.path()); }) == "file " + quoted(folder.path()) + ": found a folder, expected a file");
}

#ifdef TARN_TEST_POSIX
TEST_CASE("Pipes and devices are refused without waiting for them", "[data][idx]") {
  TemporaryFolder folder;
  const path pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(error_of([&] { read_idx(pipe); }) ==
        "file " + quoted(pipe) + ": found a pipe, a socket or a device, expected a regular file");
  CHECK(error_of([] { read_idx("/dev/null"); }) ==
        "file \"/dev/null\": found a pipe, a socket or a device, expected a regular file");
}

TEST_CASE("A file that may not be opened is refused with the system's reason", "[data][idx]") {
  TemporaryFolder folder;
  const path secret = folder.write("secret", idx({1})), loop = folder / "loop";
  files::fs::permissions(secret, files::fs::perms::none);
  const bool root = geteuid() == 0;  // whom permissions do not stop
  if (root) REQUIRE(seteuid(65534) == 0);
  const std::string text = error_of([&] { read_idx(secret); });
  if (root) REQUIRE(seteuid(0) == 0);
  CHECK(text == "file " + quoted(secret) + ": cannot be opened (Permission denied)");

  files::fs::create_symlink(loop, loop);
  const std::string reason = std::make_error_code(std::errc::too_many_symbolic_link_levels).message();
  CHECK(error_of([&] { read_idx(loop); }) == "file " + quoted(loop) + ": cannot be opened (" + reason + ")");
}
#endif

#ifdef __linux__
TEST_CASE("A file that cannot be read is refused with the system's reason", "[data][idx]") {
  // The memory of this process is a regular file to the system, and no page of it lies at 0.
  CHECK(error_of([] { read_idx("/proc/self/mem"); }) == "file \"/proc/self/mem\", byte 0: cannot be read (Input/output error)");
}
#endif

TEST_CASE("An empty file is refused", "[data][idx]") {
  check_refused("", "0", "found an empty file" + any_magic);
  check_refused("", "0", "found an empty file, expected the magic number 00 00 08 03 (unsigned bytes)",
                {.min_rank = 3, .max_rank = 3});
}

TEST_CASE("An HTML page and other text are recognised", "[data][idx]") {
  const auto looks = [](const std::string& kind) { return ", which looks like " + kind + any_magic + "; fetch the file again"; };
  check_refused(html, "0", "found \"<!DOCTYPE html>\"" + looks("an HTML page"));
  check_refused("\xef\xbb\xbf\r\n  <html>\r\n<body>", "0", "found \"<html>\"" + looks("an HTML page"));
  check_refused("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "0",
                "found \"<?xml version=\"1.0\" enco\"" + looks("an HTML page"));
  check_refused(
      "<html><title>\xc3\x9c"
      "ber",
      "0", "found \"<html><title>\"" + looks("an HTML page"));
  check_refused("version https://git-lfs.github.com/spec/v1\noid", "0", "found \"version https://git-lfs.\"" + looks("text"));
  check_refused("5,0,4,1", "0", "found \"5,0,4,1\"" + looks("text"));
  check_refused("5\t0\n", "0", "found 35 09 30 0a" + any_magic);
  check_refused("    ", "0", "found 20 20 20 20" + any_magic);
}

TEST_CASE("A wrong magic number is refused and explained where it can be", "[data][idx]") {
  const auto check = [](std::initializer_list<int> magic, const std::string& found) {
    check_refused(bytes(magic) + idx({2}).substr(4), "0", "found " + found + any_magic);
  };
  check({1, 2, 3, 255}, "01 02 03 ff");
  check({0, 0, 8, 0}, "00 00 08 00 (unsigned bytes, rank 0)");
  check({0, 0, 8, 5}, "00 00 08 05 (unsigned bytes, rank 5)");
  check({0, 0, 8, 255}, "00 00 08 ff (unsigned bytes, rank 255)");
  check({0, 0, 9, 3}, "00 00 09 03 (signed bytes, rank 3)");
  check({0, 0, 0x0b, 3}, "00 00 0b 03 (16-bit integers, rank 3)");
  check({0, 0, 0x0c, 3}, "00 00 0c 03 (32-bit integers, rank 3)");
  check({0, 0, 0x0d, 3}, "00 00 0d 03 (32-bit floats, rank 3)");
  check({0, 0, 0x0e, 3}, "00 00 0e 03 (64-bit floats, rank 3)");
  check({0, 0, 0x0a, 3}, "00 00 0a 03");
  check({0, 0, 0, 0}, "00 00 00 00");
  check({0, 1, 8, 1}, "00 01 08 01");
  check({3, 8, 0, 0}, "03 08 00 00 (byte order reversed)");
  check({'P', 'K', 3, 4}, "50 4b 03 04 (a zip archive)");
  TemporaryFolder folder;
  CHECK(refusal(folder.write("twice.gz", gzip(gzip(idx({2})))), "IDX") ==
        "byte 0 uncompressed: found 1f 8b 08 00 (gzip within gzip)" + any_magic);
}

TEST_CASE("Another rank than asked for is refused", "[data][idx]") {
  check_refused(idx({3}), "0",
                "found 00 00 08 01 (unsigned bytes, rank 1), expected the magic number 00 00 08 03 (unsigned bytes)",
                {.min_rank = 3, .max_rank = 3});
  check_refused(
      idx({3, 1}), "0",
      "found 00 00 08 02 (unsigned bytes, rank 2), expected the magic number 00 00 08 03 to 00 00 08 04 (unsigned bytes)",
      {.min_rank = 3});
  TemporaryFolder folder;
  const path file = folder.write("sound", idx({3}));
  for (const auto& [low, high] : std::vector<std::pair<int, int>>{{0, 4}, {1, 5}, {3, 2}})
    CHECK(error_of<ArgumentError>([&, low = low, high = high] { read_idx(file, {.min_rank = low, .max_rank = high}); }) ==
          "read_idx: ranks " + std::to_string(low) + " to " + std::to_string(high) + ", expected a range within 1 to 4");
}

TEST_CASE("Samples of another shape than asked for are refused", "[data][idx]") {
  TemporaryFolder folder;
  const IdxOptions options{.extents = {4, 5}};
  CHECK(read_idx(folder.write("sound", idx({2, 4, 5})), options).shape() == Shape{2, 4, 5});
  check_refused(idx({2, 5, 4}), "8", "found samples of shape [5, 4], expected [4, 5]", options);
  check_refused(idx({2, 4}), "8", "found samples of shape [4], expected [4, 5]", options);
}

TEST_CASE("Images can be given a channel", "[data][idx]") {
  TemporaryFolder folder;
  CHECK(read_idx(folder.write("3", idx({2, 3, 4})), {.channel = true}).shape() == Shape{2, 3, 4, 1});
  CHECK(read_idx(folder.write("4", idx({2, 3, 4, 5})), {.channel = true}).shape() == Shape{2, 3, 4, 5});
  CHECK(read_idx(folder.write("2", idx({2, 3})), {.channel = true}).shape() == Shape{2, 3});
  check_refused(idx({2, 3, 4}) + "x", "40",
                "found more values, expected the end of the file after 24 (the header says [2, 3, 4])", {.channel = true});
}

TEST_CASE("A header that is cut off is refused", "[data][idx]") {
  const std::string content = idx({2, 3, 4});
  for (std::size_t length : {1U, 2U, 3U})
    check_refused(content.substr(0, length), std::to_string(length), "found the end of the file, expected a header of 8 bytes");
  for (std::size_t length = 4; length < 16; ++length)
    check_refused(content.substr(0, length), std::to_string(length), "found the end of the file, expected a header of 16 bytes");
  check_refused("\x1f", "1", "found the end of the file, expected a header of 8 bytes");
}

TEST_CASE("An extent of zero is refused", "[data][idx]") {
  check_refused(idx_header({0}), "4", "found extent 0, expected 1 or more");
  check_refused(idx_header({2, 0, 3}), "8", "found extent 0, expected 1 or more");
}

TEST_CASE("A file that is cut off is refused", "[data][idx]") {
  const std::string content = idx({2, 3, 4});
  const std::string expected = " values, expected 24 (the header says [2, 3, 4])";
  check_refused(content.substr(0, 16), "16", "found the end of the file after 0" + expected);
  check_refused(content.substr(0, 25), "25", "found the end of the file after 9" + expected);
  check_refused(content.substr(0, 39), "39", "found the end of the file after 23" + expected);
}

TEST_CASE("A file that is too long is refused", "[data][idx]") {
  const std::string content = idx({2, 3, 4}),
                    words = "found more values, expected the end of the file after 24 (the header says [2, 3, 4])";
  check_refused(content + '\0', "40", words);
  check_refused(content + content, "40", words);
}

TEST_CASE("Huge and overflowing sizes are refused before memory is taken for them", "[data][idx]") {
  constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
  const std::string few = "ten values";
  check_refused(idx_header({most, 28, 28}) + few, "26",
                "found the end of the file after 10 values, expected 3367254359280 (the header says [4294967295, 28, 28])");
  check_refused(
      idx_header({most, 0x7fffffff}) + few, "22",
      "found the end of the file after 10 values, expected 9223372030412324865 (the header says [4294967295, 2147483647])");
  check_refused(idx_header({most, most}) + few, "4",
                "found extents [4294967295, 4294967295], expected at most 9223372036854775807 values");
  check_refused(idx_header({0x80000000, 0x80000000, 4}) + few, "4",
                "found extents [2147483648, 2147483648, 4], expected at most 9223372036854775807 values");
  check_refused(idx_header({most, most, most, most}) + few, "4",
                "found extents [4294967295, 4294967295, 4294967295, 4294967295], expected at most 9223372036854775807 values");
}

TEST_CASE("Damaged gzip is refused", "[data][idx]") {
  TemporaryFolder folder;
  const std::string member = gzip(idx({10, 10}));
  const std::string size = std::to_string(member.size());
  const auto damaged = [&](std::size_t position) {
    std::string file = member;
    file[position] = static_cast<char>(file[position] ^ 0x55);
    return refusal(folder.write("damaged.gz", file), "gzip");
  };
  const auto reason = [](const std::string& words) {
    return ": found damaged data (" + words + "), expected gzip (fetch the file again)";
  };
  CHECK(damaged(2) == "byte 4" + reason("unknown compression method"));
  CHECK(damaged(3) == "byte 4" + reason("unknown header flags set"));
  CHECK(damaged(member.size() - 8) == "byte " + std::to_string(member.size() - 4) + reason("incorrect data check"));
  CHECK(damaged(member.size() - 1) == "byte " + size + reason("incorrect length check"));

  CHECK(refusal(folder.write("block.gz", member.substr(0, 10) + '\xff'), "gzip") == "byte 11" + reason("invalid block type"));
  CHECK(refusal(folder.write("magic.gz", "\x1f\x8b"), "gzip") ==
        "byte 2: found the end of the file, expected more compressed data (fetch the file again)");
}

TEST_CASE("Gzip that is cut off is refused at every length", "[data][idx]") {
  TemporaryFolder folder;
  const std::string member = gzip(idx({10, 10}));
  for (std::size_t length = 2; length < member.size(); ++length)
    REQUIRE(refusal(folder.write("cut.gz", member.substr(0, length)), "gzip") ==
            "byte " + std::to_string(length) +
                ": found the end of the file, expected more compressed data (fetch the file again)");
  const std::string first = gzip(idx({10, 10}).substr(0, 50)), second = gzip(idx({10, 10}).substr(50));
  CHECK(refusal(folder.write("second.gz", first + second.substr(0, 9)), "gzip") ==
        "byte " + std::to_string(first.size() + 9) +
            ": found the end of the file, expected more compressed data (fetch the file again)");
}

TEST_CASE("Anything after the compressed data is refused", "[data][idx]") {
  TemporaryFolder folder;
  const std::string member = gzip(idx({10, 10})), where = "byte " + std::to_string(member.size()) + ": found ";
  const std::string after = " after the compressed data, expected the end of the file";
  CHECK(refusal(folder.write("one.gz", member + '\0'), "gzip") == where + "1 byte" + after);
  CHECK(refusal(folder.write("id1.gz", member + '\x1f'), "gzip") == where + "1 byte" + after);
  CHECK(refusal(folder.write("padded.gz", member + std::string(512, '\0')), "gzip") == where + "512 bytes" + after);
  CHECK(refusal(folder.write("plain.gz", member + idx({3})), "gzip") == where + "11 bytes" + after);
  const std::string words =
      "byte 112 uncompressed: found more values, expected the end of the file after 100 (the header says [10, 10])";
  CHECK(refusal(folder.write("again.gz", member + member), "IDX") == words);
}

TEST_CASE("Another CRC-32 than asked for is refused", "[data][idx]") {
  TemporaryFolder folder;
  const std::string check = idx_header({9}) + "123456789";
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(check.data()), check.size()));
  for (const std::string& file : {check, gzip(check)}) {
    const path at = folder.write("sum", file);
    CHECK_NOTHROW(read_idx(at, {.crc32 = crc}));
    CHECK(error_of([&] { read_idx(at, {.crc32 = 0x0badcafe}); }) ==
          "IDX file " + quoted(at) + ": found CRC-32 " + tarn::data::detail::hex(crc, 8) +
              " (uncompressed), expected 0badcafe; this is another file or a changed one, fetch it again");
  }
}

TEST_CASE("Images and labels make a data set", "[data][idx]") {
  TemporaryFolder folder;
  const path images = folder.write("images", gzip(idx({3, 2, 2}))),
             labels = folder.write("labels", idx_header({3}) + bytes({4, 0, 9}));
  const Dataset data = read_idx_pair(images, labels, {.scale = 0.5});
  CHECK(data.size() == 3);
  CHECK(data.inputs.shape() == Shape{3, 2, 2, 1});
  CHECK(data.inputs.at(5) == 2.5);
  CHECK(data.targets.shape() == Shape{3});
  CHECK(data.targets.is_integer());
  CHECK(data.targets.at(2) == 9);
  CHECK(read_idx_pair(folder.write("colour", idx({3, 2, 2, 3})), labels).inputs.shape() == Shape{3, 2, 2, 3});
  CHECK(read_idx_pair(folder.write("flat", idx({3, 7})), labels).inputs.shape() == Shape{3, 7});
}

TEST_CASE("Images and labels in each other's place are refused", "[data][idx]") {
  TemporaryFolder folder;
  const path images = folder.write("images", idx({3, 2, 2})), labels = folder.write("labels", idx({3}));
  CHECK(error_of([&] { read_idx_pair(labels, images); }) == "IDX file " + quoted(labels) +
                                                                ", byte 0: found 00 00 08 01 (unsigned bytes, rank 1), expected "
                                                                "the magic number 00 00 08 02 to 00 00 08 04 (unsigned bytes)");
  CHECK(error_of([&] { read_idx_pair(images, images); }) ==
        "IDX file " + quoted(images) +
            ", byte 0: found 00 00 08 03 (unsigned bytes, rank 3), expected the magic number 00 00 08 01 (unsigned bytes)");
}

TEST_CASE("Counts that differ are refused with both files named", "[data][idx]") {
  TemporaryFolder folder;
  const path images = folder.write("images", idx({3, 2, 2})), labels = folder.write("labels", idx({2}));
  CHECK(error_of([&] { read_idx_pair(images, labels); }) ==
        "IDX files " + quoted(images) + " and " + quoted(labels) +
            ": found 3 images and 2 labels, expected equal counts (byte 4 of each)");
}

TEST_CASE("Labels out of range are refused", "[data][idx]") {
  TemporaryFolder folder;
  const std::string content = idx_header({3}) + bytes({0, 10, 255});
  const path images = folder.write("images", idx({3, 2, 2})), labels = folder.write("labels", content);
  const path compressed = folder.write("labels.gz", gzip(content));
  CHECK(error_of([&] { read_idx_pair(images, labels); }) ==
        "IDX file " + quoted(labels) + ", byte 9: found label 10, expected 0 to 9");
  CHECK(error_of([&] { read_idx_pair(images, compressed, {.classes = 11}); }) ==
        "IDX file " + quoted(compressed) + ", byte 10 uncompressed: found label 255, expected 0 to 10");
  CHECK(read_idx_pair(images, labels, {.classes = 256}).size() == 3);
  for (int classes : {0, 257})
    CHECK(error_of<ArgumentError>([&] { read_idx_pair(images, labels, {.classes = classes}); }) ==
          "read_idx_pair: " + std::to_string(classes) + " classes, expected 1 to 256");
}

TEST_CASE("An IDX file that is cut off at any length is refused", "[data][idx][fuzz]") {
  TemporaryFolder folder;
  const std::string content = idx({3, 4, 5});
  for (std::size_t length = 0; length < content.size(); ++length) {
    REQUIRE_THROWS_AS(read_idx(folder.write("cut", content.substr(0, length))), IoError);
    REQUIRE_THROWS_AS(read_idx(folder.write("cut", gzip(content.substr(0, length)))), IoError);
  }
}

TEST_CASE("Any change of one byte of an IDX header is refused", "[data][idx][fuzz]") {
  TemporaryFolder folder;
  const std::string content = idx({3, 4, 5});
  for (std::size_t position = 0; position < 16; ++position)
    for (int value = 0; value < 256; ++value) {
      std::string file = content;
      file[position] = static_cast<char>(value);
      if (file == content) continue;
      REQUIRE_THROWS_AS(read_idx(folder.write("changed", file)), IoError);
    }
}

TEST_CASE("Any change of one byte of a gzip file is refused or does no harm", "[data][idx][fuzz]") {
  TemporaryFolder folder;
  const std::string content = idx({3, 4, 5}), compressed = gzip(content);
  int harmless = 0;
  for (std::size_t position = 0; position < compressed.size(); ++position)
    for (int value = 0; value < 256; ++value) {
      std::string file = compressed;
      file[position] = static_cast<char>(value);
      try {
        const Tensor<std::uint8_t> values = read_idx(folder.write("changed", file));
        REQUIRE(values.shape() == Shape{3, 4, 5});
        REQUIRE(values_of(values) == content.substr(16));
        ++harmless;
      } catch (const IoError&) {
      }
    }
  CHECK(harmless >= 6 * 256);  // time, level and system in the gzip header mean nothing to the content
}

TEST_CASE("Random bytes after a sound start are refused", "[data][idx][fuzz]") {
  TemporaryFolder folder;
  std::mt19937 random{1};
  for (int round = 0; round < 2000; ++round) {
    std::string file = round % 2 ? gzip(idx({3, 4, 5})).substr(0, 10) : idx_header({3, 4, 5}).substr(0, 4);
    const std::size_t length = random() % 200;
    for (std::size_t i = 0; i < length; ++i) file += static_cast<char>(random() & 255U);
    REQUIRE_THROWS_AS(read_idx(folder.write("random", file)), IoError);
  }
}
