// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

using fake::TensorTwin;
using fake::Twin;
using support::reference_tolerance;

namespace {

/// All that a dense layer does, on both devices.
template <class T>
struct ProductTwins {
  Index in, out;
  Twin<T> x, y, dy, dx;
  TensorTwin<T> kernel{Shape{in, out}, 5, -0.3, 0.3}, bias{Shape{out}, 6}, dkernel{Shape{in, out}, 7}, dbias{Shape{out}, 8};
  Tensor<T> scratch{Shape{ops::matmul_scratch<T>(Shape{in, out})}};
  TensorView<T, Gpu> no_scratch;
  TensorView<const T, Gpu> no_bias;

  ProductTwins(Index count, Index inputs, Index outputs)
      : in{inputs}, out{outputs}, x{count, {in}, 1}, y{count, {out}, 2}, dy{count, {out}, 3}, dx{count, {in}, 4} {
    ops::clear_unused_lanes(dy.cpu);
  }
  void forward(const Activation& f, bool biased = true) {
    ops::matmul(x.cpu, kernel.in_cpu(), biased ? bias.in_cpu() : TensorView<const T>{}, f, y.cpu, scratch.view());
    ops::matmul(x.gpu, kernel.in_gpu(), biased ? bias.in_gpu() : no_bias, f, y.gpu, no_scratch);
  }
  void backward(const Activation& f, const Activation& below) {
    ops::matmul_parameter_gradients(x.cpu, y.cpu, f, dy.cpu, dkernel.on_cpu(), dbias.on_cpu(), scratch.view());
    ops::matmul_parameter_gradients(x.gpu, y.gpu, f, dy.gpu, dkernel.on_gpu(), dbias.on_gpu(), no_scratch);
    ops::matmul_input_gradient(dy.cpu, kernel.in_cpu(), dx.cpu, scratch.view(), below, &x.cpu);
    ops::matmul_input_gradient(dy.gpu, kernel.in_gpu(), dx.gpu, no_scratch, below, &x.gpu);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Dense products and their gradients are those of the CPU, with epilogues and without", "[gpu][matmul][card]",
                   float, double) {
  fake::Device device;
  for (const bool epilogues : {true, false}) {
    fake::Blas::has_epilogues = epilogues;
    for (const auto& [count, in, out] : {std::array<Index, 3>{1, 1, 1}, {7, 13, 5}, {33, 84, 10}, {5, 300, 257}}) {
      for (const Activation& f : {Activation{}, Activation{ReLU{}}, Activation{Sigmoid{}}, Activation{Softmax{}}}) {
        ProductTwins<TestType> layer{count, in, out};
        INFO(count << " x " << in << " x " << out << ", " << static_cast<int>(f.kind()));
        for (const bool biased : {false, true}) {
          layer.forward(f, biased);
          CHECK(layer.y.difference() < reference_tolerance<TestType>);
        }
        layer.backward(f, f.is_elementwise() ? f : Activation{});
        CHECK(layer.dkernel.difference() < reference_tolerance<TestType>);
        CHECK(layer.dbias.difference() < reference_tolerance<TestType>);
        CHECK(layer.dx.difference() < reference_tolerance<TestType>);
      }
    }
    fake::Blas::has_epilogues = true;
    device.context.math.tf32 = true;  // plans of their own
  }
}

TEST_CASE("Bias, ReLU and the gradient of a bias are part of the product where the library can", "[gpu][matmul]") {
  fake::Device device;
  ProductTwins<float> layer{4, 6, 3};
  fake::Blas::products = fake::Blas::epilogues = 0;
  layer.forward(ReLU{});
  layer.forward({});
  layer.forward(Tanh{});
  layer.forward({}, false);
  CHECK(fake::Blas::products == 4);
  CHECK(fake::Blas::epilogues == 2);
  const auto launches = device.gpu->launches;
  layer.backward({}, {});
  CHECK(fake::Blas::products == 6);
  CHECK(fake::Blas::epilogues == 3);
  CHECK(device.gpu->launches == launches);
}

TEST_CASE("Weights at any address are multiplied, as they stand in a flat buffer", "[gpu][matmul][card]") {
  fake::Device device;
  ProductTwins<float> layer{5, 6, 3};
  Tensor<float, Gpu> flat{Shape{64}};
  const auto kernel = flat.view().part(1, {6, 3}), bias = flat.view().part(19, {3});
  ops::copy(layer.kernel.in_gpu(), kernel), ops::copy(layer.bias.in_gpu(), bias);
  layer.forward(ReLU{});
  ops::matmul(layer.x.gpu, kernel, bias, ReLU{}, layer.y.gpu, {});
  CHECK(layer.y.difference() < reference_tolerance<float>);
  ops::matmul_parameter_gradients(layer.x.gpu, layer.y.gpu, ReLU{}, layer.dy.gpu, kernel, bias, {});
  ops::matmul_parameter_gradients(layer.x.cpu, layer.y.cpu, ReLU{}, layer.dy.cpu, layer.dkernel.on_cpu(), layer.dbias.on_cpu(),
                                  layer.scratch.view());
  ops::copy(TensorView<const float, Gpu>{kernel}, layer.dkernel.on_gpu());
  CHECK(layer.dkernel.difference() < reference_tolerance<float>);
}

TEST_CASE("A product without samples does nothing, and its gradients are zero", "[gpu][matmul][card]") {
  fake::Device device;
  ProductTwins<float> layer{0, 6, 3};
  layer.forward(ReLU{});
  layer.backward(ReLU{}, {});
  CHECK(support::same_bits(ops::to_host(layer.dkernel.gpu), Tensor<float>{Shape{6, 3}}));
  CHECK(support::same_bits(ops::to_host(layer.dbias.gpu), Tensor<float>{Shape{3}}));
}

TEST_CASE("Products are captured once their shape is known", "[gpu][matmul][card]") {
  fake::Device device;
  ProductTwins<float> layer{3, 5, 2}, other{3, 5, 4};
  layer.forward(Tanh{});
  CHECK_THROWS_WITH(
      device.context.capture([&] { ops::matmul(other.x.gpu, other.kernel.in_gpu(), other.no_bias, Tanh{}, other.y.gpu, {}); }),
      "gpu: planning the product in float of [3, 5] and [5, 4] while a graph is captured, expected before or after");
  const auto graph = device.context.capture(
      [&] { ops::matmul(layer.x.gpu, layer.kernel.in_gpu(), layer.bias.in_gpu(), Tanh{}, layer.y.gpu, layer.no_scratch); });
  for (Index i = 0; i < layer.x.values.size(); ++i) layer.x.values[i] *= 0.5F;
  layer.x.set();
  device.context.play(graph);
  ops::matmul(layer.x.cpu, layer.kernel.in_cpu(), layer.bias.in_cpu(), Tanh{}, layer.y.cpu, layer.scratch.view());
  CHECK(layer.y.difference() < reference_tolerance<float>);
}

TEST_CASE("Whichever call of cuBLASLt fails, the error is typed, nothing leaks and the next attempt works", "[gpu][matmul]") {
  fake::Gpu gpu;
  const auto work = [] {
    gpu::Context context;
    const gpu::CurrentContext current{context};
    ProductTwins<float> layer{4, 6, 3};
    layer.forward(ReLU{});
    layer.backward(ReLU{}, {});
  };
  const fake::Failures failures =
      fake::fail_each_call(gpu, "cublas", 1, work, [](const std::string& name, const DeviceError& error) {
        CHECK_THAT(error.what(), Catch::Matchers::StartsWith("gpu: " + name + ": CUBLAS_STATUS_ALLOC_FAILED (3), at "));
      });
  CHECK(failures.errors == failures.attempts);
  CHECK(failures.errors > 30);
}

#else

TEST_CASE("Products on the GPU need the headers of the CUDA toolkit", "[gpu][matmul]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
