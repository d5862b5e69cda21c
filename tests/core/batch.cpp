// SPDX-License-Identifier: MIT
#include <tarn/core/batch.hpp>

#include "../catch.hpp"

using tarn::Batch;
using tarn::Index;
using tarn::Shape;

TEMPLATE_TEST_CASE("A batch stands in groups of lanes, the last one perhaps partial", "[core][batch]", float, double) {
  const int lanes = tarn::cpu::lanes<TestType>();
  CHECK(lanes >= 1);
  for (const Index count : {1, 2, 5, 16, 17, 33}) {
    const Batch<TestType> batch{nullptr, count, {4, 3, 2}};
    CHECK(batch.count() == count);
    CHECK(batch.sample() == Shape{4, 3, 2});
    CHECK(batch.shape() == Shape{count, 4, 3, 2});
    CHECK(batch.lanes() == lanes);
    CHECK(batch.group_size() == 24 * lanes);
    CHECK(batch.size() == batch.groups() * batch.group_size());
    Index used = 0;
    for (Index group = 0; group < batch.groups(); ++group) {
      CHECK(batch.used_lanes(group) >= 1);
      CHECK((batch.used_lanes(group) == lanes || group == batch.groups() - 1));
      used += batch.used_lanes(group);
    }
    CHECK(used == count);
  }
  CHECK(Batch<TestType>{}.size() == 0);
}

TEST_CASE("Groups of a batch follow each other in memory", "[core][batch]") {
  float memory[1] = {};
  Batch<float> batch{memory, 100, Shape{3}};
  CHECK(batch.group(0) == memory);
  CHECK(batch.group(1) - batch.group(0) == batch.group_size());
}
