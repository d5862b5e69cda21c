// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"
#include "geometry.hpp"

using fake::TensorTwin;
using fake::Twin;
using support::geometry;
using support::reference_tolerance;

namespace {

const std::vector<cpu::ConvGeometry>& geometries() {
  static const std::vector<cpu::ConvGeometry> all{geometry(9, 7, 3, 3, 1, Padding::same, 5),
                                                  geometry(9, 7, 1, {5, 2}, 1, Padding::valid, 6),
                                                  geometry(8, 9, 2, {2, 4}, {2, 3}, Padding::same, 3),
                                                  geometry(8, 9, 2, 3, {3, 2}, Padding::valid, 17),
                                                  geometry(5, 9, 2, 3, 4, Padding::valid, 3),
                                                  geometry(5, 4, 3, {5, 4}, 1, Padding::valid, 7),
                                                  geometry(5, 4, 3, {7, 9}, 1, Padding::same, 2),
                                                  geometry(4, 3, 5, 1, 1, Padding::valid, 3),
                                                  geometry(5, 7, 5, 1, 2, Padding::same, 3)};
  return all;
}

/// All that a layer does with a geometry, on both devices.
template <class T>
struct ConvolutionTwins {
  cpu::ConvGeometry g;
  Shape in{g.in_h, g.in_w, g.in_c}, out{g.out_h, g.out_w, g.out_c}, weights{g.kernel_h, g.kernel_w, g.in_c, g.out_c};
  Twin<T> x, y, dy, dx;
  TensorTwin<T> kernel{weights, 5}, bias{Shape{g.out_c}, 6}, dkernel{weights, 7}, dbias{Shape{g.out_c}, 8};
  Tensor<T> scratch{Shape{ops::conv2d_scratch<T>(g)}};
  Tensor<T, Gpu> scratch_on_gpu{Shape{ops::conv2d_scratch<T, Gpu>(g)}};
  TensorView<const T, Gpu> no_bias;

  ConvolutionTwins(const cpu::ConvGeometry& geometry, Index count)
      : g{geometry}, x{count, in, 1}, y{count, out, 2}, dy{count, out, 3}, dx{count, in, 4} {
    ops::clear_unused_lanes(dy.cpu);
  }
  void forward(const Activation& f, bool biased = true) {
    const TensorView<const T, Cpu> none;
    ops::conv2d(x.cpu, kernel.in_cpu(), biased ? bias.in_cpu() : none, g, f, y.cpu, scratch);
    ops::conv2d(x.gpu, kernel.in_gpu(), biased ? bias.in_gpu() : no_bias, g, f, y.gpu, scratch_on_gpu);
  }
  void backward(const Activation& f, const Activation& below) {
    ops::conv2d_parameter_gradients(x.cpu, y.cpu, f, dy.cpu, g, dkernel.on_cpu(), dbias.on_cpu(), scratch);
    ops::conv2d_input_gradient(dy.cpu, kernel.in_cpu(), g, dx.cpu, scratch, below, &x.cpu);
    backward_on_gpu(f, below);
  }
  void backward_on_gpu(const Activation& f, const Activation& below) {
    ops::conv2d_parameter_gradients(x.gpu, y.gpu, f, dy.gpu, g, dkernel.on_gpu(), dbias.on_gpu(), scratch_on_gpu);
    ops::conv2d_input_gradient(dy.gpu, kernel.in_gpu(), g, dx.gpu, scratch_on_gpu, below, &x.gpu);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("Convolutions are those of the CPU, with bias and activation, fused and not", "[gpu][conv2d][card]", float,
                   double) {
  fake::Device device;
  for (const bool fused : {true, false}) {
    fake::Dnn::has_fusions = fake::Blas::has_epilogues = fused;
    for (const auto& g : geometries()) {
      ConvolutionTwins<TestType> layer{g, 5};
      for (const Activation& f : {Activation{}, Activation{ReLU{}}, Activation{Tanh{}}, Activation{Softmax{}}})
        for (const bool biased : {true, false}) {
          layer.forward(f, biased);
          INFO(layer.in.to_string() << " -> " << layer.out.to_string() << ", " << static_cast<int>(f.kind()) << ", bias "
                                    << biased);
          CHECK(layer.y.difference() < reference_tolerance<TestType>);
        }
    }
    fake::Dnn::has_fusions = fake::Blas::has_epilogues = true;
    device.context.math.deterministic = true;  // plans of their own
  }
}

TEMPLATE_TEST_CASE("Gradients of convolutions are those of the CPU, with activations above and below", "[gpu][conv2d][card]",
                   float, double) {
  fake::Device device;
  for (const auto& g : geometries())
    for (const Activation& f : {Activation{}, Activation{Tanh{}}, Activation{Softmax{}}}) {
      ConvolutionTwins<TestType> layer{g, 5};
      INFO(layer.in.to_string() << " -> " << layer.out.to_string() << ", " << static_cast<int>(f.kind()));
      layer.forward(f);
      layer.backward(f, f.is_elementwise() ? f : Activation{});
      CHECK(layer.dy.difference() < reference_tolerance<TestType>);
      CHECK(layer.dkernel.difference() < reference_tolerance<TestType>);
      CHECK(layer.dbias.difference() < reference_tolerance<TestType>);
      CHECK(layer.dx.difference() < reference_tolerance<TestType>);
    }
}

TEST_CASE("A convolution without samples does nothing, and its gradients are zero", "[gpu][conv2d][card]") {
  fake::Device device;
  for (const auto& g : geometries()) {
    ConvolutionTwins<float> layer{g, 0};
    layer.forward(ReLU{});
    layer.backward_on_gpu(ReLU{}, {});
    CHECK(support::same_bits(ops::to_host(layer.dkernel.gpu), Tensor<float>{layer.weights}));
    CHECK(support::same_bits(ops::to_host(layer.dbias.gpu), Tensor<float>{Shape{g.out_c}}));
  }
}

TEST_CASE("Float stays float unless TF32 is allowed, and sums have a fixed order on demand", "[gpu][conv2d]") {
  fake::Device device;
  ConvolutionTwins<float> layer{geometries()[0], 2};
  fake::Dnn::executed.clear();
  layer.forward({});
  device.context.math.deterministic = true;
  layer.forward({});
  device.context.math.tf32 = true;
  layer.forward({});
  CHECK(fake::Dnn::executed == std::vector<std::int64_t>{3, 4, 0});
  ConvolutionTwins<double> wide{geometries()[0], 2};
  wide.forward({});
  CHECK(fake::Dnn::executed.back() == 0);  // whose tensor cores round nothing there
}

TEST_CASE("The fastest way of a convolution is measured once, and known to the next program", "[gpu][conv2d]") {
  const auto folder = std::filesystem::temp_directory_path() / "tarn_tuning";
  std::filesystem::remove_all(folder);
  const auto engines = [&] {
    fake::Device device;
    setenv("TARN_CACHE_DIR", folder.c_str(), 1);
    device.context.math.autotune = true;
    ConvolutionTwins<float> layer{geometries()[0], 2};
    fake::Dnn::executed.clear();
    layer.forward({});
    layer.forward({});
    CHECK(layer.y.difference() < reference_tolerance<float>);
    return fake::Dnn::executed;
  };
  fake::Dnn::slow_engine = 3;
  const auto measured = engines();
  CHECK(std::count(measured.begin(), measured.end(), 3) == 21);
  CHECK(std::count(measured.begin(), measured.end(), 4) == 23);
  CHECK(measured.back() == 4);
  CHECK(engines() == std::vector<std::int64_t>{4, 4});
  fake::Dnn::slow_engine = 4;
  for (const auto& file : std::filesystem::directory_iterator{folder})
    if (file.path().filename().string().rfind("convolution-", 0) == 0) std::ofstream{file.path()} << "1 4\nfor something else";
  CHECK(engines().back() == 3);
  fake::Dnn::slow_engine = -1;
  std::filesystem::remove_all(folder);
}

TEST_CASE("Wrong sizes of a convolution are named as on the CPU", "[gpu][conv2d][card]") {
  fake::Device device;
  ConvolutionTwins<float> layer{geometries()[0], 2};
  layer.g.in_c = 4;
  CHECK_THROWS_WITH(ops::conv2d(layer.x.gpu, layer.kernel.in_gpu(), layer.bias.in_gpu(), layer.g, Activation{}, layer.y.gpu,
                                layer.scratch_on_gpu),
                    "conv2d: a sample of x has 189 elements, expected 252");
  layer.g = geometries()[0];
  CHECK_THROWS_WITH(ops::conv2d(layer.x.gpu, layer.kernel.in_gpu(), layer.bias.in_gpu(), layer.g, Activation{}, layer.y.gpu,
                                TensorView<float, Gpu>{}),
                    "conv2d: scratch holds 0 scalars, needs 135");
  CHECK_THROWS_WITH(
      ops::conv2d_parameter_gradients(layer.x.gpu, layer.y.gpu, Activation{}, layer.dy.gpu, layer.g, layer.dkernel.on_gpu(),
                                      layer.dbias.on_gpu(), layer.scratch_on_gpu, layer.dbias.on_gpu()),
      "conv2d_parameter_gradients: there are no sums over taps on the GPU");
}

TEST_CASE("Convolutions are captured once their shape is known, and follow what their memory holds", "[gpu][conv2d][card]") {
  fake::Device device;
  ConvolutionTwins<float> layer{geometries()[0], 3};
  const auto step = [&] {
    ops::conv2d(layer.x.gpu, layer.kernel.in_gpu(), layer.bias.in_gpu(), layer.g, Tanh{}, layer.y.gpu, layer.scratch_on_gpu);
    ops::conv2d_parameter_gradients(layer.x.gpu, layer.y.gpu, Tanh{}, layer.dy.gpu, layer.g, layer.dkernel.on_gpu(),
                                    layer.dbias.on_gpu(), layer.scratch_on_gpu);
  };
  layer.forward(Tanh{});
  ConvolutionTwins<float> other{geometries()[1], 3};
  CHECK_THROWS_WITH(device.context.capture([&] {
    ops::conv2d(other.x.gpu, other.kernel.in_gpu(), other.bias.in_gpu(), other.g, Tanh{}, other.y.gpu, other.scratch_on_gpu);
  }),
                    "gpu: planning the convolution in float, x [3, 9, 7, 1], kernel [5, 2, 1, 6], y [3, 5, 6, 6] while a graph "
                    "is captured, expected before or after");
  step();
  const auto graph = device.context.capture(step);
  ConvolutionTwins<float> expected{geometries()[0], 3};
  for (auto* twin : {&layer, &expected}) {
    for (Index i = 0; i < twin->x.values.size(); ++i) twin->x.values[i] *= 0.5F;
    twin->x.set(), twin->dy.set();
  }
  device.context.play(graph);
  expected.forward(Tanh{});
  expected.backward(Tanh{}, {});
  CHECK(support::same_bits(ops::to_host(layer.y.device), ops::to_host(expected.y.device)));
  CHECK(support::same_bits(ops::to_host(layer.dkernel.gpu), ops::to_host(expected.dkernel.gpu)));
}

TEST_CASE("Whichever call of cuDNN fails, the error is typed, nothing leaks and the next attempt works", "[gpu][conv2d]") {
  fake::Gpu gpu;
  const auto work = [] {
    gpu::Context context;
    const gpu::CurrentContext current{context};
    ConvolutionTwins<float> layer{geometries()[0], 2};
    layer.forward(ReLU{});
    layer.backward(ReLU{}, {});
  };
  const fake::Failures failures = fake::fail_each_call(gpu, "cudnn", 3, work, [](auto&&...) {});
  CHECK(failures.errors > 100);
}

#else

TEST_CASE("Convolutions on the GPU need the headers of the CUDA toolkit", "[gpu][conv2d]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
