// SPDX-License-Identifier: MIT
// The bodies of narrow dense layers against those of one model after another. The instruction set is the one of TARN_CPU.
#include <cmath>
#include <vector>

#include <tarn/ops/matmul.hpp>

#include "../catch.hpp"

namespace {

using namespace tarn;
using Kind = Activation::Kind;

/// ModelNumbers in memory that is aligned as a batch's; of each model, and of one of them.
template <class T>
struct ModelNumbers {
  Tensor<T> all;
  Index lanes = cpu::lanes<T>();

  ModelNumbers(Index size, double start) : all{Shape{size * cpu::lanes<T>()}} {
    for (Index i = 0; i < all.size(); ++i) all[i] = static_cast<T>(std::sin(start + 1.7 * static_cast<double>(i)));
  }
  T* data() { return all.data(); }
  std::vector<T> model(Index lane) const {
    std::vector<T> one;
    for (Index i = lane; i < all.size(); i += lanes) one.push_back(all[i]);
    return one;
  }
};

/// Largest largest_difference, relative to numbers of about one; infinite where only one side is NaN.
template <class T>
double largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, static_cast<double>(std::abs(a[i] - b[i])));
  return a.size() == b.size() ? largest : INFINITY;
}

template <class T>
constexpr double narrow_tolerance = sizeof(T) == 4 ? 3e-6 : 1e-14;

template <class T>
void check_narrow_product(Index samples, Index inputs, Index outputs, const Activation& f, bool biased, bool gradient) {
  const Index lanes = cpu::lanes<T>();
  ModelNumbers<T> x{samples * inputs, 0.1}, kernel{inputs * outputs, 0.2}, bias{outputs, 0.3}, below{samples * outputs, 0.4};
  ModelNumbers<T> y{samples * outputs, 0.5};
  for (Index lane = 0; lane < lanes; ++lane) {  // a product that reads the kernel as it stands, or transposed
    auto own_x = x.model(lane), own_kernel = kernel.model(lane), own_bias = bias.model(lane), own_below = below.model(lane);
    std::vector<T> expected(static_cast<std::size_t>(samples * outputs));
    cpu::plain::narrow_product<T>({own_x.data(), own_kernel.data(), gradient ? 1 : outputs, gradient ? inputs : 1,
                                   biased ? own_bias.data() : nullptr, gradient ? own_below.data() : nullptr, expected.data(),
                                   samples, inputs, outputs, f.kind(), static_cast<T>(f.slope())});
    if (lane == 0) TARN_CPU_BODY(narrow_product, T)
    ({x.data(), kernel.data(), (gradient ? 1 : outputs) * lanes, (gradient ? inputs : 1) * lanes, biased ? bias.data() : nullptr,
      gradient ? below.data() : nullptr, y.data(), samples, inputs, outputs, f.kind(), static_cast<T>(f.slope())});
    CHECK(largest_difference(y.model(lane), expected) <= narrow_tolerance<T>);
  }
}

template <class T>
void check_narrow_gradients(Index samples, Index inputs, Index outputs, bool biased) {
  ModelNumbers<T> x{samples * inputs, 0.1}, dy{samples * outputs, 0.2}, dkernel{inputs * outputs, 0.3}, dbias{outputs, 0.4};
  const ModelNumbers<T> untouched = dbias;
  TARN_CPU_BODY(narrow_gradients, T)
  ({x.data(), dy.data(), samples, inputs, outputs, dkernel.data(), biased ? dbias.data() : nullptr});
  for (Index lane = 0; lane < cpu::lanes<T>(); ++lane) {
    auto own_x = x.model(lane), own_dy = dy.model(lane);
    std::vector<T> kernel(static_cast<std::size_t>(inputs * outputs)), bias(static_cast<std::size_t>(outputs));
    cpu::plain::narrow_gradients<T>({own_x.data(), own_dy.data(), samples, inputs, outputs, kernel.data(), bias.data()});
    CHECK(largest_difference(dkernel.model(lane), kernel) <= 20 * narrow_tolerance<T>);
    CHECK(largest_difference(dbias.model(lane), biased ? bias : untouched.model(lane)) <= 20 * narrow_tolerance<T>);
  }
}

}  // namespace

TEST_CASE("Narrow products worked by hand", "[cpu][narrow]") {
  const float x[] = {1, 2, -3, 4}, kernel[] = {1, -1, 2, 0.5F}, bias[] = {0.5F, -1}, below[] = {1, 0, 0, 2};
  float y[4];
  cpu::plain::narrow_product<float>({x, kernel, 2, 1, bias, nullptr, y, 2, 2, 2, Kind::relu, 0});  // x W + b = [5.5 -1; 5.5 4]
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{5.5F, 0, 5.5F, 4});
  cpu::plain::narrow_product<float>({x, kernel, 1, 2, nullptr, below, y, 2, 2, 2, Kind::relu, 0});  // x W^T = [-1 3; -7 -4]
  CHECK(std::vector<float>(y, y + 4) == std::vector<float>{-1, 0, 0, -4});
  float dkernel[4], dbias[2];
  cpu::plain::narrow_gradients<float>({x, below, 2, 2, 2, dkernel, dbias});
  CHECK(std::vector<float>(dkernel, dkernel + 4) == std::vector<float>{1, -6, 2, 8});
  CHECK(std::vector<float>(dbias, dbias + 2) == std::vector<float>{1, 2});
}

TEST_CASE("Narrow products of models are those of each model", "[cpu][narrow]") {
  const Activation functions[] = {Linear{}, Tanh{}, Sigmoid{}, ReLU{}, LeakyReLU{.slope = 0.1}};
  for (const Activation& f : functions)
    for (Index inputs = 1; inputs <= cpu::narrow_inputs; ++inputs)
      for (const Index outputs : {1, 2, 3, 5})
        for (const Index samples : {0, 1, 7}) {
          CAPTURE(static_cast<int>(f.kind()), inputs, outputs, samples);
          check_narrow_product<float>(samples, inputs, outputs, f, samples != 7, false);
          check_narrow_product<float>(samples, inputs, outputs, f, false, true);
          check_narrow_product<double>(samples, inputs, outputs, f, true, false);
          check_narrow_product<double>(samples, inputs, outputs, f, false, true);
        }
}

TEST_CASE("Narrow gradients of models are those of each model", "[cpu][narrow]") {
  for (Index inputs = 1; inputs <= cpu::narrow_inputs; ++inputs)
    for (const Index outputs : {1, 2, 3, 5})
      for (const Index samples : {0, 1, 7}) {
        CAPTURE(inputs, outputs, samples);
        check_narrow_gradients<float>(samples, inputs, outputs, true);
        check_narrow_gradients<double>(samples, inputs, outputs, samples != 7);
      }
}

TEST_CASE("A model that is not finite leaves its neighbours' narrow products alone", "[cpu][narrow]") {
  ModelNumbers<float> x{8, 0.1}, kernel{4, 0.2}, y{8, 0.3};
  if (x.lanes == 1) return;  // no neighbours
  for (Index i = 0; i < 8; ++i) x.data()[i * x.lanes + 1] = NAN;
  TARN_CPU_BODY(narrow_product, float)
  ({x.data(), kernel.data(), 2 * x.lanes, x.lanes, nullptr, nullptr, y.data(), 4, 2, 2, Kind::relu, 0});
  for (Index i = 0; i < y.all.size(); ++i) CHECK(std::isnan(y.all[i]) == (i % y.lanes == 1));
}
