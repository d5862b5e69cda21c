// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>

#include <tarn/data/named_set.hpp>

namespace tarn::data {

/// For every set of MNIST's form.
struct MnistOptions {
  std::filesystem::path folder{};  ///< the only place searched, with its sub-folder of the set's name; empty: the usual ones
  double scale = 1.0 / 255;        ///< pixels are seen as scale * byte, 0 to 1 unless said otherwise
  bool verify = true;              ///< compare CRC-32 sums; without, a set of other images of the same size can be read
};

namespace detail {

inline constexpr NamedSet mnist_set{
    .name = "MNIST",
    .subfolder = "mnist",
    .files = {{{"train-images-idx3-ubyte", 0xe9f4d8b3},
               {"train-labels-idx1-ubyte", 0xe0cb4ad2},
               {"t10k-images-idx3-ubyte", 0x91373bdf},
               {"t10k-labels-idx1-ubyte", 0x4ab9eff9}}},
    .height = 28,
    .width = 28,
    .classes = 10,
    .remedy = "Tarn's source carries them in examples/data/mnist, and tarn::download::mnist() fetches them."};

inline constexpr NamedSet fashion_mnist_set{
    .name = "Fashion-MNIST",
    .subfolder = "fashion-mnist",
    .files = {{{"train-images-idx3-ubyte", 0xb4f29f28},
               {"train-labels-idx1-ubyte", 0x741a4657},
               {"t10k-images-idx3-ubyte", 0x678fe0b1},
               {"t10k-labels-idx1-ubyte", 0x80142c1f}}},
    .height = 28,
    .width = 28,
    .classes = 10,
    .remedy = "Debian's package dataset-fashion-mnist has them, and tarn::download::fashion_mnist() fetches them."};

/// The folder examples/data of the source tree that built the program, or empty.
// Static, as all that calls it, since the in-tree builds define TARN_EXAMPLES_DATA and others do not: each translation unit has its
// own.
static inline Path source_data() {
#ifdef TARN_EXAMPLES_DATA
  return TARN_EXAMPLES_DATA;
#else
  return {};
#endif
}

static inline TrainTest load_set(const NamedSet& set, const MnistOptions& options) {
  return read_set(set, find_set(set, options.folder, data_places(source_data())), options.scale, options.verify);
}

}  // namespace detail

/// MNIST: 60,000 training and 10,000 test images of handwritten digits, uint8 [n, 28, 28, 1] seen as 0 to 1, and their labels,
/// uint8 [n], 0 to 9. `auto [train, test] = tarn::data::mnist();`
/// Searched for in `options.folder` alone if that is given. Else in TARN_DATA_DIR, examples/data (of the current folder and those
/// above it), /usr/share/datasets and the user's cache ($XDG_CACHE_HOME/tarn or ~/.cache/tarn), each with its sub-folder mnist;
/// the first place that holds any of the four files counts. Throws IoError if nothing is found (it lists the places), if one of
/// the four is missing, and for files that are broken or, by their CRC-32, not the published ones.
/// Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
static inline TrainTest mnist(const MnistOptions& options = {}) { return detail::load_set(detail::mnist_set, options); }

/// Fashion-MNIST: 60,000 training and 10,000 test images of articles of clothing, of MNIST's form: uint8 [n, 28, 28, 1] seen as 0 to
/// 1, and labels 0 to 9: T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.
/// Searched for as `mnist`, with the sub-folder fashion-mnist, and throws as it does. Debian's package dataset-fashion-mnist
/// puts it into /usr/share/datasets; `tarn::download::fashion_mnist()` into the user's cache.
/// Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms, 2017
/// (https://github.com/zalandoresearch/fashion-mnist).
static inline TrainTest fashion_mnist(const MnistOptions& options = {}) {
  return detail::load_set(detail::fashion_mnist_set, options);
}

}  // namespace tarn::data
