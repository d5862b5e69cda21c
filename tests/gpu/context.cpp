// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using Catch::Matchers::StartsWith;

#if TARN_GPU_HEADERS

#include "fake/gpu.hpp"

TEST_CASE("Storage on the GPU holds zeros, copies and moves, and leaves nothing behind", "[gpu][context]") {
  fake::Gpu gpu;
  gpu::Context context;
  const gpu::CurrentContext current{context};
  Tensor<float, Gpu> a{Shape{3, 5}};
  CHECK(support::same_bits(ops::to_host(a), Tensor<float>{Shape{3, 5}}));
  Tensor<float> values{Shape{3, 5}};
  for (Index i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  ops::upload<float>(values.view(), a.view());
  Tensor<float, Gpu> b = a, c = std::move(a);
  a = Tensor<float, Gpu>{Shape{2}};
  CHECK(support::same_bits(ops::to_host(b), values));
  CHECK(support::same_bits(ops::to_host(c), values));
  CHECK_THROWS_WITH(ops::upload<float>(values.view(), a.view()), "upload: y has 2 elements, expected 15");
  const Tensor<float, Gpu> empty{Shape{0}};
  CHECK(ops::to_host(empty).size() == 0);
  CHECK(gpu->memory.blocks() == 3);
}

TEST_CASE("A GPU that is not there is an error with the driver's reason", "[gpu][context]") {
  fake::Gpu gpu;
  CHECK_THROWS_WITH(gpu::Context{1}, StartsWith("gpu: cuDeviceGet: CUDA_ERROR_INVALID_DEVICE (101), at context.hpp:"));
}

TEST_CASE("A graph repeats what was captured on the values of the moment", "[gpu][context]") {
  fake::Gpu gpu;
  gpu::Context context;
  const gpu::CurrentContext current{context};
  Tensor<float, Gpu> x{Shape{2, 3}}, y{Shape{2, 3}};
  Batch<float, Gpu> from{x.data(), 2, {3}}, to{y.data(), 2, {3}};
  const auto step = [&] { ops::add(from, to); };
  step();
  const auto graph = context.capture(step);
  ops::upload<float>(Tensor<float>{Shape{2, 3}, {1, 2, 3, 4, 5, 6}}.view(), x.view());
  const auto launches = gpu->launches;
  context.play(graph);
  context.play(graph);
  CHECK(gpu->launches == launches + 2);
  CHECK(support::same_bits(ops::to_host(y), Tensor<float>{Shape{2, 3}, {2, 4, 6, 8, 10, 12}}));
}

TEST_CASE("No allocation, no reading and no loading of kernels while a graph is captured", "[gpu][context]") {
  fake::Gpu gpu;
  gpu::Context context;
  const gpu::CurrentContext current{context};
  Tensor<float, Gpu> x{Shape{4}};
  Batch<float, Gpu> batch{x.data(), 4, {}};
  const auto message = [&](auto work) { return support::error_of<StateError>([&] { context.capture(work); }); };
  const std::string rest = " while a graph is captured, expected before or after";
  CHECK(message([] { Tensor<float, Gpu>{Shape{3}}; }) == "gpu: allocate" + rest);
  CHECK(message([&] { ops::to_host(x); }) == "gpu: download" + rest);
  CHECK(message([&] { context.synchronize(); }) == "gpu: synchronize" + rest);
  CHECK(message([&] { ops::add(batch, batch); }) == "gpu: loading a kernel" + rest);
  CHECK_FALSE(context.capturing());
  CHECK_NOTHROW(ops::add(batch, batch));
}

TEST_CASE("Memory that is freed while a graph names it is found when the graph is played", "[gpu][context]") {
  fake::Gpu gpu;
  gpu::Context context;
  const gpu::CurrentContext current{context};
  auto x = std::make_unique<Tensor<float, Gpu>>(Shape{4});
  Batch<float, Gpu> batch{x->data(), 4, {}};
  ops::add(batch, batch);
  const auto graph = context.capture([&] { ops::add(batch, batch); });
  x.reset();
  CHECK_THROWS_WITH(context.play(graph), StartsWith("gpu: cuGraphLaunch: CUDA_ERROR_ILLEGAL_ADDRESS (700), at context.hpp:"));
}

TEST_CASE("Whichever call fails, the error is typed, nothing leaks and the next attempt works", "[gpu][context]") {
  fake::Gpu gpu;
  const auto work = [] {
    gpu::Context context;
    const gpu::CurrentContext current{context};
    Tensor<float, Gpu> x{Shape{4, 300}}, copy = x;
    Batch<float, Gpu> batch{x.data(), 4, {300}};
    const auto step = [&] { ops::add(batch, batch); };
    step();
    Tensor<float, Gpu> sums{Shape{300}};
    ops::sum_rows(batch, sums.view());
    context.play(context.capture(step));
    ops::upload<float>(Tensor<float>{Shape{4, 300}}.view(), x.view());
    ops::to_host(x);
  };
  work();
  const auto calls = gpu->calls;
  int failures = 0;
  for (const auto& [name, count] : calls) {
    if (name == "cuGetErrorName" || name == "cuDriverGetVersion" || name.starts_with("nvrtc")) continue;
    for (int number = 1; number <= count; ++number) {
      INFO(name << ", call " << number);
      gpu->calls.clear();
      gpu->fail_at = {{name, number}};
      if (fake::cleans_up(name)) continue;  // nothing that cleans up throws
      try {
        work();
      } catch (const DeviceError& error) {
        ++failures;
        CHECK_THAT(error.what(), StartsWith("gpu: " + name + ": CUDA_ERROR_OUT_OF_MEMORY (2), at "));
      }
      CHECK(gpu->clean());
    }
  }
  CHECK(failures > 50);
  gpu->fail_at.clear();
  CHECK_NOTHROW(work());
}

#else

TEST_CASE("Without the toolkit's headers a GPU's memory says why there is none", "[gpu][context]") {
  CHECK_THROWS_WITH((Tensor<float, Gpu>{Shape{2}}),
                    "gpu: this program was compiled without the headers of the CUDA toolkit and cuDNN; link tarn::gpu in CMake");
}

#endif
