// SPDX-License-Identifier: MIT
#include <tarn/layers/flatten.hpp>

#include "../catch.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::Values;

TEMPLATE_TEST_CASE("Flatten keeps the elements of a sample in row-major order", "[layers][flatten]", float, double) {
  const Values x{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Values dy{1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0};
  const auto run = support::run<TestType>(Input{3, 1, 2}, {Flatten{}}, {}, x, dy);
  CHECK(run.shape == Shape{2, 6});
  CHECK(run.y == x);
  CHECK(run.dx == dy);
  CHECK(support::run<TestType>(Input{}, {Flatten{}}, {}, {1, 2, 3}).shape == Shape{3, 1});
}

TEST_CASE("Flatten passes gradients between layers", "[layers][flatten]") {
  for (const Index batch : {1, 5, 17}) {
    const auto report =
        support::check_gradients(Input{3, 2, 2}, {Tanh{}, Flatten{}, Dense{.units = 3}, Flatten{}}, {.batch = batch});
    INFO(report);
    CHECK(report.passed());
  }
}
