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

struct TrainTest {
  Dataset train, test;
};

namespace detail {

struct NamedFile {
  const char* name;     // as in "train-images-idx3-ubyte"
  std::uint32_t crc32;  // of the uncompressed file
};

/// A published set of four IDX files. Another one is one more such constant and a function of three lines (mnist.hpp).
struct NamedSet {
  const char* name;
  const char* subfolder;
  std::array<NamedFile, 4> files;  // images and labels of the training set, of the test set
  Index height, width;
  int classes;
  const char* remedy;  // one sentence: where the files can be had
};

struct Place {
  Path folder;
  std::string origin;  // what made it a place, as in "TARN_DATA_DIR"
};

/// The value of an environment variable as a path; empty if it is unset or empty.
inline Path path_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? Path{value} : Path{};
}

/// Tarn's folder in the user's cache, $XDG_CACHE_HOME/tarn or ~/.cache/tarn; empty if neither variable is set. A relative
/// XDG_CACHE_HOME is ignored, as the XDG base directory specification asks.
inline Path cache_folder() {
  const Path cache = path_from("XDG_CACHE_HOME"), home = path_from("HOME");
  if (cache.is_absolute()) return cache / "tarn";
  return home.empty() ? Path{} : home / ".cache" / "tarn";
}

/// Where sets are searched, in this order. `source_data`: examples/data of the source tree that built the program, or empty.
template <class = void>
std::vector<Place> data_places(const Path& source_data) {
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
  add(cache_folder(), "the cache");
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

/// The set's files in the sub-folder of `folder` that has the set's name, or in `folder` itself if there are none of them: sets
/// share the names of their files, so the sub-folder tells them apart.
inline FoundSet look_into(const Path& folder, const NamedSet& set) {
  const auto look = [&](const Path& where) {
    FoundSet found{where, {}, {}};
    for (std::size_t i = 0; i < set.files.size(); ++i) {
      found.files[i] = find_file(where, set.files[i].name);
      if (found.files[i].empty()) found.missing.push_back(set.files[i].name);
    }
    return found;
  };
  FoundSet below = look(folder / set.subfolder);
  return below.nothing() ? look(folder) : below;
}

/// The four files of a set: in `folder` if it is named, else in the first place that holds any of them. Throws IoError if there
/// are none, and where some are there and others missing.
template <class = void>
std::array<Path, 4> find_set(const NamedSet& set, const Path& folder, const std::vector<Place>& places) {
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
template <class = void>
TrainTest read_set(const NamedSet& set, const std::array<Path, 4>& files, double scale, bool verify) {
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

}  // namespace tarn::data
