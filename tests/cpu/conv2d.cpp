// SPDX-License-Identifier: MIT
// Every body of the convolution and dense kernels against loops in double. The instruction set is the one of TARN_CPU.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <tarn/layers/options.hpp>
#include <tarn/ops/conv2d.hpp>

#include "../catch.hpp"

namespace {

using namespace tarn;
using cpu::ConvGeometry;

/// Small numbers from a counter, the same for every type.
struct Numbers {
  std::uint32_t state = 1;
  double operator()() {
    state = state * 1664525U + 1013904223U;
    return static_cast<double>(state >> 8) / 8388608.0 - 1.0;
  }
};

/// [sample][element] to and from lanes; unused lanes hold a copy of the last sample, or zeros.
template <class T>
struct Images {
  Tensor<T> memory;
  Batch<T> batch;

  Images(Index count, const Shape& sample)
      : memory{Shape{(count + cpu::lanes<T>() - 1) / cpu::lanes<T>() * cpu::lanes<T>(), sample.size()}},
        batch{memory.data(), count, sample} {
    for (T& value : memory) value = std::numeric_limits<T>::quiet_NaN();
  }
  T& at(Index sample, Index element) {
    const Index lanes = batch.lanes();
    return batch.data()[(sample / lanes * batch.sample().size() + element) * lanes + sample % lanes];
  }
  void fill(const std::vector<double>& values, bool is_gradient) {
    const Index size = batch.sample().size(), count = batch.count();
    for (Index sample = 0; sample < batch.groups() * batch.lanes(); ++sample)
      for (Index i = 0; i < size; ++i) {
        const Index from = sample < count ? sample : count - 1;
        at(sample, i) = is_gradient && sample >= count ? T(0) : static_cast<T>(values[static_cast<std::size_t>(from * size + i)]);
      }
  }
};

/// Weights at an address that is aligned to a scalar only, as those of a flat buffer are.
template <class T>
struct Weights {
  Tensor<T> memory;
  TensorView<T> view;
  explicit Weights(const Shape& shape) : memory{Shape{shape.size() + 1}}, view{memory.data() + 1, shape} {
    for (T& value : memory) value = std::numeric_limits<T>::quiet_NaN();
  }
};

/// A convolution and its gradients, by the definition.
struct Reference {
  ConvGeometry g;
  Index count;
  std::vector<double> x, kernel, bias, y, dy, dx, dkernel, sums, taps;

  template <class T>
  Reference(const ConvGeometry& geometry, Index samples, T) : g{geometry}, count{samples} {
    Numbers numbers;
    const auto draw = [&](std::vector<double>& to, Index size) {
      to.resize(static_cast<std::size_t>(size));
      for (double& value : to) value = static_cast<double>(static_cast<T>(numbers()));
    };
    const auto zeros = [](std::vector<double>& to, Index size) { to.assign(static_cast<std::size_t>(size), 0.0); };
    draw(x, count * g.in_h * g.in_w * g.in_c);
    draw(kernel, g.depth() * g.out_c);
    draw(bias, g.out_c);
    draw(dy, count * g.pixels() * g.out_c);
    zeros(y, count * g.pixels() * g.out_c);
    zeros(dx, count * g.in_h * g.in_w * g.in_c);
    zeros(dkernel, g.depth() * g.out_c);
    zeros(sums, g.out_c);
    zeros(taps, g.kernel_h * g.kernel_w * g.out_c);
    for (Index n = 0; n < count; ++n)
      for (Index h = 0; h < g.out_h; ++h)
        for (Index w = 0; w < g.out_w; ++w)
          for (Index o = 0; o < g.out_c; ++o) {
            const auto out = static_cast<std::size_t>(((n * g.out_h + h) * g.out_w + w) * g.out_c + o);
            y[out] += bias[static_cast<std::size_t>(o)];
            sums[static_cast<std::size_t>(o)] += dy[out];
            for (Index i = 0; i < g.kernel_h; ++i)
              for (Index j = 0; j < g.kernel_w; ++j) {
                const Index row = h * g.stride_h + i - g.pad_top, column = w * g.stride_w + j - g.pad_left;
                if (row < 0 || row >= g.in_h || column < 0 || column >= g.in_w) continue;
                taps[static_cast<std::size_t>((i * g.kernel_w + j) * g.out_c + o)] += dy[out];
                for (Index c = 0; c < g.in_c; ++c) {
                  const auto in = static_cast<std::size_t>(((n * g.in_h + row) * g.in_w + column) * g.in_c + c);
                  const auto k = static_cast<std::size_t>(((i * g.kernel_w + j) * g.in_c + c) * g.out_c + o);
                  y[out] += x[in] * kernel[k];
                  dx[in] += dy[out] * kernel[k];
                  dkernel[k] += x[in] * dy[out];
                }
              }
          }
  }
};

/// What the kernels make of the same numbers.
template <class T>
struct Kernels {
  Images<T> x, y, dy, dx;
  Weights<T> kernel, bias, dkernel, sums, taps;

  explicit Kernels(const Reference& r, bool with_bias = true, bool training = false)
      : x{r.count, {r.g.in_h, r.g.in_w, r.g.in_c}},
        y{r.count, {r.g.out_h, r.g.out_w, r.g.out_c}},
        dy{r.count, {r.g.out_h, r.g.out_w, r.g.out_c}},
        dx{r.count, {r.g.in_h, r.g.in_w, r.g.in_c}},
        kernel{{r.g.kernel_h, r.g.kernel_w, r.g.in_c, r.g.out_c}},
        bias{{r.g.out_c}},
        dkernel{{r.g.kernel_h, r.g.kernel_w, r.g.in_c, r.g.out_c}},
        sums{{r.g.out_c}},
        taps{{r.g.kernel_h, r.g.kernel_w, r.g.out_c}} {
    x.fill(r.x, false);
    dy.fill(r.dy, true);
    for (std::size_t i = 0; i < r.kernel.size(); ++i) kernel.view[static_cast<Index>(i)] = static_cast<T>(r.kernel[i]);
    for (std::size_t i = 0; i < r.bias.size(); ++i) bias.view[static_cast<Index>(i)] = static_cast<T>(r.bias[i]);
    Tensor<T> scratch{Shape{ops::conv2d_scratch<T>(r.g)}};
    for (T& value : scratch) value = std::numeric_limits<T>::quiet_NaN();
    ops::conv2d(x.batch, kernel.view, with_bias ? TensorView<const T>{bias.view} : TensorView<const T>{}, r.g, Linear{}, y.batch,
                scratch, training);
    ops::conv2d_input_gradient(dy.batch, kernel.view, r.g, dx.batch, scratch);
    ops::conv2d_parameter_gradients(x.batch, y.batch, Linear{}, dy.batch, r.g, dkernel.view, sums.view, scratch,
                                    !training && ops::can_sum_taps<T, Cpu>(r.g) ? taps.view : TensorView<T>{});
  }
};

template <class T>
bool close(T value, double expected, double terms) {
  const double tolerance = 4.0 * std::numeric_limits<T>::epsilon() * (std::sqrt(terms) + 1.0) * 4.0;
  return std::abs(static_cast<double>(value) - expected) <= tolerance * (1.0 + std::abs(expected));
}

std::string text(const ConvGeometry& g, Index count) {
  return Shape{count, g.in_h, g.in_w, g.in_c}.to_string() + " by " + Shape{g.kernel_h, g.kernel_w, g.in_c, g.out_c}.to_string() +
         " to " + Shape{g.out_h, g.out_w, g.out_c}.to_string() + ", stride " + Shape{g.stride_h, g.stride_w}.to_string();
}

/// Compares every output, and says which was the first wrong one.
template <class T>
void compare(const Reference& r, bool training = false) {
  Kernels<T> k{r, true, training};
  const auto sample_terms = static_cast<double>(r.g.depth()), pixel_terms = static_cast<double>(r.count * r.g.pixels());
  const auto wrong_sample = [&](Images<T>& samples, const std::vector<double>& expected, double terms) {
    const Index size = samples.batch.sample().size();
    for (Index n = 0; n < r.count; ++n)
      for (Index i = 0; i < size; ++i)
        if (!close(samples.at(n, i), expected[static_cast<std::size_t>(n * size + i)], terms)) return n * size + i;
    return Index{-1};
  };
  const auto wrong_weight = [&](const TensorView<T>& values, const std::vector<double>& expected) {
    for (Index i = 0; i < values.size(); ++i)
      if (!close(values[i], expected[static_cast<std::size_t>(i)], pixel_terms)) return i;
    return Index{-1};
  };
  INFO(text(r.g, r.count));
  CHECK(wrong_sample(k.y, r.y, sample_terms) == -1);
  CHECK(wrong_sample(k.dx, r.dx, static_cast<double>(r.g.kernel_h * r.g.kernel_w * r.g.out_c)) == -1);
  CHECK(wrong_weight(k.dkernel.view, r.dkernel) == -1);
  CHECK(wrong_weight(k.sums.view, r.sums) == -1);
  if (training || !ops::can_sum_taps<T, Cpu>(r.g)) return;
  CHECK(wrong_weight(k.taps.view, r.taps) == -1);
  Tensor<T> sums{Shape{2, r.g.in_c}};
  ops::conv2d_input_gradient_sums<T, Cpu>(k.kernel.view, k.dkernel.view, k.taps.view, r.g, sums.view());
  std::vector<double> expected(static_cast<std::size_t>(2 * r.g.in_c));
  for (std::size_t i = 0; i < r.dx.size(); ++i) {
    const auto c = i % static_cast<std::size_t>(r.g.in_c);
    expected[c] += r.dx[i];
    expected[c + static_cast<std::size_t>(r.g.in_c)] += r.dx[i] * r.x[i];
  }
  for (Index i = 0; i < sums.size(); ++i)
    CHECK(close(sums[i], expected[static_cast<std::size_t>(i)], pixel_terms * sample_terms * static_cast<double>(r.g.out_c)));
}

ConvGeometry valid(Index h, Index w, Index in, Index kernel_h, Index kernel_w, Index out) {
  return {h, w, in, kernel_h, kernel_w, h - kernel_h + 1, w - kernel_w + 1, out, 0, 0};
}
ConvGeometry same(Index h, Index w, Index in, Index kernel_h, Index kernel_w, Index out) {
  return {h, w, in, kernel_h, kernel_w, h, w, out, (kernel_h - 1) / 2, (kernel_w - 1) / 2};
}
/// With padding as in Keras; the kernel may be larger than the input.
ConvGeometry strided(Index h, Index w, Index in, Size2D kernel, Index out, Size2D stride, Padding padding) {
  const auto rows = tarn::detail::place_windows(h, kernel.height, stride.height, padding);
  const auto columns = tarn::detail::place_windows(w, kernel.width, stride.width, padding);
  return {h,
          w,
          in,
          kernel.height,
          kernel.width,
          rows.count,
          columns.count,
          out,
          rows.padding,
          columns.padding,
          stride.height,
          stride.width};
}
ConvGeometry dense(Index in, Index out) { return valid(1, 1, in, 1, 1, out); }

}  // namespace

TEMPLATE_TEST_CASE("Convolutions and their gradients agree with loops in double", "[cpu][conv2d]", float, double) {
  const Index count = GENERATE(1, 3, 16, 17, 33);
  for (Index outputs = 1; outputs <= 17; ++outputs) compare<TestType>({same(5, 6, 1, 3, 3, outputs), count, TestType{}});
  for (Index inputs : {2, 3, 6, 17}) {
    compare<TestType>({valid(6, 7, inputs, 5, 5, 10), count, TestType{}});
    compare<TestType>({same(4, 5, inputs, 2, 3, 18), count, TestType{}});
    compare<TestType>({valid(3, 4, inputs, 1, 1, 7), count, TestType{}});
    compare<TestType>({valid(4, 9, inputs, 2, 3, 33), count, TestType{}});
  }
  compare<TestType>({same(12, 13, 1, 5, 5, 6), count, TestType{}});
  compare<TestType>({valid(9, 14, 6, 5, 5, 16), count, TestType{}});
  compare<TestType>({valid(5, 5, 16, 5, 5, 21), count, TestType{}});  // a dense layer
  compare<TestType>({same(2, 2, 3, 5, 5, 4), count, TestType{}});     // smaller than the kernel
  compare<TestType>({same(3, 1, 20, 3, 3, 17), count, TestType{}});
  compare<TestType>({same(1, 2, 2, 7, 7, 16), count, TestType{}});
  compare<TestType>({{5, 4, 2, 3, 2, 6, 6, 5, 2, 1}, count, TestType{}});  // as far as "full" padding goes, then further right
}

TEMPLATE_TEST_CASE("Convolutions with a stride and their gradients agree with loops in double", "[cpu][conv2d]", float, double) {
  const Index count = GENERATE(5, 17);
  for (const Padding padding : {Padding::valid, Padding::same})
    for (const Size2D stride : {Size2D{2}, Size2D{1, 2}, Size2D{3, 2}, Size2D{4, 5}})
      for (const Size2D kernel : {Size2D{1}, Size2D{2}, Size2D{3}, Size2D{5, 4}, Size2D{1, 5}}) {
        compare<TestType>({strided(7, 9, 2, kernel, 5, stride, padding), count, TestType{}});
        compare<TestType>({strided(6, 11, 17, kernel, 18, stride, padding), count, TestType{}});
      }
  compare<TestType>({strided(2, 3, 4, {5, 7}, 20, 2, Padding::same), count, TestType{}});  // smaller than the kernel
  compare<TestType>({strided(31, 30, 3, 5, 20, 2, Padding::same), count, TestType{}});
  compare<TestType>({strided(5, 6, 40, 3, 270, 2, Padding::same), count, TestType{}});
  for (const Size2D kernel : {Size2D{5}, Size2D{6}, Size2D{3, 5}})  // some or all phases of which have 3x3 taps
    compare<TestType>({strided(9, 10, 16, kernel, 17, {kernel.height == 3 ? 1 : 2, 2}, Padding::same), count, TestType{}});
  compare<TestType>({strided(28, 1, 1, {7, 1}, 3, {3, 1}, Padding::valid), count, TestType{}});
}

TEMPLATE_TEST_CASE("Dense layers and their gradients agree with loops in double", "[cpu][conv2d]", float, double) {
  const Index count = GENERATE(1, 3, 16, 17, 33, 150);
  for (Index outputs = 1; outputs <= 17; ++outputs) compare<TestType>({dense(9, outputs), count, TestType{}});
  for (Index inputs : {1, 2, 5, 64, 131})
    for (Index outputs : {1, 10, 84, 120}) compare<TestType>({dense(inputs, outputs), count, TestType{}});
}

TEMPLATE_TEST_CASE("A large convolution shares its weights out instead of the batch", "[cpu][conv2d]", float, double) {
  compare<TestType>({same(2, 3, 48, 3, 3, 160), 17, TestType{}});
  compare<TestType>({same(3, 2, 160, 3, 3, 48), 3, TestType{}});
  compare<TestType>({valid(6, 7, 200, 5, 5, 3), 20, TestType{}});
  compare<TestType>({dense(100, 520), 70, TestType{}});
  compare<TestType>({dense(700, 300), 33, TestType{}});  // several panels, in depth too
  compare<TestType>({dense(257, 1300), 16, TestType{}});
}

TEMPLATE_TEST_CASE("A 1x1 kernel on one pixel of several is no dense layer of them all", "[cpu][conv2d]", float, double) {
  const Index count = GENERATE(2, 40);
  for (const Index outputs : {4, 300, 1100}) {
    compare<TestType>({{2, 2, 3, 1, 1, 1, 1, outputs}, count, TestType{}});
    compare<TestType>({{1, 2, 5, 1, 1, 1, 1, outputs}, count, TestType{}});
  }
}

TEMPLATE_TEST_CASE("A kernel gradient is summed over several blocks of a large batch", "[cpu][conv2d]", float, double) {
  compare<TestType>({same(40, 11, 2, 3, 3, 5), 49, TestType{}});
  compare<TestType>({valid(14, 26, 4, 4, 4, 20), 9, TestType{}});
  compare<TestType>({dense(20, 2100), 130, TestType{}});
  compare<TestType>({dense(50, 40), 1100, TestType{}});
  compare<TestType>({dense(50, 1030), 600, TestType{}});  // in panels of outputs
  compare<TestType>({dense(73, 4200), 70, TestType{}});
}

TEMPLATE_TEST_CASE("In training 3x3 kernels on many channels go by tiles, and agree with loops in double", "[cpu][conv2d]", float,
                   double) {
  const Index count = GENERATE(3, 16, 35);
  for (const ConvGeometry& g :
       {same(8, 8, 16, 3, 3, 16), same(7, 9, 17, 3, 3, 33), valid(9, 8, 40, 3, 3, 20), valid(4, 17, 16, 3, 3, 130),
        same(4, 4, 150, 3, 3, 16), same(33, 6, 16, 3, 3, 18), same(6, 5, 70, 3, 3, 70), same(4, 4, 256, 3, 3, 250),
        ConvGeometry{9, 10, 20, 3, 3, 11, 12, 17, 2, 2},
        ConvGeometry{12, 6, 18, 3, 3, 12, 8, 16, 0, 3}}) {  // padding as far as it goes, and further
    INFO(text(g, count));
    REQUIRE(ops::detail::suits_winograd(g) == (cpu::lanes<TestType>() > 1));
    compare<TestType>({g, count, TestType{}}, true);
  }
}

TEST_CASE("Tiles are for training, for 3x3 kernels on many channels, and where they spare enough", "[cpu][conv2d]") {
  if (cpu::lanes<float>() == 1) return;
  for (const ConvGeometry& g :
       {same(8, 8, 15, 3, 3, 16), same(8, 8, 16, 3, 3, 15), same(8, 8, 16, 3, 2, 16), same(8, 8, 16, 5, 5, 16),
        same(5, 5, 16, 3, 3, 16), same(2, 2, 16, 3, 3, 16), valid(6, 6, 16, 3, 3, 16).transposed({3, 0, 6, 2}, {3, 0, 6, 2}),
        strided(17, 17, 16, 3, 16, 2, Padding::same)})
    CHECK_FALSE(ops::detail::suits_winograd(g));
  const Reference r{same(8, 8, 16, 3, 3, 16), 16, float{}};
  const Kernels<float> prediction{r}, training{r, true, true};
  const auto equal = [](const Tensor<float>& a, const Tensor<float>& b) { return std::equal(a.begin(), a.end(), b.begin()); };
  CHECK_FALSE(equal(prediction.y.memory, training.y.memory));  // they round otherwise
}

TEST_CASE("A convolution without bias starts from zero", "[cpu][conv2d]") {
  Reference r{same(4, 5, 2, 3, 3, 6), 5, float{}};
  Kernels<float> k{r, false};
  for (Index n = 0; n < 5; ++n)
    for (Index i = 0; i < 4 * 5 * 6; ++i)
      REQUIRE(close(k.y.at(n, i), r.y[static_cast<std::size_t>(n * 120 + i)] - r.bias[static_cast<std::size_t>(i % 6)], 18.0));
}

TEMPLATE_TEST_CASE("Convolutions give the same bits with any number of threads", "[cpu][conv2d][concurrency]", float, double) {
  const int before = parallel::threads();
  for (const ConvGeometry& g : {same(8, 9, 1, 5, 5, 6), valid(7, 8, 6, 5, 5, 16), dense(80, 34), dense(20, 270), dense(300, 520),
                                dense(50, 8200), same(2, 3, 48, 3, 3, 160), strided(9, 10, 5, 3, 20, 2, Padding::same),
                                same(33, 30, 3, 3, 3, 20), same(10, 7, 20, 3, 3, 150), same(4, 4, 260, 3, 3, 250)}) {
    const Reference r{g, 35, TestType{}};
    const bool training = ops::detail::suits_winograd(g);
    parallel::set_threads(1);
    const Kernels<TestType> one{r, true, training};
    for (int threads : {2, 3, 8}) {
      parallel::set_threads(threads);
      const Kernels<TestType> many{r, true, training};
      const auto equal = [](const Tensor<TestType>& a, const Tensor<TestType>& b) {
        return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(TestType)) == 0;
      };
      INFO(text(g, r.count) << ", " << threads << " threads");
      CHECK(equal(one.y.memory, many.y.memory));
      CHECK(equal(one.dx.memory, many.dx.memory));
      CHECK(equal(one.dkernel.memory, many.dkernel.memory));
      CHECK(equal(one.sums.memory, many.sums.memory));
      if (!training && ops::can_sum_taps<TestType, Cpu>(g)) CHECK(equal(one.taps.memory, many.taps.memory));
    }
  }
  parallel::set_threads(before);
}

TEST_CASE("An output does not depend on the batch around its sample", "[cpu][conv2d]") {
  if (cpu::lanes<float>() == 1) return;  // the plain bodies leave the order of a sum to Eigen
  for (const ConvGeometry& g : {same(9, 11, 3, 3, 3, 10), dense(50, 23), dense(600, 280)}) {
    const Reference many{g, 50, float{}};
    Reference few = many;
    few.count = 1;
    Kernels<float> a{many}, b{few};
    for (Index i = 0; i < g.pixels() * g.out_c; ++i) REQUIRE(a.y.at(0, i) == b.y.at(0, i));
    for (Index i = 0; i < g.in_h * g.in_w * g.in_c; ++i) REQUIRE(a.dx.at(0, i) == b.dx.at(0, i));
  }
}

TEST_CASE("A convolution applies its activation to each output once", "[cpu][conv2d]") {
  for (const ConvGeometry& g : {same(6, 7, 2, 3, 3, 5), dense(12, 200), same(6, 9, 16, 3, 3, 40)})
    for (Index count : {1, 40})
      for (const Activation& activation :
           {Activation{Tanh{}}, Activation{Sigmoid{}}, Activation{ReLU{}}, Activation{LeakyReLU{0.1}}, Activation{Softmax{}}}) {
        const Reference r{g, count, float{}};
        const bool training = ops::detail::suits_winograd(g);
        Kernels<float> k{r, true, training};
        Images<float> y{count, {g.out_h, g.out_w, g.out_c}};
        Tensor<float> scratch{Shape{ops::conv2d_scratch<float>(g)}};
        ops::conv2d(k.x.batch, k.kernel.view, k.bias.view, g, activation, y.batch, scratch, training);
        ops::activate(activation, k.y.batch, k.y.batch);
        for (Index i = 0; i < y.batch.size(); ++i) REQUIRE(y.memory[i] == k.y.memory[i]);
      }
}

TEMPLATE_TEST_CASE("An input gradient takes the derivative of the activation below with it", "[cpu][conv2d]", float, double) {
  for (const ConvGeometry& g : {same(6, 7, 2, 3, 3, 5), strided(6, 11, 3, 3, 4, 2, Padding::same), dense(300, 20)})
    for (Index count : {1, 40})
      for (const Activation& below : {Activation{Tanh{}}, Activation{ReLU{}}}) {
        const Reference r{g, count, TestType{}};
        Kernels<TestType> k{r};
        Images<TestType> dx{count, {g.in_h, g.in_w, g.in_c}};
        Tensor<TestType> scratch{Shape{ops::conv2d_scratch<TestType>(g)}};
        ops::conv2d_input_gradient(k.dy.batch, k.kernel.view, g, dx.batch, scratch.view(), below, &k.x.batch);
        ops::activation_gradient(below, k.x.batch, k.dx.batch);
        for (Index i = 0; i < dx.batch.size(); ++i) REQUIRE(dx.memory[i] == k.dx.memory[i]);
      }
}

TEST_CASE("An empty batch has a kernel gradient of zeros", "[cpu][conv2d]") {
  const Reference r{same(4, 4, 2, 3, 3, 3), 0, float{}};
  Kernels<float> k{r};
  for (float value : k.dkernel.view) REQUIRE(value == 0.0F);
  for (float value : k.sums.view) REQUIRE(value == 0.0F);
  for (float value : k.taps.view) REQUIRE(value == 0.0F);
}

TEST_CASE("Convolutions refuse sizes that do not fit the geometry", "[cpu][conv2d]") {
  const ConvGeometry g = same(4, 4, 2, 3, 3, 3);
  Images<float> x{2, {4, 4, 2}}, y{2, {4, 4, 2}};
  Weights<float> kernel{{3, 3, 2, 3}};
  CHECK_THROWS_WITH(ops::conv2d(x.batch, kernel.view, {}, g, Linear{}, y.batch, {}),
                    "conv2d: a sample of y has 32 elements, expected 48");
  Images<float> dy{2, {4, 4, 3}};
  CHECK_THROWS_AS(ops::conv2d_parameter_gradients(x.batch, dy.batch, Linear{}, dy.batch, g, kernel.view, {}, {}), StateError);
  Tensor<float> scratch{Shape{ops::conv2d_scratch<float>(g)}};
  CHECK_THROWS_WITH(
      ops::conv2d_parameter_gradients(x.batch, dy.batch, Linear{}, dy.batch, g, kernel.view, {}, scratch.view(), kernel.view),
      "conv2d_parameter_gradients: taps has 54 elements, expected 27");
  CHECK_THROWS_AS(ops::conv2d_input_gradient(dy.batch, kernel.view, g, x.batch, {}), StateError);
}
