// SPDX-License-Identifier: MIT
// Plans of convolutions by cuDNN itself, without a GPU, for those that tests/gpu/devices describes.
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include <cstdio>
#include <fstream>
#include <map>

#include <tarn/core/random.hpp>

#include "../support/compare.hpp"
#include "geometry.hpp"

using support::geometry;
using Pass = gpu::Convolution::Pass;

// Of the leak sanitizer, if it is there.
extern "C" [[gnu::weak]] void __lsan_disable();
extern "C" [[gnu::weak]] void __lsan_enable();

namespace {

/// cuDNN itself, if it is on this machine; if not, the test counts as skipped. While it lives nobody looks for leaks: what the
/// libraries lose where there is no GPU is theirs.
class Library {
 public:
  Library() {
    if (__lsan_disable) __lsan_disable();
    try {
      gpu::functions<gpu::DnnFunctions>();
    } catch (const DeviceError& error) {
      support::skip(error.what());
      found_ = false;
    }
  }
  ~Library() {
    if (__lsan_enable) __lsan_enable();
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  explicit operator bool() const { return found_; }

 private:
  bool found_ = true;
};

std::string text_of(const std::string& device) {
  std::ifstream in{std::string{TARN_TESTS} + "/gpu/devices/" + device + ".json"};
  return {std::istreambuf_iterator<char>{in}, {}};
}

gpu::Convolution convolution(Pass pass, gpu::ScalarType type, Index batch, const cpu::ConvGeometry& g, int alignment = 16) {
  return ops::detail::convolution(pass, type, batch, g, alignment);
}

/// Makes plans of all three passes over a convolution, and of the forward pass with bias and ReLU, where none is a documented
/// fallback: then they come after it. The largest workspace and the number of fallbacks are kept.
struct Planner {
  gpu::cudnn::Descriptor device;
  gpu::ScalarType type;
  gpu::MathMode math{};
  std::size_t plans = 0, fallbacks = 0, largest_workspace = 0;

  void plan(Index batch, const cpu::ConvGeometry& g, int alignment = 16) {
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::kernel_gradient})
      note(gpu::cudnn::Engines{convolution(pass, type, batch, g, alignment), device, math}.first());
    auto fused = convolution(Pass::forward, type, batch, g, alignment);
    for (const bool relu : {false, true}) {
      fused.bias = true, fused.relu = relu;
      if (const auto plan = gpu::cudnn::Engines{fused, device, math}.try_first())
        note(*plan);
      else
        ++fallbacks;
    }
  }
  void note(const gpu::cudnn::Plan& plan) {
    ++plans;
    largest_workspace = std::max(largest_workspace, plan.workspace);
    CHECK(plan.workspace < (std::size_t{1} << 30));
  }
};

/// Those of LeNet, of the residual network, and of the README's.
std::vector<cpu::ConvGeometry> of_examples() {
  return {geometry(28, 28, 1, 5, 1, Padding::same, 6),   geometry(14, 14, 6, 5, 1, Padding::valid, 16),
          geometry(5, 5, 16, 5, 1, Padding::valid, 120), geometry(28, 28, 1, 3, 1, Padding::same, 8),
          geometry(14, 14, 8, 3, 1, Padding::same, 8),   geometry(14, 14, 8, 3, 1, Padding::same, 16),
          geometry(7, 7, 16, 3, 1, Padding::same, 16),   geometry(32, 32, 3, 3, 1, Padding::same, 16),
          geometry(32, 32, 16, 3, 1, Padding::same, 16)};
}

/// Convolution number `i` of many.
struct RandomShape {
  Index batch;
  cpu::ConvGeometry g;
  explicit RandomShape(Index i) {
    const Stream stream{1, Purpose::initial_weights, i};
    std::uint32_t word = 0;
    const auto between = [&](Index low, Index high) {
      return low + static_cast<Index>(stream.word(0, word++)) % (high - low + 1);
    };
    batch = between(1, 64);
    const Index h = between(3, 40), w = between(3, 40), in = between(1, 40), out = between(1, 40);
    const Size2D kernel{static_cast<int>(between(1, std::min<Index>(h, 7))), static_cast<int>(between(1, std::min<Index>(w, 7)))};
    const Size2D stride{static_cast<int>(between(1, 3)), static_cast<int>(between(1, 3))};
    g = geometry(h, w, in, kernel, stride, between(0, 1) ? Padding::same : Padding::valid, out);
  }
};

}  // namespace

TEST_CASE("Every convolution of the examples has plans for each GPU that is described, in float and in bfloat16",
          "[gpu][plans]") {
  const Library library;
  if (!library) return;
  for (const char* device : {"h100", "b200"})
    for (const auto type : {gpu::ScalarType::f32, gpu::ScalarType::bf16}) {
      Planner planner{gpu::cudnn::described_device(text_of(device)), type};
      for (const Index batch : {1, 32, 64, 96, 128, 1024})
        for (const auto& g : of_examples()) planner.plan(batch, g);
      std::printf("%s, %s: %zu plans, workspaces up to %zu bytes, %zu without fused bias and activation\n", device,
                  gpu::to_string(type), planner.plans, planner.largest_workspace, planner.fallbacks);
      CHECK(planner.plans + planner.fallbacks == 6 * 5 * of_examples().size());
    }
}

TEST_CASE("Large batches of the examples are planned without large workspaces", "[gpu][plans]") {
  const Library library;
  if (!library) return;
  for (const auto& device : {"h100", "b200"}) {
    Planner planner{gpu::cudnn::described_device(text_of(device)), gpu::ScalarType::f32};
    for (const Index batch : {8192, 32768})
      for (const auto& g : of_examples()) planner.plan(batch, g);
    std::printf("%s, float: workspaces up to %zu bytes\n", device, planner.largest_workspace);
    CHECK(planner.largest_workspace <= gpu::cudnn::most_workspace);
  }
}

TEMPLATE_TEST_CASE_SIG("Random convolutions have plans, in float and in bfloat16", "[gpu][plans]", ((int part), part), 0, 1, 2,
                       3) {
  const Library library;
  if (!library) return;
  for (const auto type : {gpu::ScalarType::f32, gpu::ScalarType::bf16}) {
    Planner planner{gpu::cudnn::described_device(text_of("h100")), type};
    for (Index i = part * 50; i < (part + 1) * 50; ++i) {
      const RandomShape shape{i};
      planner.plan(shape.batch, shape.g, i % 3 == 0 ? 4 : 16);
    }
    std::printf("%s: %zu plans, workspaces up to %zu bytes, %zu without fused bias and activation\n", gpu::to_string(type),
                planner.plans, planner.largest_workspace, planner.fallbacks);
    CHECK(planner.plans + planner.fallbacks == 50 * 5);
  }
}

TEST_CASE("Convolutions in double have plans", "[gpu][plans]") {
  const Library library;
  if (!library) return;
  Planner planner{gpu::cudnn::described_device(text_of("h100")), gpu::ScalarType::f64};
  for (const auto& g : of_examples()) planner.plan(32, g);
  CHECK(planner.plans + planner.fallbacks == 5 * of_examples().size());
}

TEST_CASE("TF32 opens engines on tensor cores, and a fixed order closes others", "[gpu][plans]") {
  const Library library;
  if (!library) return;
  const auto device = gpu::cudnn::described_device(text_of("h100"));
  const auto supported = [&](Pass pass, const gpu::MathMode& math) {
    const auto g = of_examples()[1];
    return gpu::cudnn::Engines{convolution(pass, gpu::ScalarType::f32, 128, g), device, math}.supported(100).size();
  };
  gpu::MathMode tf32, deterministic;
  tf32.tf32 = true;
  deterministic.deterministic = true;
  for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::kernel_gradient}) {
    CHECK(supported(pass, {}) >= 2);
    CHECK(supported(pass, tf32) > 2 * supported(pass, {}));
  }
  CHECK(supported(Pass::kernel_gradient, deterministic) < supported(Pass::kernel_gradient, {}));
  CHECK(supported(Pass::kernel_gradient, deterministic) >= 1);
}

TEST_CASE("A description of a GPU is read back as it is, and one that lacks something is refused", "[gpu][plans]") {
  const Library library;
  if (!library) return;
  const std::string text = text_of("b200");
  CHECK(gpu::cudnn::description_of(gpu::cudnn::described_device(text)) == text);
  CHECK_THROWS_WITH(gpu::cudnn::described_device("{}"),
                    Catch::Matchers::StartsWith("gpu: cudnnBackendFinalize: CUDNN_STATUS_BAD_PARAM (2000), at device.hpp:"));
}

TEST_CASE("A convolution that no engine has is refused with what was refused", "[gpu][plans]") {
  const Library library;
  if (!library) return;
  const auto device = gpu::cudnn::described_device(text_of("h100"));
  const auto huge = geometry(1 << 15, 1 << 15, 64, 3, 1, Padding::same, 64);  // 2^46 numbers
  CHECK_THROWS_WITH((gpu::cudnn::Engines{convolution(Pass::forward, gpu::ScalarType::f32, 1024, huge), device, {}}.first()),
                    Catch::Matchers::StartsWith("cudnn: no engine for the convolution in float, x [1024, 32768, 32768, 64], "
                                                "kernel [3, 3, 64, 64], y [1024, 32768, 32768, 64]: "));
}

#else

TEST_CASE("Plans of convolutions need the headers of the CUDA toolkit", "[gpu][plans]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
