// SPDX-License-Identifier: MIT
#include <tarn/cpu/plain/random.hpp>

#include "../support/compare.hpp"
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

TEMPLATE_TEST_CASE("Bytes and numbers are gathered by row and scaled on the GPU", "[gpu][kernels]", float, double) {
  Buffer<std::uint8_t> bytes{4 * 5};
  Buffer<float> numbers{4 * 5};
  for (std::size_t i = 0; i < 20; ++i) {
    bytes[i] = static_cast<std::uint8_t>(12 * i);
    numbers[i] = static_cast<float>(i);
  }
  const std::uint32_t rows[] = {3, 0, 3};
  Buffer<TestType> y{15}, z{15};
  emulator::launch({1}, 32, Mode::loop, [&] {
    kernels::gather<TestType, std::uint8_t>(bytes.data(), rows, y.data(), 15, 5, 1.0 / 255, -0.5);
    kernels::gather<TestType, float>(numbers.data(), rows, z.data(), 15, 5, 2, 1);
  });
  for (std::size_t i = 0; i < 15; ++i) {
    const std::size_t from = rows[i / 5] * 5 + i % 5;
    CHECK(y[i] == static_cast<TestType>(1.0 / 255 * static_cast<double>(12 * from) - 0.5));
    CHECK(z[i] == static_cast<TestType>(2 * from + 1));
  }
}

TEMPLATE_TEST_CASE("Dropout on the GPU drops exactly what it drops on the CPU, by element and by channel", "[gpu][kernels]",
                   float, double) {
  using T = TestType;
  const Stream stream{0x123456789ABCDEF, Purpose::layer, 4, 77};
  const auto counter = stream.counter(0, 0);
  const std::uint32_t threshold = stream.word(2, 3);  // which is kept, and none below it
  for (const unsigned channels : {1U, 3U, 8U, 50U})
    for (const unsigned pixels : {1U, 6U}) {
      constexpr unsigned count = 5;
      const unsigned elements = pixels * channels;
      const auto values = random_values(count * elements);
      Buffer<T> x{values}, y{values.size()};
      std::vector<T> expected(values.size());
      for (unsigned sample = 0; sample < count; ++sample)
        cpu::plain::dropout<T, false>(x.data() + sample * elements, expected.data() + sample * elements, 0, (channels + 3) / 4,
                                      pixels, channels, sample, threshold, T(1.6), {stream.key().data(), counter[2], counter[3]});
      const std::uint32_t step = counter[2];
      const auto drop = [&](T* to) {
        emulator::launch({2}, 32, Mode::loop, [&] {
          kernels::dropout<T>(x.data(), to, count, pixels, channels, threshold, T(1.6), stream.key(), &step, counter[3]);
        });
      };
      drop(y.data());
      CHECK(std::equal(y.begin(), y.end(), expected.begin()));
      drop(x.data());
      CHECK(std::equal(x.begin(), x.end(), expected.begin()));
    }
}
