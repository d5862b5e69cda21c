// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include <tarn/tarn.hpp>
#include <tarn/testing/gradient_check.hpp>

/// Models whose layers are chosen at run time. All kernels are compiled here, once for float and double, so that a test
/// file which goes this way compiles fast.
namespace support {

using AnySpec =
    std::variant<tarn::AvgPool2D, tarn::BatchNorm, tarn::Conv2D, tarn::Dense, tarn::Dropout, tarn::Flatten, tarn::GlobalAvgPool2D,
                 tarn::GlobalMaxPool2D, tarn::LeakyReLU, tarn::MaxPool2D, tarn::ReLU, tarn::Sigmoid, tarn::Softmax, tarn::Tanh>;

/// For float and double.
template <class T>
std::vector<tarn::LayerSpec<T>> layers(const std::vector<AnySpec>& specs);
template <class T>
tarn::Sequential<T> model(const tarn::Input& input, const std::vector<AnySpec>& specs) {
  return {input, layers<T>(specs)};
}

tarn::testing::GradientReport check_gradients(const tarn::Input& input, const std::vector<AnySpec>& specs,
                                              const tarn::testing::GradientCheckOptions& options = {});

/// The variants of problem 3: LeNet-5 with batch norm or dropout at the input and after each tanh.
enum class LeNet { batch_norm_hidden, batch_norm, dropout, both };
std::vector<AnySpec> lenet(LeNet variant);
/// The same pattern, with everything, for images of 12 x 12: small enough to train in a test.
std::vector<AnySpec> small_lenet();

inline const tarn::CategoricalCrossEntropy from_logits{.from_logits = true};

using Values = std::vector<double>;

struct Pass {
  bool training = true;
  std::uint64_t seed = 0;
  tarn::Index step = 0;
};
/// What one pass over a batch gave; all as double, by the parameters' names.
struct Run {
  tarn::Shape shape;  ///< of y
  Values y, dx;
  std::map<std::string, Values> gradients, state;
};
/// Forward, and in training backward from dy, of a model in T with these weights (others as initialized).
template <class T>
Run run(const tarn::Input& input, const std::vector<AnySpec>& specs, const std::map<std::string, Values>& weights,
        const Values& x, const Values& dy = {}, const Pass& pass = {});

/// Numbers in (-1, 1), a function of seed and position.
template <class T>
tarn::Tensor<T> numbers(const tarn::Shape& shape, std::uint64_t seed, double scale = 1, double offset = 0) {
  tarn::Tensor<T> result{shape};
  const tarn::Stream stream{seed, tarn::Purpose::initial_weights, 77};
  for (tarn::Index i = 0; i < result.size(); ++i) result[i] = static_cast<T>(offset + scale * (2 * stream.uniform(i) - 1));
  return result;
}
/// Images [n, side, side, 1] of bytes with labels [n] below 10.
tarn::Dataset byte_images(tarn::Index n, tarn::Index side, std::uint64_t seed);

/// Sets the pool's threads, and back at the end of the scope.
class Threads {
 public:
  explicit Threads(int count) : before_{tarn::parallel::threads()} { tarn::parallel::set_threads(count); }
  ~Threads() { tarn::parallel::set_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace support
