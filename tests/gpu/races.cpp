// SPDX-License-Identifier: MIT
// The kernels whose threads share memory, a real thread each, on small blocks: for ThreadSanitizer.
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

#if defined(__SANITIZE_THREAD__)
#define TARN_UNDER_TSAN 1
#elif defined(__has_feature)
#define TARN_UNDER_TSAN __has_feature(thread_sanitizer)
#else
#define TARN_UNDER_TSAN 0
#endif

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

namespace {

constexpr unsigned block_size = 64;

/// Runs a kernel in fibres and in threads: what it writes must have the same bits.
template <class T, class Kernel>
void compare(std::size_t outputs, Kernel kernel) {
  Buffer<T> fibres{outputs}, threads{outputs};
  emulator::launch({2}, block_size, Mode::threads, [&] { kernel(threads.data()); });
#if !TARN_UNDER_TSAN  // which does not know fibres
  emulator::launch({2}, block_size, Mode::fibres, [&] { kernel(fibres.data()); });
  CHECK(std::equal(threads.begin(), threads.end(), fibres.begin()));
#endif
  CHECK(std::none_of(threads.begin(), threads.end(), [](T value) { return value != value; }));
}

}  // namespace

TEST_CASE("A barrier lets no thread pass before all have come", "[gpu][emulator][concurrency]") {
  std::vector<unsigned> written(block_size), seen(block_size);
  emulator::launch({2}, block_size, Mode::threads, [&] {
    const unsigned i = emulator::current->thread_index.x;
    written[i] = i;
    emulator::current->block->block_barrier();
    seen[i] = written[block_size - 1 - i];
    emulator::current->block->block_barrier();
  });
  for (unsigned i = 0; i < block_size; ++i) CHECK(seen[i] == block_size - 1 - i);
}

TEST_CASE("Sums over the channels of a block have no races", "[gpu][kernels][concurrency]") {
  Buffer<float> x{random_values(3 * 90)};
  compare<float>(6,
                 [&](float* sums) { kernels::sum_rows<float>(reinterpret_cast<kernels::SumOf<float>*>(sums), x.data(), 90, 3); });
}

TEST_CASE("Mean and variance have no races", "[gpu][kernels][concurrency]") {
  Buffer<float> x{random_values(5 * 61)};
  compare<float>(30, [&](float* parts) {
    kernels::moments_parts<float>(x.data(), 61, 5, reinterpret_cast<kernels::Moments<float>*>(parts));
  });
}

TEST_CASE("The sum of a block has no races", "[gpu][kernels][concurrency]") {
  Buffer<float> x{random_values(500)};
  const Range all{0, 500};
  compare<double>(2, [&](double* parts) { kernels::squares_parts<float>(x.data(), {&all, 1}, 500, parts); });
}

TEST_CASE("Softmax, cross entropy and counting have no races", "[gpu][kernels][concurrency]") {
  Buffer<float> x{random_values(9 * 40)};
  const std::vector<int> labels(9, 3);
  compare<float>(9 * 40, [&](float* y) { kernels::softmax<float>(x.data(), y, 9, 40); });
  Buffer<float> gradient{9 * 40};
  compare<double>(9, [&](double* losses) {
    kernels::cross_entropy_from_logits<float>(x.data(), labels.data(), nullptr, 0, nullptr, 1, gradient.data(), losses, 9, 40);
  });
  unsigned correct = 0, expected = 0;
  emulator::launch({2}, block_size, Mode::threads,
                   [&] { kernels::count_correct<float>(x.data(), labels.data(), nullptr, &correct, 9, 40); });
  for (std::size_t row = 0; row < 9; ++row)
    expected +=
        std::max_element(x.data() + row * 40, x.data() + row * 40 + 40) - x.data() == static_cast<std::ptrdiff_t>(row * 40 + 3);
  CHECK(correct == expected);
}
