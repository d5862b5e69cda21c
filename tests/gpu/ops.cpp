// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

using fake::Twin;
using support::reference_tolerance;

TEMPLATE_TEST_CASE("Activations and their gradients are those of the CPU", "[gpu][ops][card]", float, double) {
  fake::Device device;
  for (const Activation& f : {Activation{}, Activation{Tanh{}}, Activation{Sigmoid{}}, Activation{ReLU{}},
                              Activation{LeakyReLU{0.2}}, Activation{Softmax{}}}) {
    Twin<TestType> x{3, {5, 7}, 1}, y{3, {5, 7}, 2}, dy{3, {5, 7}, 3}, dx{3, {5, 7}, 4};
    ops::activate(f, x.cpu, y.cpu), ops::activate(f, x.gpu, y.gpu);
    ops::activation_gradient(f, y.cpu, dy.cpu, dx.cpu), ops::activation_gradient(f, y.gpu, dy.gpu, dx.gpu);
    CHECK(y.difference() < reference_tolerance<TestType>);
    CHECK(dx.difference() < reference_tolerance<TestType>);
    ops::activation_gradient(f, y.cpu, dy.cpu), ops::activation_gradient(f, y.gpu, dy.gpu);
    CHECK(dy.difference() < reference_tolerance<TestType>);
  }
  Twin<TestType> x{3, {5, 7}, 1}, other{3, {35}, 1};
  CHECK_THROWS_WITH(ops::activate(Tanh{}, x.gpu, other.gpu), "activate: y is [3, 35], expected [3, 5, 7]");
}

TEMPLATE_TEST_CASE("Pooling is that of the CPU, both ways", "[gpu][ops][card]", float, double) {
  fake::Device device;
  cpu::PoolGeometry g;
  g.in_h = 7, g.in_w = 5, g.channels = 3, g.window_h = 3, g.window_w = 2, g.stride_h = 2, g.stride_w = 1;
  g.out_h = 4, g.out_w = 5, g.pad_top = 1;
  Twin<TestType> x{5, {7, 5, 3}, 1}, y{5, {4, 5, 3}, 2}, dy{5, {4, 5, 3}, 3}, dx{5, {7, 5, 3}, 4};
  ops::max_pool2d(x.cpu, g, y.cpu), ops::max_pool2d(x.gpu, g, y.gpu);
  CHECK(y.difference() == 0);
  ops::max_pool2d_gradient(x.cpu, y.cpu, dy.cpu, g, dx.cpu), ops::max_pool2d_gradient(x.gpu, y.gpu, dy.gpu, g, dx.gpu);
  CHECK(dx.difference() < reference_tolerance<TestType>);
  ops::avg_pool2d(x.cpu, g, y.cpu), ops::avg_pool2d(x.gpu, g, y.gpu);
  CHECK(y.difference() < reference_tolerance<TestType>);
  ops::avg_pool2d_gradient(dy.cpu, g, dx.cpu), ops::avg_pool2d_gradient(dy.gpu, g, dx.gpu);
  CHECK(dx.difference() < reference_tolerance<TestType>);
  CHECK_THROWS_WITH(ops::avg_pool2d(y.gpu, g, y.gpu), "avg_pool2d: x is [5, 4, 5, 3], expected [5, 7, 5, 3]");
}

TEMPLATE_TEST_CASE("Sums and joins of branches are those of the CPU", "[gpu][ops][card]", float, double) {
  fake::Device device;
  Twin<TestType> part{3, {5, 2}, 1}, whole{3, {5, 7}, 2}, other{3, {5, 7}, 3};
  ops::put_channels(part.cpu, 4, whole.cpu), ops::put_channels(part.gpu, 4, whole.gpu);
  CHECK(whole.difference() == 0);
  ops::add(other.cpu, whole.cpu), ops::add(other.gpu, whole.gpu);
  CHECK(whole.difference() == 0);
  for (const bool accumulate : {false, true}) {
    ops::take_channels(whole.cpu, 1, part.cpu, accumulate), ops::take_channels(whole.gpu, 1, part.gpu, accumulate);
    CHECK(part.difference() == 0);
  }
  ops::copy(whole.cpu, other.cpu), ops::copy(whole.gpu, other.gpu);
  CHECK(other.difference() == 0);
  CHECK_THROWS_WITH(ops::put_channels(part.gpu, 6, whole.gpu),
                    "put_channels: [3, 5, 2] are not the channels from 6 on of [3, 5, 7]");
}

TEMPLATE_TEST_CASE("The gradient of a bias is the sum over rows, of no rows too", "[gpu][ops][card]", float, double) {
  fake::Device device;
  for (const Index channels : {1, 6, 300}) {
    Twin<TestType> x{37, {3, channels}, 1};
    Tensor<TestType, Gpu> sums{Shape{channels}};
    ops::sum_rows(x.gpu, sums.view());
    std::vector<double> expected(static_cast<std::size_t>(channels));
    for (Index i = 0; i < x.values.size(); ++i)
      expected[static_cast<std::size_t>(i % channels)] += static_cast<double>(x.values[i]);
    CHECK(support::relative_error(ops::to_host(sums), expected) < reference_tolerance<TestType>);
    ops::sum_rows(Batch<TestType, Gpu>{nullptr, 0, {3, channels}}, sums.view());
    CHECK(support::same_bits(ops::to_host(sums), Tensor<TestType>{Shape{channels}}));
  }
}

TEMPLATE_TEST_CASE("Dropout drops what it drops on the CPU, by element and by channel", "[gpu][ops][card]", float, double) {
  fake::Device device;
  const Stream stream{11, Purpose::layer, 3, 17};
  for (const bool per_channel : {false, true}) {
    Twin<TestType> x{5, {3, 3, 7}, 1}, y{5, {3, 3, 7}, 2};
    ops::dropout(x.cpu, 0.4, per_channel, stream, y.cpu), ops::dropout(x.gpu, 0.4, per_channel, stream, y.gpu);
    CHECK(y.difference() < 1e-7);
  }
  Twin<TestType> x{5, {4}, 1};
  CHECK_THROWS_WITH(ops::dropout(x.gpu, 1.0, false, stream, x.gpu), "dropout: rate is 1, expected at least 0 and below 1");
}

TEMPLATE_TEST_CASE("Batches are gathered from samples and rows in the GPU's memory", "[gpu][ops][card]", float, double) {
  fake::Device device;
  Tensor<std::uint8_t> bytes{Shape{6, 5}};
  for (Index i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(7 * i);
  const std::vector<std::uint32_t> rows{5, 0, 3};
  Twin<TestType> y{3, {5}, 1};
  Tensor<std::uint8_t, Gpu> samples{bytes.shape()};
  Tensor<std::uint32_t, Gpu> numbers{Shape{3}};
  ops::upload<std::uint8_t>(bytes.view(), samples.view());
  ops::upload(TensorView<const std::uint32_t, Cpu>{rows.data(), {3}}, numbers.view());
  ops::gather(TensorView<const std::uint8_t, Gpu>{samples.view()}, TensorView<const std::uint32_t, Gpu>{numbers.view()}, 0.5, 1.0,
              y.gpu);
  const auto got = ops::to_host(y.device);
  for (Index i = 0; i < got.size(); ++i)
    CHECK(got[i] ==
          static_cast<TestType>(0.5 * bytes[static_cast<Index>(rows[static_cast<std::size_t>(i / 5)]) * 5 + i % 5] + 1));
}

#else

TEST_CASE("Operations on the GPU need the headers of the CUDA toolkit", "[gpu][ops][card]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
