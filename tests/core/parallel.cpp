// SPDX-License-Identifier: MIT
#include <tarn/core/parallel.hpp>

#include <numeric>
#include <stdexcept>

#include "../catch.hpp"
#include "../support/compare.hpp"

using support::error_of;
using tarn::ArgumentError;
using tarn::Index;
namespace parallel = tarn::parallel;

namespace {

struct Threads {
  int before = parallel::threads();
  explicit Threads(int count) { parallel::set_threads(count); }
  ~Threads() { parallel::set_threads(before); }
};

}  // namespace

TEST_CASE("Every part runs exactly once, whatever the number of threads", "[core][parallel][concurrency]") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads scope{threads};
    CHECK(parallel::threads() == threads);
    for (const Index parts : {0, 1, 2, 7, 100, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(parts));
      parallel::run(parts, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
      CHECK(std::count(runs.begin(), runs.end(), 1) == parts);
    }
  }
}

TEST_CASE("Many small runs follow each other", "[core][parallel][concurrency]") {
  const Threads scope{4};
  std::vector<Index> sums(8);
  for (int round = 0; round < 2000; ++round) parallel::run(8, [&](Index i) { sums[static_cast<std::size_t>(i)] += i; });
  for (Index i = 0; i < 8; ++i) CHECK(sums[static_cast<std::size_t>(i)] == 2000 * i);
}

TEST_CASE("The pool wakes after a pause", "[core][parallel][concurrency]") {
  const Threads scope{3};
  std::atomic<Index> sum{0};
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    parallel::run(10, [&](Index i) { sum += i; });
  }
  CHECK(sum == 5 * 45);
}

TEST_CASE("An exception in a part is rethrown, and the pool works on", "[core][parallel][concurrency]") {
  for (const int threads : {1, 4}) {
    const Threads scope{threads};
    for (const Index bad : {0, 5, 99})
      CHECK(error_of<std::runtime_error>([&] {
              parallel::run(100, [&](Index i) {
                if (i == bad) throw std::runtime_error{"part " + std::to_string(i)};
              });
            }) == "part " + std::to_string(bad));
    CHECK_THROWS_AS(parallel::run(50, [](Index) { throw std::logic_error{"all"}; }), std::logic_error);
    std::atomic<Index> sum{0};
    parallel::run(100, [&](Index i) { sum += i; });
    CHECK(sum == 4950);
  }
}

TEST_CASE("A run within a run takes place in its own thread", "[core][parallel][concurrency]") {
  const Threads scope{3};
  std::atomic<Index> sum{0};
  std::atomic<int> elsewhere{0};
  parallel::run(6, [&](Index i) {
    const auto here = std::this_thread::get_id();
    parallel::run(10, [&](Index j) {
      sum += i * j;
      elsewhere += std::this_thread::get_id() != here;
    });
  });
  CHECK(sum == 15 * 45);
  CHECK(elsewhere == 0);
}

TEST_CASE("Several threads may call at once", "[core][parallel][concurrency]") {
  const Threads scope{3};
  std::vector<std::thread> callers;
  std::vector<Index> sums(4);
  for (std::size_t caller = 0; caller < sums.size(); ++caller)
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<Index> sum{0};
        parallel::run(20, [&](Index i) { sum += i; });
        sums[caller] += sum;
      }
    });
  for (auto& caller : callers) caller.join();
  CHECK(sums == std::vector<Index>(4, 200 * 190));
}

TEST_CASE("The number of threads can be set again and again while nothing runs", "[core][parallel][concurrency]") {
  const Threads scope{1};
  for (const int threads : {1, 8, 2, 5, 1, 3}) {
    parallel::set_threads(threads);
    std::atomic<Index> sum{0};
    parallel::run(64, [&](Index i) { sum += i; });
    CHECK(sum == 2016);
    CHECK(parallel::threads() == threads);
  }
}

TEST_CASE("The number of threads has bounds", "[core][parallel]") {
  CHECK(error_of<ArgumentError>([] { parallel::set_threads(0); }) == "set_threads: 0 threads, expected 1 to 256");
  CHECK(error_of<ArgumentError>([] { parallel::set_threads(257); }) == "set_threads: 257 threads, expected 1 to 256");
}

TEST_CASE("TARN_NUM_THREADS is read strictly", "[core][parallel]") {
  CHECK(parallel::detail::parse_threads("1") == 1);
  CHECK(parallel::detail::parse_threads("12") == 12);
  CHECK(parallel::detail::parse_threads("256") == 256);
  for (const std::string text : {"", "0", "257", "-1", "2 ", "+3", "four", "2.5", "99999999999999999999"})
    CHECK(error_of<ArgumentError>([&] { parallel::detail::parse_threads(text); }) ==
          "TARN_NUM_THREADS: '" + text + "' is no thread count, expected 1 to 256");
}

TEST_CASE("Pieces cover a range evenly, and sums are cut by the batch alone", "[core][parallel]") {
  for (const Index size : {0, 1, 7, 16, 100}) {
    Index next = 0;
    for (Index part = 0; part < 7; ++part) {
      const auto [first, last] = parallel::piece(size, 7, part);
      CHECK(first == next);
      CHECK((last - first == size / 7 || last - first == size / 7 + 1));
      next = last;
    }
    CHECK(next == size);
  }
  CHECK(parallel::sum_parts(1) == 1);
  CHECK(parallel::sum_parts(15) == 15);
  CHECK(parallel::sum_parts(1000) == parallel::max_sum_parts);
}
