// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <tarn/data/idx.hpp>

namespace tarn::data {

struct MnistOptions {
  std::filesystem::path folder{};  ///< the only place searched, as it is and its sub-folder mnist; empty: the usual places
  double scale = 1.0 / 255;        ///< pixels are seen as scale * byte, 0 to 1 unless said otherwise
  bool verify = true;              ///< compare CRC-32 sums; without, a set of other images of the same size can be read
};

struct TrainTest {
  Dataset train, test;
};

namespace detail {

struct NamedFile {
  const char* name;     // as in "train-images-idx3-ubyte"
  std::uint32_t crc32;  // of the uncompressed file
};

/// A published set of four IDX files. Another one (Fashion-MNIST) is one more such constant and a function of three lines.
struct NamedSet {
  const char* name;
  const char* subfolder;
  std::array<NamedFile, 4> files;  // images and labels of the training set, of the test set
  Index height, width;
  int classes;
  const char* remedy;  // one sentence: where the files can be had
};

inline constexpr NamedSet mnist_set{.name = "MNIST",
                                    .subfolder = "mnist",
                                    .files = {{{"train-images-idx3-ubyte", 0xe9f4d8b3},
                                               {"train-labels-idx1-ubyte", 0xe0cb4ad2},
                                               {"t10k-images-idx3-ubyte", 0x91373bdf},
                                               {"t10k-labels-idx1-ubyte", 0x4ab9eff9}}},
                                    .height = 28,
                                    .width = 28,
                                    .classes = 10,
                                    .remedy = "Tarn's source carries them in examples/data/mnist."};

struct Place {
  Path folder;
  std::string origin;  // what made it a place, as in "TARN_DATA_DIR"
};

/// The value of an environment variable as a path; empty if it is unset or empty.
inline Path path_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? Path{value} : Path{};
}

/// Where sets are searched, in this order. `source_data`: examples/data of the source tree that built the program, or empty.
inline std::vector<Place> data_places(const Path& source_data) {
  std::vector<Place> places;
  const auto add = [&](const Path& folder, const char* origin) {
    const bool known = std::any_of(places.begin(), places.end(), [&](const Place& place) { return place.folder == folder; });
    if (!folder.empty() && !known) places.push_back({folder, origin});
  };
  add(path_from("TARN_DATA_DIR"), "TARN_DATA_DIR");
  add(source_data, "the source tree");
  std::error_code error;
  for (Path folder = std::filesystem::current_path(error); !error && !folder.empty(); folder = folder.parent_path()) {
    add(folder / "examples" / "data", "the current folder or one above");
    if (folder == folder.parent_path()) break;
  }
  add("/usr/share/datasets", "the system");
  const Path cache = path_from("XDG_CACHE_HOME"), home = path_from("HOME");
  if (cache.is_absolute())
    add(cache / "tarn", "the cache");  // the XDG specification: a relative one is to be ignored
  else if (!home.empty())
    add(home / ".cache" / "tarn", "the cache");
  return places;
}

/// The file in `folder` that goes by this name: also train-images.idx3-ubyte for train-images-idx3-ubyte, plain or with .gz. Of
/// several the first that is no folder (some archives unpack to a folder beside the file). Empty if there is none.
inline Path find_file(const Path& folder, const std::string& name) {
  std::string dotted = name;
  dotted.replace(dotted.find("-idx"), 1, ".");
  Path found;
  for (const std::string& candidate : {name, name + ".gz", dotted, dotted + ".gz"}) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(folder / candidate, error);
    if (!exists(status)) continue;
    if (!is_directory(status)) return folder / candidate;
    if (found.empty()) found = folder / candidate;
  }
  return found;
}

struct FoundSet {
  Path folder;
  std::array<Path, 4> files;         // empty where missing
  std::vector<std::string> missing;  // names

  bool nothing() const { return missing.size() == files.size(); }
};

/// The set's files in `folder` itself, or in its sub-folder if it holds none of them.
inline FoundSet look_into(const Path& folder, const NamedSet& set) {
  const auto look = [&](const Path& where) {
    FoundSet found{where, {}, {}};
    for (std::size_t i = 0; i < set.files.size(); ++i) {
      found.files[i] = find_file(where, set.files[i].name);
      if (found.files[i].empty()) found.missing.push_back(set.files[i].name);
    }
    return found;
  };
  FoundSet found = look(folder);
  if (!found.nothing()) return found;
  FoundSet below = look(folder / set.subfolder);
  return below.nothing() ? found : below;
}

/// The four files of a set: in `folder` if it is named, else in the first place that holds any of them. Throws IoError if there
/// are none, and where some are there and others missing.
inline std::array<Path, 4> find_set(const NamedSet& set, const Path& folder, const std::vector<Place>& places) {
  FoundSet found;
  if (!folder.empty()) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(folder, error);
    if (!exists(status)) throw set_folder_not_found(set.name, folder);
    if (!is_directory(status)) throw set_folder_is_file(set.name, folder);
    found = look_into(folder, set);
  } else {
    std::vector<std::string> searched;
    bool anything = false;
    for (const Place& place : places) {
      found = look_into(place.folder, set);
      if ((anything = !found.nothing())) break;
      searched.push_back(quoted(place.folder) + " (" + place.origin + ")");
    }
    if (!anything) throw set_not_found(set.name, set.subfolder, searched, set.remedy);
  }
  if (!found.missing.empty()) throw set_incomplete(set.name, found.folder, found.missing);
  return found.files;
}

/// Reads a set that was found. Throws IoError as `read_idx_pair`, and for images of another size; if `verify`, for other sums.
inline TrainTest read_set(const NamedSet& set, const std::array<Path, 4>& files, double scale, bool verify) {
  const auto read = [&](std::size_t first) {
    IdxPairOptions options{.classes = set.classes, .scale = scale};
    options.images.min_rank = options.images.max_rank = 3;
    options.images.extents = Shape{set.height, set.width};
    if (verify) {
      options.images.crc32 = set.files[first].crc32;
      options.labels.crc32 = set.files[first + 1].crc32;
    }
    return read_idx_pair(files[first], files[first + 1], options);
  };
  return {read(0), read(2)};
}

}  // namespace detail

/// MNIST: 60,000 training and 10,000 test images of handwritten digits, uint8 [n, 28, 28, 1] seen as 0 to 1, and their labels,
/// uint8 [n], 0 to 9. `auto [train, test] = tarn::data::mnist();`
/// Searched for in `options.folder` alone if that is given. Else in TARN_DATA_DIR, examples/data (of the current folder and those
/// above it), /usr/share/datasets and the user's cache ($XDG_CACHE_HOME/tarn or ~/.cache/tarn), each with its sub-folder mnist;
/// the first place that holds any of the four files counts. Throws IoError if nothing is found (it lists the places), if one of
/// the four is missing, and for files that are broken or, by their CRC-32, not the published ones.
/// Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
// Static, since the in-tree builds define TARN_EXAMPLES_DATA and others do not: each translation unit has its own.
static inline TrainTest mnist(const MnistOptions& options = {}) {
#ifdef TARN_EXAMPLES_DATA
  const detail::Path source_data = TARN_EXAMPLES_DATA;
#else
  const detail::Path source_data;
#endif
  const auto files = detail::find_set(detail::mnist_set, options.folder, detail::data_places(source_data));
  return detail::read_set(detail::mnist_set, files, options.scale, options.verify);
}

}  // namespace tarn::data
