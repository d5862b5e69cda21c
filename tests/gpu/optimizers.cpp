// SPDX-License-Identifier: MIT
#include <tarn/cpu/plain/optimizers.hpp>

#include "../support/compare.hpp"
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

namespace {

constexpr std::size_t size = 131;
const Range all[] = {{0, 131}}, some[] = {{0, 7}, {40, 40}, {50, 131}};
constexpr UpdateTerms<double> terms{.rate = 0.05, .keep = 0.99, .scale = 0.75, .limit = 0.5};

/// Runs an update three times on the trained ranges, here by the definition and there on the GPU, with `slots` slots.
template <class T, class Definition, class Kernel>
void compare(std::size_t slots, Definition definition, Kernel kernel) {
  for (const std::span<const Range> ranges : {std::span<const Range>{all}, std::span<const Range>{some}}) {
    std::vector<std::vector<double>> expected{random_values(size)};
    std::vector<std::unique_ptr<Buffer<T>>> got;
    for (std::size_t s = 0; s < slots; ++s) expected.emplace_back(size);
    for (const auto& values : expected) got.push_back(std::make_unique<Buffer<T>>(values));
    const UpdateTerms<T> own = terms.as<T>();
    unsigned trained = 0;
    for (const Range& range : ranges) trained += static_cast<unsigned>(range.last - range.first);
    const kernels::FlatRanges flat{ranges.data(), static_cast<unsigned>(ranges.size())};
    for (Index step = 0; step < 3; ++step) {
      const auto gradients = random_values(size, 1, 1 + step);
      for (const Range& range : ranges) {
        std::vector<double*> at;
        for (auto& values : expected) at.push_back(values.data() + range.first);
        definition(at, gradients.data() + range.first, range.last - range.first);
      }
      Buffer<T> gradient{gradients};
      emulator::launch({2}, 32, Mode::loop, [&] { kernel(got, gradient.data(), flat, trained, &own); });
    }
    for (std::size_t s = 0; s < expected.size(); ++s)
      CHECK(support::relative_error(*got[s], expected[s]) < support::reference_tolerance<T>);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("SGD on the GPU agrees with the definition, with and without momentum", "[gpu][kernels]", float, double) {
  using T = TestType;
  compare<T>(
      0, [](auto& at, const double* g, Index n) { cpu::plain::sgd(at[0], g, n, terms); },
      [](auto& at, const T* g, auto ranges, unsigned n, const auto* own) { kernels::sgd<T>(at[0]->data(), g, ranges, n, own); });
  for (const bool nesterov : {false, true})
    compare<T>(
        1, [=](auto& at, const double* g, Index n) { cpu::plain::sgd_momentum(at[0], at[1], g, n, terms, 0.9, nesterov); },
        [=](auto& at, const T* g, auto ranges, unsigned n, const auto* own) {
          kernels::sgd_momentum<T>(at[0]->data(), at[1]->data(), g, ranges, n, own, T(0.9), nesterov);
        });
}

TEMPLATE_TEST_CASE("RMSprop on the GPU agrees with the definition, centered and with momentum", "[gpu][kernels]", float, double) {
  using T = TestType;
  for (const bool full : {false, true}) {
    const RMSpropTerms<double> own{0.9, 0.1, full ? 0.8 : 0, 1e-4, full};
    const RMSpropTerms<T> here{T(0.9), T(0.1), T(full ? 0.8 : 0), T(1e-4), full};
    compare<T>(
        full ? 3 : 1,
        [=](auto& at, const double* g, Index n) {
          cpu::plain::rmsprop(at[0], at[1], full ? at[2] : nullptr, full ? at[3] : nullptr, g, n, terms, own);
        },
        [=](auto& at, const T* g, auto ranges, unsigned n, const auto* update) {
          kernels::rmsprop<T>(at[0]->data(), at[1]->data(), full ? at[2]->data() : nullptr, full ? at[3]->data() : nullptr, g,
                              ranges, n, update, here);
        });
  }
}

TEMPLATE_TEST_CASE("Adam on the GPU agrees with the definition, with and without AMSGrad", "[gpu][kernels]", float, double) {
  using T = TestType;
  for (const bool amsgrad : {false, true}) {
    const AdamTerms<double> own{0.1, 0.001, 1e-5};
    const AdamTerms<T> here{T(0.1), T(0.001), T(1e-5)};
    compare<T>(
        amsgrad ? 3 : 2,
        [=](auto& at, const double* g, Index n) {
          cpu::plain::adam(at[0], at[1], at[2], amsgrad ? at[3] : nullptr, g, n, terms, own);
        },
        [=](auto& at, const T* g, auto ranges, unsigned n, const auto* update) {
          kernels::adam<T>(at[0]->data(), at[1]->data(), at[2]->data(), amsgrad ? at[3]->data() : nullptr, g, ranges, n, update,
                           here);
        });
  }
}

TEMPLATE_TEST_CASE("A gradient is shortened to a norm on the GPU where it is longer, over the trained ranges", "[gpu][kernels]",
                   float, double) {
  const auto gradients = random_values(size);
  double squares = 0;
  for (const Range& range : some)
    for (Index i = range.first; i < range.last; ++i)
      squares += gradients[static_cast<std::size_t>(i)] * gradients[static_cast<std::size_t>(i)];
  Buffer<TestType> gradient{gradients};
  for (const double limit : {0.5, 1000.0}) {
    UpdateTerms<TestType> own;
    Buffer<double> parts{2}, norm{1};
    emulator::launch({2}, 64, Mode::fibres, [&] {
      kernels::squares_parts<TestType>(gradient.data(), {some, 3}, 88, parts.data());
    });
    emulator::launch({1}, 32, Mode::loop, [&] { kernels::clip_by_norm<TestType>(parts.data(), 2, limit, &own, norm.data()); });
    CHECK(norm[0] == Approx(std::sqrt(squares)).epsilon(1e-12));
    CHECK(own.scale == Approx(limit < norm[0] ? limit / norm[0] : 1).epsilon(1e-6));
  }
}

TEMPLATE_TEST_CASE("A number that is not finite is found on the GPU wherever it stands", "[gpu][kernels]", float, double) {
  for (const double bad : {0.0, std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()})
    for (const std::size_t at : {0U, 64U, 130U}) {
      auto values = random_values(size);
      values[3] = std::numeric_limits<TestType>::max();
      if (bad != 0) values[at] = bad;
      Buffer<TestType> data{values};
      Buffer<unsigned> found{1};
      found[0] = 0;
      emulator::launch({2}, 32, Mode::loop, [&] { kernels::find_nonfinite<TestType>(data.data(), size, found.data()); });
      CHECK(found[0] == (bad != 0));
    }
}
