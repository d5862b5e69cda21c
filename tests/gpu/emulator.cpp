// SPDX-License-Identifier: MIT
#include <set>

#include "emulator/emulator.hpp"

#include "../catch.hpp"

using emulator::current;
using emulator::Mode;

TEST_CASE("A barrier lets no fibre pass before all have come", "[gpu][emulator]") {
  std::vector<unsigned> written(64), seen(64);
  emulator::launch({2}, 64, Mode::fibres, [&] {
    const unsigned i = current->thread_index.x;
    written[i] = i + 100 * current->block_index.x;
    current->block->block_barrier();
    seen[i] = written[63 - i];
    current->block->block_barrier();
  });
  for (unsigned i = 0; i < 64; ++i) CHECK(seen[i] == 163 - i);
}

TEST_CASE("A shuffle exchanges the values of a warp's lanes", "[gpu][emulator]") {
  std::vector<double> sums(64);
  emulator::launch({1}, 64, Mode::fibres, [&] {
    double value = current->thread_index.x;
    for (unsigned step = 16; step > 0; step /= 2) value += emulator::shuffle_xor(value, step);
    sums[current->thread_index.x] = value;
  });
  CHECK(sums[0] == 31 * 32 / 2);
  CHECK(sums[31] == sums[0]);
  CHECK(sums[32] == sums[0] + 32 * 32);
}

TEST_CASE("Every thread of every block runs once, with its own indices", "[gpu][emulator]") {
  for (const Mode mode : {Mode::loop, Mode::fibres}) {
    std::set<std::vector<unsigned>> threads;
    emulator::launch({3, 2}, 40, mode, [&] {
      threads.insert({current->block_index.x, current->block_index.y, current->thread_index.x});
      CHECK(current->grid.x == 3);
      CHECK(current->size.x == 40);
    });
    CHECK(threads.size() == 240);
  }
}

TEST_CASE("A barrier that not all threads reach is an error, and so is any in a plain loop", "[gpu][emulator]") {
  const auto half_waits = [] {
    if (current->thread_index.x < 16) current->block->block_barrier();
  };
  CHECK_THROWS_WITH(emulator::launch({1}, 32, Mode::fibres, half_waits), "threads wait at a barrier that others never reach");
  CHECK_THROWS_WITH(emulator::launch({1}, 32, Mode::loop, half_waits), "a barrier in a kernel that runs as a plain loop");
}
