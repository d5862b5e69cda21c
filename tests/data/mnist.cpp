// SPDX-License-Identifier: MIT
#include <tarn/data/mnist.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <utility>

#include "../support/compare.hpp"
#include "files.hpp"

namespace fs = files::fs;
namespace detail = tarn::data::detail;
using files::gzip;
using files::idx;
using files::quoted;
using files::TemporaryFolder;
using support::error_of;
using tarn::Index;
using tarn::IoError;
using tarn::Shape;
using tarn::Tensor;
using tarn::data::fashion_mnist;
using tarn::data::mnist;

namespace {

const std::vector<std::string> names{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                     "t10k-labels-idx1-ubyte"};

/// An environment variable with another value, or none, for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::optional<std::string>& value) : name_{name} {
    if (const char* present = std::getenv(name)) before_ = present;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_); }

 private:
  void set(const std::optional<std::string>& value) {
    if (value)
      setenv(name_, value->c_str(), 1);
    else
      unsetenv(name_);
  }

  const char* name_;
  std::optional<std::string> before_;
};

/// Another current folder for as long as this lives.
class CurrentFolder {
 public:
  explicit CurrentFolder(const fs::path& folder) : before_{fs::current_path()} { fs::current_path(folder); }
  CurrentFolder(const CurrentFolder&) = delete;
  CurrentFolder& operator=(const CurrentFolder&) = delete;
  ~CurrentFolder() {
    std::error_code ignored;
    fs::current_path(before_, ignored);
  }

 private:
  fs::path before_;
};

/// Writes a set of the form of MNIST with this many training images and 2 test images.
void write_set(const TemporaryFolder& folder, const fs::path& where, std::uint32_t count, const std::string& ending = ".gz") {
  const auto labels = [](std::uint32_t n) { return files::idx_header({n}) + std::string(n, '\7'); };
  const auto write = [&](std::size_t file, const std::string& content) {
    folder.write(where / (names[file] + ending), ending == ".gz" ? gzip(content) : content);
  };
  write(0, idx({count, 28, 28}));
  write(1, labels(count));
  write(2, idx({2, 28, 28}));
  write(3, labels(2));
}

/// The four files of MNIST itself.
std::array<fs::path, 4> real_files() {
#ifdef TARN_EXAMPLES_DATA
  const fs::path source_data = TARN_EXAMPLES_DATA;
#else
  const fs::path source_data;
#endif
  return detail::find_set(detail::mnist_set, {}, detail::data_places(source_data));
}

const Tensor<std::uint8_t>& stored(const tarn::Samples& samples) { return std::get<Tensor<std::uint8_t>>(samples.values()); }

struct Sums {
  Index pixels = 0, squares = 0;
};
Sums sums_of(const Tensor<std::uint8_t>& values) {
  Sums sums;
  for (Index value : values) {
    sums.pixels += value;
    sums.squares += value * value;
  }
  return sums;
}

}  // namespace

TEST_CASE("MNIST is found and verified and has its known contents", "[data][mnist]") {
  const auto [train, test] = mnist();
  CHECK(train.size() == 60000);
  CHECK(train.inputs.shape() == Shape{60000, 28, 28, 1});
  CHECK(train.targets.shape() == Shape{60000});
  CHECK(test.size() == 10000);
  CHECK(test.inputs.shape() == Shape{10000, 28, 28, 1});
  CHECK(test.targets.shape() == Shape{10000});

  const auto& labels = stored(train.targets);
  CHECK(std::vector<int>(labels.begin(), labels.begin() + 5) == std::vector<int>{5, 0, 4, 1, 9});
  std::vector<Index> counts(10), test_counts(10);
  for (std::uint8_t label : labels) ++counts[label];
  for (std::uint8_t label : stored(test.targets)) ++test_counts[label];
  CHECK(counts == std::vector<Index>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  CHECK(test_counts == std::vector<Index>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});

  // Sums over all pixels, taken with Python from the files: mean 0.1307 and deviation 0.3081 of the training images.
  CHECK(sums_of(stored(train.inputs)).pixels == 1567298545);
  CHECK(sums_of(stored(train.inputs)).squares == 342590800147);
  CHECK(sums_of(stored(test.inputs)).pixels == 264923200);
  CHECK(sums_of(stored(test.inputs)).squares == 58095386156);
  const auto& first = stored(train.inputs);
  CHECK(std::accumulate(first.begin(), first.begin() + 784, 0) == 27525);

  const auto [low, high] = std::minmax_element(first.begin(), first.begin() + 784);
  CHECK(train.inputs.at(low - first.begin()) == 0);
  CHECK(std::abs(train.inputs.at(high - first.begin()) - 1) < 1e-15);
  CHECK(test.targets.at(0) == 7);
  CHECK(test.targets.scale() == 1);
}

TEST_CASE("A set in the caller's folder is read plain or compressed and in both spellings", "[data][mnist]") {
  TemporaryFolder folder;
  SECTION("plain") { write_set(folder, "", 3, ""); }
  SECTION("gzip") { write_set(folder, "", 3); }
  SECTION("in the sub-folder") { write_set(folder, "mnist", 3); }
  SECTION("with a dot in the names") {
    write_set(folder, "", 3, "");
    for (std::string name : names) {
      const fs::path old = folder / name;
      fs::rename(old, folder / name.replace(name.find("-idx"), 1, "."));
    }
  }
  SECTION("with a dot in the names and folders beside the files") {
    write_set(folder, "", 3, "");
    for (std::string name : names) {
      const fs::path old = folder / name;
      fs::rename(old, folder / (std::string{name}.replace(name.find("-idx"), 1, ".") + ".gz"));
      fs::create_directory(old);
    }
  }
  const auto [train, test] = mnist({.folder = folder.path(), .scale = 2, .verify = false});
  CHECK(train.size() == 3);
  CHECK(test.size() == 2);
  CHECK(train.inputs.shape() == Shape{3, 28, 28, 1});
  CHECK(train.inputs.at(250) == 500);
  CHECK(train.targets.at(0) == 7);
}

TEST_CASE("Other files than the published ones are refused by their sums", "[data][mnist]") {
  TemporaryFolder folder;
  write_set(folder, "", 3);
  const fs::path file = folder / "train-images-idx3-ubyte.gz";
  const std::string content = idx({3, 28, 28});
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
  CHECK(error_of([&] { mnist({.folder = folder.path()}); }) ==
        "IDX file " + quoted(file) + ": found CRC-32 " + detail::hex(crc, 8) +
            " (uncompressed), expected e9f4d8b3; this is another file or a changed one, fetch it again");
}

TEST_CASE("One changed label of MNIST is found", "[data][mnist]") {
  const auto files = real_files();
  TemporaryFolder folder;
  for (std::size_t i = 0; i < 3; ++i) fs::copy_file(files[i], folder / files[i].filename());
  const Tensor<std::uint8_t> labels = tarn::data::read_idx(files[3]);
  std::string content = files::idx_header({10000}) + std::string{labels.begin(), labels.end()};
  content[1234] ^= 1;
  const fs::path changed = folder.write("t10k-labels-idx1-ubyte", content);
  const std::string text = error_of([&] { mnist({.folder = folder.path()}); });
  CHECK(text.starts_with("IDX file " + quoted(changed) + ": found CRC-32 "));
  CHECK(text.ends_with(" (uncompressed), expected 4ab9eff9; this is another file or a changed one, fetch it again"));
  CHECK(mnist({.folder = folder.path(), .verify = false}).test.size() == 10000);
}

TEST_CASE("A folder of the caller's that lacks a file is refused", "[data][mnist]") {
  TemporaryFolder folder;
  write_set(folder, "set", 3);
  const fs::path set = folder / "set", nowhere = folder / "nowhere";
  Variable elsewhere{"TARN_DATA_DIR", set.string()};  // has no say

  CHECK(error_of([&] { mnist({.folder = nowhere, .verify = false}); }) == "MNIST: folder " + quoted(nowhere) + ": not found");
  CHECK(error_of([&] { mnist({.folder = set / "train-images-idx3-ubyte.gz", .verify = false}); }) ==
        "MNIST: folder " + quoted(set / "train-images-idx3-ubyte.gz") +
            ": found a file, expected the folder that holds the set's files");
  fs::create_directory(nowhere);
  CHECK(error_of([&] { mnist({.folder = nowhere, .verify = false}); }) ==
        "MNIST: folder " + quoted(nowhere) +
            " lacks train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (plain or "
            "with .gz)");
  for (const std::string& name : names) {
    write_set(folder, "set", 3);
    fs::remove(set / (name + ".gz"));
    CHECK(error_of([&] { mnist({.folder = set, .verify = false}); }) ==
          "MNIST: folder " + quoted(set) + " lacks " + name + " (plain or with .gz)");
  }
}

TEST_CASE("Places are searched in their order and a part of a set is bad data", "[data][mnist]") {
  TemporaryFolder folder;
  const fs::path empty = folder / "empty", first = folder / "first", second = folder / "second";
  fs::create_directory(empty);
  const std::vector<detail::Place> places{{empty, "TARN_DATA_DIR"}, {folder / "none", "the cache"}, {first, "1"}, {second, "2"}};
  const auto find = [&] { return detail::find_set(detail::mnist_set, {}, places); };

  CHECK(error_of(find) == "MNIST: not found; searched, each with its sub-folder mnist:\n  " + quoted(empty) +
                              " (TARN_DATA_DIR)\n  " + quoted(folder / "none") + " (the cache)\n  " + quoted(first) + " (1)\n  " +
                              quoted(second) +
                              " (2)\nName the folder that holds the files by the option folder or by TARN_DATA_DIR. "
                              "Tarn's source carries them in examples/data/mnist, and tarn::download::mnist() fetches them.");
  write_set(folder, "second", 3);
  CHECK(find()[0] == second / "train-images-idx3-ubyte.gz");
  write_set(folder, "first/mnist", 3, "");
  CHECK(find()[3] == first / "mnist" / "t10k-labels-idx1-ubyte");
  fs::remove(first / "mnist" / names[0]);
  fs::remove(first / "mnist" / names[3]);
  CHECK(error_of(find) == "MNIST: folder " + quoted(first / "mnist") +
                              " lacks train-images-idx3-ubyte, t10k-labels-idx1-ubyte (plain or with .gz)");
}

TEST_CASE("The places are TARN_DATA_DIR and examples data and the system and the cache", "[data][mnist]") {
  TemporaryFolder folder;
  fs::create_directory(folder / "below");
  CurrentFolder inside{folder / "below"};
  const auto folders = [](const fs::path& source) {
    std::vector<fs::path> result;
    for (const detail::Place& place : detail::data_places(source)) result.push_back(place.folder);
    return result;
  };
  std::vector<fs::path> above;
  for (fs::path at = fs::current_path();; at = at.parent_path()) {
    above.push_back(at / "examples" / "data");
    if (at == at.root_path()) break;
  }
  REQUIRE(above.size() >= 3);
  const auto join = [&](const std::vector<fs::path>& before, const std::vector<fs::path>& after) {
    std::vector<fs::path> all = before;
    all.insert(all.end(), above.begin(), above.end());
    all.insert(all.end(), after.begin(), after.end());
    return all;
  };

  Variable home{"HOME", "/home/somebody"};
  {
    Variable data{"TARN_DATA_DIR", "/some/data"}, cache{"XDG_CACHE_HOME", "/some/cache"};
    CHECK(folders("/source/examples/data") ==
          join({"/some/data", "/source/examples/data"}, {"/usr/share/datasets", "/some/cache/tarn"}));
    CHECK(folders("/some/data") == join({"/some/data"}, {"/usr/share/datasets", "/some/cache/tarn"}));
  }
  for (const char* no_cache : {"", "relative"}) {
    Variable data{"TARN_DATA_DIR", ""}, cache{"XDG_CACHE_HOME", no_cache};
    CHECK(folders("") == join({}, {"/usr/share/datasets", "/home/somebody/.cache/tarn"}));
  }
  {
    Variable data{"TARN_DATA_DIR", std::nullopt}, cache{"XDG_CACHE_HOME", std::nullopt}, no_home{"HOME", std::nullopt};
    CHECK(folders("") == join({}, {"/usr/share/datasets"}));
  }
}

TEST_CASE("TARN_DATA_DIR comes first", "[data][mnist]") {
  TemporaryFolder folder;
  write_set(folder, "mnist", 4);
  Variable data{"TARN_DATA_DIR", folder.path().string()};
  CHECK(mnist({.verify = false}).train.size() == 4);
}

TEST_CASE("Broken files of a set are refused by their structure without sums", "[data][mnist]") {
  TemporaryFolder folder;
  write_set(folder, "", 3, "");
  const auto path = [&](std::size_t file) { return folder / names[file]; };
  const auto check = [&](std::size_t file, const std::string& content, const std::string& words) {
    folder.write(names[file], content);
    CHECK(error_of([&] { mnist({.folder = folder.path(), .verify = false}); }) == words);
  };
  const std::string in_images = "IDX file " + quoted(path(0)) + ", byte ", in_labels = "IDX file " + quoted(path(3)) + ", byte ";
  const std::string images = idx({3, 28, 28});
  const std::string magic = ", expected the magic number 00 00 08 03 (unsigned bytes)";

  check(0, "", in_images + "0: found an empty file" + magic);
  check(0, "<!DOCTYPE html>\n<html>",
        in_images + "0: found \"<!DOCTYPE html>\", which looks like an HTML page" + magic + "; fetch the file again");
  check(0, images.substr(0, 1000),
        in_images + "1000: found the end of the file after 984 values, expected 2352 (the header says [3, 28, 28])");
  check(0, images.substr(0, images.size() - 1),
        in_images + "2367: found the end of the file after 2351 values, expected 2352 (the header says [3, 28, 28])");
  check(0, images + "x",
        in_images + "2368: found more values, expected the end of the file after 2352 (the header says [3, 28, 28])");
  check(0, idx({3}), in_images + "0: found 00 00 08 01 (unsigned bytes, rank 1)" + magic);
  check(0, idx({3, 32, 32}), in_images + "8: found samples of shape [32, 32], expected [28, 28]");
  check(0, files::idx_header({4294967295, 28, 28}) + images.substr(16),
        in_images +
            "2368: found the end of the file after 2352 values, expected 3367254359280 (the header says [4294967295, 28, 28])");
  check(0, gzip(images).substr(0, 100),
        "gzip file " + quoted(path(0)) +
            ", byte 100: found the end of the file, expected more compressed data (fetch the file again)");
  check(0, idx({2, 28, 28}),
        "IDX files " + quoted(path(0)) + " and " + quoted(path(1)) +
            ": found 2 images and 3 labels, expected equal counts (byte 4 of each)");
  folder.write(names[0], images);
  check(3, files::idx_header({2}) + "\t\n", in_labels + "9: found label 10, expected 0 to 9");
  fs::remove(path(3));
  fs::create_directory(path(3));
  CHECK(error_of([&] { mnist({.folder = folder.path(), .verify = false}); }) ==
        "file " + quoted(path(3)) + ": found a folder, expected a file");
}

TEST_CASE("Sets with the same names of files are told apart by their sub-folders", "[data][mnist]") {
  TemporaryFolder folder;
  write_set(folder, "", 2);
  write_set(folder, "mnist", 3);
  write_set(folder, "fashion-mnist", 4);
  CHECK(mnist({.folder = folder.path(), .verify = false}).train.size() == 3);
  CHECK(fashion_mnist({.folder = folder.path(), .verify = false}).train.size() == 4);
  CHECK(fashion_mnist({.folder = folder / "mnist", .verify = false}).train.size() == 3);
  fs::remove_all(folder / "fashion-mnist");
  CHECK(fashion_mnist({.folder = folder.path(), .verify = false}).train.size() == 2);
  fs::create_directory(folder / "fashion-mnist");
  CHECK(fashion_mnist({.folder = folder.path(), .verify = false}).train.size() == 2);
}

TEST_CASE("MNIST is not taken for Fashion-MNIST", "[data][mnist]") {
  const fs::path folder = real_files()[0].parent_path();
  CHECK(error_of([&] { fashion_mnist({.folder = folder}); }) ==
        "IDX file " + quoted(real_files()[0]) +
            ": found CRC-32 e9f4d8b3 (uncompressed), expected b4f29f28; this is another file or a changed one, fetch it again");
}

TEST_CASE("Fashion-MNIST has its known contents or all places and the remedy are named", "[data][mnist]") {
  const auto places = detail::data_places({});
  bool present = false;
  for (const detail::Place& place : places) present = present || fs::exists(place.folder / "fashion-mnist");
  if (!present) {
    std::string expected = "Fashion-MNIST: not found; searched, each with its sub-folder fashion-mnist:";
    for (const detail::Place& place : places) expected += "\n  " + quoted(place.folder) + " (" + place.origin + ")";
    CHECK(error_of([&] { detail::find_set(detail::fashion_mnist_set, {}, places); }) ==
          expected +
              "\nName the folder that holds the files by the option folder or by TARN_DATA_DIR. Debian's package "
              "dataset-fashion-mnist has them, and tarn::download::fashion_mnist() fetches them.");
    return;
  }
  const auto [train, test] = fashion_mnist();
  CHECK(train.inputs.shape() == Shape{60000, 28, 28, 1});
  CHECK(test.inputs.shape() == Shape{10000, 28, 28, 1});
  std::vector<Index> counts(10), test_counts(10);
  for (std::uint8_t label : stored(train.targets)) ++counts[label];
  for (std::uint8_t label : stored(test.targets)) ++test_counts[label];
  CHECK(counts == std::vector<Index>(10, 6000));
  CHECK(test_counts == std::vector<Index>(10, 1000));
  CHECK(train.targets.at(0) == 9);

  // Sums over all pixels, taken with Python from the files: mean 0.2860 and deviation 0.3530 of the training images.
  CHECK(sums_of(stored(train.inputs)).pixels == 3431114169);
  CHECK(sums_of(stored(train.inputs)).squares == 631470052347);
}
