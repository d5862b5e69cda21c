// SPDX-License-Identifier: MIT
#include <tarn/core/devices.hpp>

#include "../catch.hpp"

TEST_CASE("devices lists the processor, with the instruction set and the threads in use", "[core][devices]") {
  const int before = tarn::parallel::threads();
  tarn::parallel::set_threads(3);
  const auto devices = tarn::devices();
  REQUIRE(devices.size() == 1);
  CHECK(devices[0].kind == "cpu");
  CHECK(devices[0].instruction_set == tarn::cpu::to_string(tarn::cpu::instruction_set()));
  CHECK(devices[0].threads == 3);
  CHECK(devices[0].to_string() == "cpu: " + devices[0].instruction_set + ", 3 threads");
  tarn::parallel::set_threads(1);
  CHECK(tarn::devices()[0].to_string() == "cpu: " + devices[0].instruction_set + ", 1 thread");
  tarn::parallel::set_threads(before);
}
