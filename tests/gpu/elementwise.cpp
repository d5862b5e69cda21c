// SPDX-License-Identifier: MIT
#include <tarn/cpu/plain/elementwise.hpp>

#include "../support/compare.hpp"
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

TEMPLATE_TEST_CASE("Activations and their gradients on the GPU agree with the definition, with and without a bias",
                   "[gpu][kernels]", float, double) {
  using Kind = Activation::Kind;
  for (const Kind kind : {Kind::linear, Kind::tanh, Kind::sigmoid, Kind::relu, Kind::leaky_relu})
    for (const std::size_t size : {1U, 35U, 259U}) {
      const double slope = kind == Kind::leaky_relu ? 0.25 : 0;
      const auto x = random_values(size, 4), gradient = random_values(size, 1, 1), bias = random_values(7, 1, 2);
      std::vector<double> z = x, y(size), dx(size);
      for (std::size_t i = 0; i < size; ++i) z[i] += bias[i % 7];
      y = z;
      cpu::plain::activate(kind, slope, z.data(), y.data(), static_cast<Index>(size));
      dx = gradient;
      cpu::plain::activation_gradient(kind, slope, y.data(), gradient.data(), dx.data(), static_cast<Index>(size));

      Buffer<TestType> in{x}, shift{bias}, out{size}, dy{gradient}, result{size};
      const auto count = static_cast<unsigned>(size);
      emulator::launch({2}, 64, Mode::loop, [&] {
        kernels::activate<TestType>(kind, static_cast<TestType>(slope), in.data(), shift.data(), out.data(), count, 7);
      });
      CHECK(support::relative_error(out, y) < support::reference_tolerance<TestType>);
      emulator::launch({1}, 32, Mode::loop, [&] {
        kernels::activation_gradient<TestType>(kind, static_cast<TestType>(slope), out.data(), dy.data(), result.data(), count);
      });
      CHECK(support::relative_error(result, dx) < support::reference_tolerance<TestType>);
      emulator::launch({1}, 32, Mode::loop, [&] {
        kernels::activate<TestType>(kind, static_cast<TestType>(slope), in.data(), nullptr, in.data(), count, 7);
      });
      y = x;
      cpu::plain::activate(kind, slope, x.data(), y.data(), static_cast<Index>(size));
      CHECK(support::relative_error(in, y) < support::reference_tolerance<TestType>);
    }
}

TEST_CASE("An activation on the GPU keeps NaN", "[gpu][kernels]") {
  using Kind = Activation::Kind;
  for (const Kind kind : {Kind::linear, Kind::tanh, Kind::sigmoid, Kind::relu, Kind::leaky_relu}) {
    Buffer<float> x{1}, y{1};
    emulator::launch({1}, 32, Mode::loop, [&] { kernels::activate<float>(kind, 0.1F, x.data(), nullptr, y.data(), 1, 1); });
    CHECK(std::isnan(y[0]));
  }
}

TEMPLATE_TEST_CASE("Sums and moving averages on the GPU agree with the definition", "[gpu][kernels]", float, double) {
  const auto a = random_values(77), b = random_values(77, 3, 1);
  Buffer<TestType> x{a}, y{b}, value{b};
  emulator::launch({3}, 32, Mode::loop, [&] { kernels::add<TestType>(x.data(), y.data(), 77); });
  emulator::launch({1}, 32, Mode::loop, [&] { kernels::move_towards<TestType>(value.data(), x.data(), TestType(0.1), 77); });
  std::vector<double> sum(77), moved(77);
  for (std::size_t i = 0; i < 77; ++i) sum[i] = a[i] + b[i], moved[i] = b[i] + 0.1 * (a[i] - b[i]);
  CHECK(support::relative_error(y, sum) < support::reference_tolerance<TestType>);
  CHECK(support::relative_error(value, moved) < support::reference_tolerance<TestType>);
}

TEMPLATE_TEST_CASE("Channels are put side by side and taken apart on the GPU", "[gpu][kernels]", float, double) {
  const auto a = random_values(15), b = random_values(10, 1, 1);  // [5, 3], [5, 2]
  Buffer<TestType> x{a}, y{b}, both{25}, part{15};
  emulator::launch({1}, 32, Mode::loop, [&] {
    kernels::put_channels<TestType>(x.data(), both.data(), 15, 3, 5, 0);
    kernels::put_channels<TestType>(y.data(), both.data(), 10, 2, 5, 3);
  });
  for (std::size_t row = 0; row < 5; ++row) {
    CHECK(both[row * 5 + 2] == x[row * 3 + 2]);
    CHECK(both[row * 5 + 3] == y[row * 2]);
  }
  emulator::launch({1}, 32, Mode::loop, [&] { kernels::take_channels<TestType>(both.data(), part.data(), 15, 3, 5, 0, false); });
  CHECK(std::equal(part.begin(), part.end(), x.begin()));
  emulator::launch({1}, 32, Mode::loop, [&] { kernels::take_channels<TestType>(both.data(), y.data(), 10, 2, 5, 3, true); });
  CHECK(support::relative_error(y, random_values(10, 2, 1)) < 1e-6);
}

TEMPLATE_TEST_CASE("A matrix is transposed on the GPU", "[gpu][kernels]", float, double) {
  for (const unsigned rows : {1U, 7U, 50U}) {
    Buffer<TestType> x{random_values(rows * 3)}, y{rows * 3};
    emulator::launch({2}, 32, Mode::loop, [&] { kernels::transpose<TestType>(x.data(), y.data(), rows * 3, rows, 3); });
    for (std::size_t i = 0; i < rows * 3; ++i) CHECK(y[i % 3 * rows + i / 3] == x[i]);
  }
}

TEMPLATE_TEST_CASE("A user's function maps elements and channels on the GPU, and its sums are a channel each", "[gpu][kernels]",
                   float, double) {
  const auto values = random_values(9 * 70), slopes = random_values(70, 1, 1);
  Buffer<TestType> x{values}, slope{slopes}, y{values.size()}, sums{70};
  const auto prelu = [](TestType v, TestType s) { return v > 0 ? v : s * v; };
  const cpu::MapElements<TestType> elements{x.data()};
  const cpu::MapChannels<TestType, false> channels{slope.data()};
  emulator::launch({2}, 64, Mode::loop, [&] { kernels::map<TestType>(y.data(), 9 * 70, 70, prelu, elements, channels); });
  std::vector<double> expected(values.size()), total(70);
  for (std::size_t i = 0; i < values.size(); ++i) {
    expected[i] = values[i] > 0 ? values[i] : slopes[i % 70] * values[i];
    total[i % 70] += expected[i];
  }
  CHECK(support::relative_error(y, expected) < support::reference_tolerance<TestType>);
  for (const unsigned block : {64U, 256U}) {
    Buffer<kernels::SumOf<TestType>> parts{2 * 70};
    emulator::launch({2, (70 + block - 1) / block}, block, Mode::fibres,
                     [&] { kernels::reduce<TestType>(parts.data(), 9, 70, prelu, elements, channels); });
    emulator::launch({1}, 32, Mode::loop, [&] { kernels::finish_sums<TestType>(parts.data(), 2, sums.data(), 70); });
    CHECK(support::relative_error(sums, total) < support::reference_tolerance<TestType>);
  }
}

TEMPLATE_TEST_CASE("The gradient of a bias is summed over rows on the GPU, for one channel and for many", "[gpu][kernels]", float,
                   double) {
  for (const unsigned channels : {1U, 3U, 6U, 64U, 85U, 300U})
    for (const unsigned rows : {1U, 41U, 500U}) {
      const auto values = random_values(rows * channels);
      std::vector<double> total(channels);
      for (std::size_t i = 0; i < values.size(); ++i) total[i % channels] += values[i];
      Buffer<TestType> x{values}, sums{channels};
      Buffer<kernels::SumOf<TestType>> parts{3 * channels};
      emulator::launch({3, (channels + 255) / 256}, 256, Mode::fibres,
                       [&] { kernels::sum_rows<TestType>(parts.data(), x.data(), rows, channels); });
      emulator::launch({1}, 64, Mode::loop, [&] { kernels::finish_sums<TestType>(parts.data(), 3, sums.data(), channels); });
      CHECK(support::relative_error(sums, total) < 4 * support::reference_tolerance<TestType>);
    }
}
