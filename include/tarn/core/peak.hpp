// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>

#include <tarn/core/parallel.hpp>
#include <tarn/cpu/instruction_set.hpp>

namespace tarn {

namespace detail {

// Sixteen independent accumulators hide the latency of a multiply-add; `factor` and `term` keep the values finite.
#define TARN_PEAK_LOOP(BYTES)                                                  \
  typedef float Vector __attribute__((vector_size(BYTES)));                    \
  Vector sums[16], factor = Vector{} + 0.999F, term = Vector{} + 0.001F;       \
  for (auto& sum : sums) sum = Vector{} + 1.0F;                                \
  asm volatile("" : "+m"(factor), "+m"(term));                                 \
  for (long i = 0; i < iterations; ++i) {                                      \
    _Pragma("GCC unroll 16") for (auto& sum : sums) sum = sum * factor + term; \
  }                                                                            \
  Vector total{};                                                              \
  for (auto& sum : sums) total += sum;                                         \
  return total[0];

inline float peak_baseline(long iterations) { TARN_PEAK_LOOP(16) }
#if TARN_X86
__attribute__((target("avx2,fma"))) inline float peak_v3(long iterations) { TARN_PEAK_LOOP(32) }
#ifdef __clang__
__attribute__((target("avx512f,avx512vl,avx512dq"), min_vector_width(512)))
#else
__attribute__((target("avx512f,avx512vl,avx512dq,prefer-vector-width=512")))
#endif
inline float
peak_v4(long iterations) {
  TARN_PEAK_LOOP(64)
}
#endif
#undef TARN_PEAK_LOOP

}  // namespace detail

/// The machine's own limit, against which speeds are given: f32 multiply-adds of `threads` threads together, in GFLOP/s, on the best
/// instruction set of the processor; the best of some runs of about 10 ms. Of double it is half.
[[gnu::cold]] inline double peak_gflops(int threads = parallel::threads()) {
  const auto set = cpu::best_instruction_set();
  float (*loop)(long) = detail::peak_baseline;
  double vector = 16;
#if TARN_X86
  if (set == cpu::InstructionSet::v3) loop = detail::peak_v3, vector = 32;
  if (set == cpu::InstructionSet::v4) loop = detail::peak_v4, vector = 64;
#endif
  constexpr long iterations = 1'000'000;
  const double flops = 2.0 * 16 * vector / sizeof(float) * iterations * threads;
  double best = 0;
  volatile float sink = 0;
  for (int run = 0; run < 12; ++run) {
    const auto start = std::chrono::steady_clock::now();
    parallel::run(threads, [&](Index) { sink = loop(iterations); });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, flops / seconds / 1e9);
  }
  static_cast<void>(sink);
  return best;
}

}  // namespace tarn
