// SPDX-License-Identifier: MIT
#include <tarn/schedulers/cyclic.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using support::error_of;

TEST_CASE("A cyclic rate rises in a line, falls in a line, and begins again", "[schedulers][cyclic]") {
  const LearningRate rate = CyclicLR{.base = 1, .max = 5, .step_size = 4};
  const double expected[] = {1, 2, 3, 4, 5, 4, 3, 2, 1, 2};
  for (Index i = 0; i < 10; ++i) CHECK(rate(i) == expected[i]);
  const LearningRate halved = CyclicLR{.base = 1, .max = 5, .step_size = 4, .mode = CycleMode::triangular2};
  CHECK(halved(4) == 5);
  CHECK(halved(12) == 3);
  CHECK(halved(20) == 2);
  CHECK(halved(Index{1} << 60) == 1);
  const LearningRate decaying = CyclicLR{.base = 1, .max = 5, .step_size = 4, .mode = CycleMode::exp_range, .gamma = 0.5};
  CHECK(decaying(2) == 1 + 2 * 0.25);
  CHECK(decaying(4) == 1 + 4 * 0.0625);
}

TEST_CASE("The defaults of a cyclic rate are its source's", "[schedulers][cyclic]") {
  const LearningRate rate = CyclicLR{};
  CHECK(rate(0) == 0.001);
  CHECK(std::abs(rate(1000) - 0.0035) < 1e-15);
  CHECK(std::abs(rate(2000) - 0.006) < 1e-15);
  CHECK(std::abs(rate(4000) - 0.001) < 1e-15);
}

TEST_CASE("The base of a cyclic rate may be its upper edge", "[schedulers][cyclic]") {
  const LearningRate rate = CyclicLR{.base = 5, .max = 1, .step_size = 2};
  CHECK(rate(0) == 5);
  CHECK(rate(1) == 3);
  CHECK(rate(2) == 1);
}

TEST_CASE("A cyclic rate may be scaled by a function of the cycle or of the iteration", "[schedulers][cyclic]") {
  const auto inverse = [](Index n) { return 1 / static_cast<double>(n); };
  const LearningRate by_cycle = CyclicLR{.base = 1, .max = 5, .step_size = 2, .scale = inverse};
  CHECK(by_cycle(2) == 5);  // cycles are counted from 1 on
  CHECK(by_cycle(6) == 3);
  const LearningRate by_iteration =
      CyclicLR{.base = 1, .max = 5, .step_size = 2, .scale = inverse, .scale_of = ScaleOf::iteration};
  CHECK(by_iteration(2) == 3);
  CHECK(by_iteration(6) == 1 + 4 / 6.0);
}

TEST_CASE("A cyclic batch size is a cyclic rate, rounded and capped", "[schedulers][cyclic]") {
  const BatchSize sizes = CyclicBatchSize{.base = 10, .max = 20, .step_size = 4};
  const Index expected[] = {10, 13, 15, 18, 20, 18, 15, 13, 10};  // 12.5 and 17.5 are rounded up
  for (Index i = 0; i < 9; ++i) CHECK(sizes(i) == expected[i]);
  const BatchSize eights = CyclicBatchSize{.base = 10, .max = 50, .step_size = 4, .multiple = 8, .cap = 44};
  const Index in_eights[] = {8, 24, 32, 40, 44};  // of 10, 20, 30, 40, 50
  for (Index i = 0; i < 5; ++i) CHECK(eights(i) == in_eights[i]);
  const BatchSize powers = CyclicBatchSize{.base = 10, .max = 50, .step_size = 4, .power_of_two = true};
  const Index in_powers[] = {8, 16, 32, 32, 64};
  for (Index i = 0; i < 5; ++i) CHECK(powers(i) == in_powers[i]);
  const BatchSize halved = CyclicBatchSize{.base = 64, .max = 512, .step_size = 4, .mode = CycleMode::triangular2};
  CHECK(halved(4) == 512);
  CHECK(halved(12) == 288);
  const BatchSize decaying = CyclicBatchSize{.base = 64, .max = 576, .step_size = 4, .mode = CycleMode::exp_range, .gamma = 0.5};
  CHECK(decaying(4) == 64 + 32);
  const BatchSize least = CyclicBatchSize{.base = 1, .max = 2, .step_size = 4, .multiple = 16};
  CHECK(least(0) == 16);
  const BatchSize negative = CyclicBatchSize{.base = 8, .max = 16, .step_size = 1, .scale = [](Index) { return -100.0; }};
  CHECK(negative(1) == 1);
}

TEST_CASE("Doubling batch sizes follow the published trace", "[schedulers][cyclic]") {
  // Five epochs over 60,000 samples, each ended where the next batch would have passed its end.
  const Index published[] = {64,   128, 256,  512,  256,  128, 64,   128,  256,  512,  1024,  512,   256,   128,  64,   128,
                             256,  512, 1024, 2048, 1024, 512, 256,  128,  64,   128,  256,   512,   1024,  2048, 4096, 2048,
                             1024, 512, 256,  128,  64,   128, 256,  512,  1024, 2048, 4096,  8192,  4096,  2048, 1024, 512,
                             256,  128, 64,   128,  256,  512, 1024, 2048, 4096, 8192, 16384, 8192,  4096,  2048, 1024, 512,
                             256,  128, 64,   128,  256,  512, 1024, 2048, 4096, 8192, 16384, 32768, 16384, 8192, 4096, 2048,
                             1024, 512, 256,  128,  64,   128, 256,  512,  1024, 2048, 4096,  8192,  16384, 32768};
  const BatchSize sizes = DoublingBatchSize{.min = 64, .max = 512};
  CHECK(std::size(published) == 94);
  for (std::size_t i = 0; i < std::size(published); ++i) {
    INFO("iteration " << i);
    CHECK(sizes(static_cast<Index>(i)) == published[i]);
  }
}

TEST_CASE("Doubling batch sizes of uneven bounds, by hand", "[schedulers][cyclic]") {
  const BatchSize sizes = DoublingBatchSize{.min = 3, .max = 10, .limit = 20};
  // Up 3, 6, down from 10: 5; up 3, 6, 12, down from 20: 10, 5; and so on with 20.
  const Index expected[] = {3, 6, 10, 5, 3, 6, 12, 20, 10, 5, 3, 6, 12, 20, 10, 5, 3};
  for (Index i = 0; i < 17; ++i) CHECK(sizes(i) == expected[i]);
  CHECK(sizes(4 + 6 * 1'000'000'000'000 + 3) == 20);
  const BatchSize widest = DoublingBatchSize{.min = 1, .max = 2, .limit = Index{1} << 61};
  Index largest = 0;
  for (Index i = 0; i < 10000; ++i) largest = std::max(largest, widest(i));
  CHECK(largest == Index{1} << 61);
}

TEST_CASE("Cyclic schedules check their options", "[schedulers][cyclic]") {
  const auto rate = [](const CyclicLR& schedule) { return [=] { LearningRate{schedule}; }; };
  CHECK(error_of<ArgumentError>(rate({.base = -1})) == "CyclicLR: base is -1, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(rate({.max = NAN})) == "CyclicLR: max is nan, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(rate({.step_size = 0})) == "CyclicLR: step_size is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(rate({.gamma = 0})) == "CyclicLR: gamma is 0, expected above 0 and finite");
  const auto size = [](const CyclicBatchSize& schedule) { return [=] { BatchSize{schedule}; }; };
  CHECK(error_of<ArgumentError>(size({.base = 0})) == "CyclicBatchSize: base is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(size({.max = -3})) == "CyclicBatchSize: max is -3, expected at least 1");
  CHECK(error_of<ArgumentError>(size({.step_size = 0})) == "CyclicBatchSize: step_size is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(size({.multiple = 0})) == "CyclicBatchSize: multiple is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(size({.cap = 0})) == "CyclicBatchSize: cap is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(size({.multiple = 8, .power_of_two = true})) ==
        "CyclicBatchSize: multiple is 8 beside power_of_two, expected one of the two");
  const BatchSize undefined = CyclicBatchSize{.scale = [](Index) { return std::nan(""); }};
  CHECK(error_of<ArgumentError>([&] { undefined(5); }) == "CyclicBatchSize: scale is nan at iteration 5");
  const auto doubling = [](const DoublingBatchSize& schedule) { return [=] { BatchSize{schedule}; }; };
  CHECK(error_of<ArgumentError>(doubling({.min = 0})) == "DoublingBatchSize: min is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(doubling({.min = 512})) == "DoublingBatchSize: max is 512, expected above min, 512");
  CHECK(error_of<ArgumentError>(doubling({.limit = 100})) ==
        "DoublingBatchSize: limit is 100, expected at least max, 512, and at most 2^61");
}
