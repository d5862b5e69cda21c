// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <tarn/data/named_set.hpp>
#include <tarn/download/fetch.hpp>

namespace tarn::download {

struct Options {
  std::filesystem::path folder{};      ///< where the files go; empty: the set's folder in the user's cache
  std::vector<std::string> mirrors{};  ///< addresses of the folder that holds the files, tried in order; empty: the usual ones
  ProgressCallback progress = show_progress;  ///< may be null
};

namespace detail {

/// A set that is published as files in one folder.
struct RemoteSet {
  const char* name;
  const char* subfolder;
  std::vector<RemoteFile> files;
  std::vector<std::string> mirrors;
};

/// Downloads what is not there yet; returns the folder.
inline std::filesystem::path fetch_set(const RemoteSet& set, const Options& options) {
  std::filesystem::path folder = options.folder;
  if (folder.empty()) {
    const std::filesystem::path cache = data::detail::cache_folder();
    if (cache.empty())
      throw IoError("download: no cache folder for ", set.name,
                    ", since neither XDG_CACHE_HOME nor HOME is set; name one by the option folder");
    folder = cache / set.subfolder;
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError("download: folder ", data::detail::quoted(folder), ": cannot be made (", error.message(), ")");
  for (const RemoteFile& file : set.files) {
    std::vector<std::string> urls;
    for (const std::string& mirror : options.mirrors.empty() ? set.mirrors : options.mirrors)
      urls.push_back(mirror + (mirror.ends_with('/') ? "" : "/") + file.name);
    fetch(file, urls, folder / file.name, options.progress);
  }
  return folder;
}

// Sizes and sums: https://github.com/tensorflow/datasets (tensorflow_datasets/url_checksums).
inline RemoteSet mnist_files() {
  return {.name = "MNIST",
          .subfolder = "mnist",
          .files = {{"train-images-idx3-ubyte.gz", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
                    {"train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
                    {"t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
                    {"t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}},
          .mirrors = {"https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"}};
}
inline RemoteSet fashion_mnist_files() {
  return {.name = "Fashion-MNIST",
          .subfolder = "fashion-mnist",
          .files = {{"train-images-idx3-ubyte.gz", 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
                    {"train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
                    {"t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
                    {"t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}},
          .mirrors = {"https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"}};
}

}  // namespace detail

/// Downloads the four files of MNIST, 11.6 MB, into $XDG_CACHE_HOME/tarn/mnist or ~/.cache/tarn/mnist, where `data::mnist()` finds
/// them, or into `options.folder`; what is there already and sound stays. Returns that folder. Each file appears whole, with its
/// published SHA-256 sum, or not at all.
/// Throws IoError where the folder cannot be made or written to, and where no mirror gives a file: with each URL, HTTP status and reason.
inline std::filesystem::path mnist(const Options& options = {}) { return detail::fetch_set(detail::mnist_files(), options); }

/// The same for Fashion-MNIST, 30.9 MB, for `data::fashion_mnist()`.
inline std::filesystem::path fashion_mnist(const Options& options = {}) {
  return detail::fetch_set(detail::fashion_mnist_files(), options);
}

}  // namespace tarn::download
