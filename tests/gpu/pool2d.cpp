// SPDX-License-Identifier: MIT
#include <tarn/cpu/plain/pool2d.hpp>

#include "../support/compare.hpp"
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

namespace {

cpu::PoolGeometry geometry(Index in_h, Index in_w, Index channels, Index window, Index stride, Index out_h, Index out_w,
                           Index pad) {
  cpu::PoolGeometry g;
  g.in_h = in_h, g.in_w = in_w, g.channels = channels;
  g.window_h = window, g.window_w = window + 1, g.stride_h = stride, g.stride_w = stride;
  g.out_h = out_h, g.out_w = out_w;
  g.pad_top = g.pad_left = pad;
  return g;
}

/// Windows apart, side by side, one over the other, over the edge; pixels that no window holds.
const cpu::PoolGeometry pools[] = {geometry(4, 6, 1, 2, 2, 2, 2, 0), geometry(7, 9, 3, 2, 2, 3, 4, 0),
                                   geometry(7, 8, 5, 3, 1, 7, 8, 1), geometry(5, 5, 2, 3, 2, 3, 3, 1),
                                   geometry(9, 9, 2, 1, 4, 2, 2, 0)};
constexpr Index count = 3;

}  // namespace

TEMPLATE_TEST_CASE("Average pooling on the GPU agrees with the definition, both ways", "[gpu][kernels]", float, double) {
  for (const auto& g : pools) {
    const auto in = static_cast<std::size_t>(g.in_h * g.in_w * g.channels),
               out = static_cast<std::size_t>(g.out_h * g.out_w * g.channels);
    const auto values = random_values(count * in), gradients = random_values(count * out, 1, 1);
    std::vector<double> y(count * out), dx(count * in);
    for (std::size_t s = 0; s < count; ++s) {
      cpu::plain::avg_pool2d(values.data() + s * in, y.data() + s * out, g);
      cpu::plain::avg_pool2d_gradient(gradients.data() + s * out, dx.data() + s * in, g);
    }
    Buffer<TestType> x{values}, pooled{y.size()}, dy{gradients}, back{dx.size()};
    emulator::launch({2}, 96, Mode::loop,
                     [&] { kernels::avg_pool2d<TestType>(x.data(), pooled.data(), g, static_cast<unsigned>(y.size())); });
    emulator::launch({1}, 64, Mode::loop, [&] {
      kernels::avg_pool2d_gradient<TestType>(dy.data(), back.data(), g, static_cast<unsigned>(dx.size()));
    });
    CHECK(support::relative_error(pooled, y) < support::reference_tolerance<TestType>);
    CHECK(support::relative_error(back, dx) < support::reference_tolerance<TestType>);
  }
}

TEMPLATE_TEST_CASE("Max pooling on the GPU agrees with the definition, both ways, also where values are equal", "[gpu][kernels]",
                   float, double) {
  for (const auto& g : pools)
    for (const bool ties : {false, true}) {
      const auto in = static_cast<std::size_t>(g.in_h * g.in_w * g.channels),
                 out = static_cast<std::size_t>(g.out_h * g.out_w * g.channels);
      auto values = random_values(count * in);
      const auto gradients = random_values(count * out, 1, 1);
      if (ties)
        for (double& value : values) value = std::round(value);
      std::vector<double> y(count * out), dx(count * in);
      for (std::size_t s = 0; s < count; ++s) {
        cpu::plain::max_pool2d(values.data() + s * in, y.data() + s * out, g);
        cpu::plain::max_pool2d_gradient(values.data() + s * in, y.data() + s * out, gradients.data() + s * out,
                                        dx.data() + s * in, g);
      }
      Buffer<TestType> x{values}, pooled{y.size()}, dy{gradients}, back{dx.size()};
      emulator::launch({2}, 96, Mode::loop,
                       [&] { kernels::max_pool2d<TestType>(x.data(), pooled.data(), g, static_cast<unsigned>(y.size())); });
      emulator::launch({1}, 64, Mode::loop, [&] {
        kernels::max_pool2d_gradient<TestType>(x.data(), pooled.data(), dy.data(), back.data(), g,
                                               static_cast<unsigned>(dx.size()));
      });
      CHECK(support::relative_error(pooled, y) == 0);
      CHECK(support::relative_error(back, dx) < support::reference_tolerance<TestType>);
    }
}

TEST_CASE("Max pooling on the GPU gives NaN where a window holds it, and minus infinity where it holds nothing else",
          "[gpu][kernels]") {
  const auto g = geometry(2, 6, 1, 2, 2, 1, 2, 0);
  Buffer<float> x{std::vector<double>(12, 1.0)}, y{2};
  x[7] = std::numeric_limits<float>::quiet_NaN();
  emulator::launch({1}, 32, Mode::loop, [&] { kernels::max_pool2d<float>(x.data(), y.data(), g, 2); });
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == 1);
  for (std::size_t i = 0; i < 12; ++i) x[i] = -std::numeric_limits<float>::infinity();
  emulator::launch({1}, 32, Mode::loop, [&] { kernels::max_pool2d<float>(x.data(), y.data(), g, 2); });
  CHECK(y[0] == -std::numeric_limits<float>::infinity());
}
