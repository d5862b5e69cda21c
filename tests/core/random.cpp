// SPDX-License-Identifier: MIT
#include <tarn/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include "../catch.hpp"
#include "../support/compare.hpp"

using tarn::Index;
using tarn::Philox;
using tarn::Purpose;
using tarn::Stream;

// The vectors "philox4x32 10" of the Random123 distribution, tests/kat_vectors.
TEST_CASE("Philox gives the words of its authors' known answers", "[core][random]") {
  CHECK(Philox::block({0, 0, 0, 0}, {0, 0}) == Philox::Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(Philox::block({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Philox::Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Philox::block({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Philox::Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  STATIC_REQUIRE(Philox::block({0, 0, 0, 0}, {0, 0})[0] == 0x6627e8d5);
}

TEST_CASE("A stream's word is a Philox block of element, sample, step and identity under the seed", "[core][random]") {
  const std::uint64_t seed = 0x299f31d0a4093822;
  const Stream stream{seed, Purpose::layer, 5, 7};
  for (const Index element : {0, 1, 2, 3, 4, 5, 1000003}) {
    const auto block = Philox::block({static_cast<std::uint32_t>(element / 4), 9, 7, 2U << 28 | 5}, {0xa4093822, 0x299f31d0});
    CHECK(stream.word(element, 9) == block[static_cast<std::size_t>(element % 4)]);
  }
  CHECK(stream.uniform(3, 9) == (stream.word(3, 9) + 0.5) / 4294967296.0);
}

TEST_CASE("Words drawn together are those drawn one by one, and none behind them is touched", "[core][random]") {
  const Stream stream{0x299f31d0a4093822, Purpose::layer, 5, 7};
  for (const std::size_t count : std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 1000})
    for (const Index first : {Index{0}, Index{4}, Index{1000000}, (Index{1} << 34) - 8}) {  // the last ones begin anew
      const Index sample = 9;
      std::vector<std::uint32_t> words(count + 8, 77);
      stream.draw(std::span{words}.first(count), first, sample);
      std::vector<std::uint32_t> expected(count + 8, 77);
      for (std::size_t i = 0; i < count; ++i) expected[i] = stream.word(first + static_cast<Index>(i), sample);
      INFO(count << " words from " << first << " on");
      CHECK(words == expected);
    }
  std::vector<std::uint32_t> words(8);
  CHECK(support::error_of<tarn::ArgumentError>([&] { stream.draw(words, 2); }) ==
        "Stream: draws from word 2 on, expected a multiple of 4, at least 0");
  CHECK_THROWS_AS(stream.draw(words, -4), tarn::ArgumentError);

  std::vector<double> values(1001), expected(1001);
  stream.uniform(values, 3);
  for (std::size_t i = 0; i < values.size(); ++i) expected[i] = stream.uniform(static_cast<Index>(i), 3);
  CHECK(values == expected);
}

TEST_CASE("A shuffle is that of Fisher and Yates with the stream's words", "[core][random]") {
  const Stream stream{7, Purpose::shuffle, 1};
  for (const std::size_t size : std::vector<std::size_t>{2, 3, 255, 256, 257, 258, 1000}) {
    std::vector<std::uint32_t> order(size), expected(size);
    std::iota(order.begin(), order.end(), 0U);
    std::iota(expected.begin(), expected.end(), 0U);
    tarn::shuffle(order, stream);
    for (std::size_t last = size - 1; last > 0; --last) {
      const std::uint64_t word = stream.word(static_cast<Index>(size - 1 - last));
      std::swap(expected[last], expected[static_cast<std::size_t>(word * (last + 1) >> 32)]);
    }
    INFO(size);
    CHECK(order == expected);
  }
}

TEST_CASE("Streams differ by seed, purpose, index, step and sample", "[core][random]") {
  std::set<std::uint32_t> words;
  words.insert(Stream{1, Purpose::layer, 2, 3}.word(0, 4));
  words.insert(Stream{2, Purpose::layer, 2, 3}.word(0, 4));
  words.insert(Stream{1ULL << 32 | 1, Purpose::layer, 2, 3}.word(0, 4));
  words.insert(Stream{1, Purpose::shuffle, 2, 3}.word(0, 4));
  words.insert(Stream{1, Purpose::layer, 3, 3}.word(0, 4));
  words.insert(Stream{1, Purpose::layer, 2, 4}.word(0, 4));
  words.insert(Stream{1, Purpose::layer, 2, 3}.word(0, 5));
  words.insert(Stream{1, Purpose::layer, 2, 3}.word(1, 4));
  CHECK(words.size() == 8);
}

TEST_CASE("Uniform numbers have the moments of the uniform distribution", "[core][random]") {
  const Stream stream{2024, Purpose::initial_weights, 0};
  const Index n = 100000;
  double sum = 0, squares = 0, lowest = 1, highest = 0;
  for (Index i = 0; i < n; ++i) {
    const double u = stream.uniform(i);
    sum += u, squares += u * u;
    lowest = std::min(lowest, u), highest = std::max(highest, u);
  }
  const double mean = sum / n;
  CHECK(std::abs(mean - 0.5) < 5 / std::sqrt(12.0 * n));                            // 5 standard errors
  CHECK(std::abs(squares / n - 1.0 / 3) < 5 * std::sqrt((1.0 / 5 - 1.0 / 9) / n));  // 5 standard errors
  CHECK(lowest > 0);
  CHECK(highest < 1);
}

TEST_CASE("A shuffle is a permutation that the stream alone decides", "[core][random]") {
  std::vector<std::uint32_t> order(1000), sorted;
  std::iota(order.begin(), order.end(), 0U);
  const auto identity = order;
  auto again = order, other = order;
  tarn::shuffle(order, Stream{7, Purpose::shuffle, 1});
  tarn::shuffle(again, Stream{7, Purpose::shuffle, 1});
  tarn::shuffle(other, Stream{7, Purpose::shuffle, 2});
  CHECK(order == again);
  CHECK(order != other);
  CHECK(order != identity);
  sorted = order;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == identity);
  std::vector<std::uint32_t> none, one{4};
  tarn::shuffle(none, Stream{7, Purpose::shuffle, 1});
  tarn::shuffle(one, Stream{7, Purpose::shuffle, 1});
  CHECK(one == std::vector<std::uint32_t>{4});
}

TEST_CASE("All orders of a shuffle are equally likely", "[core][random]") {
  int counts[6] = {};
  const int n = 6000;
  for (int i = 0; i < n; ++i) {
    std::vector<std::uint32_t> order{0, 1, 2};
    tarn::shuffle(order, Stream{11, Purpose::shuffle, i});
    ++counts[order[0] * 2 + (order[1] > order[2])];
  }
  const double sigma = std::sqrt(n * (1.0 / 6) * (5.0 / 6));
  for (int count : counts) CHECK(std::abs(count - n / 6.0) < 5 * sigma);
}
