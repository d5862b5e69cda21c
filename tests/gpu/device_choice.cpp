// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;
using Catch::Matchers::StartsWith;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

TEST_CASE("Where there is a GPU with its libraries, auto takes it", "[gpu][device_choice]") {
  fake::Device device;
  for (const char* name : {"auto", "gpu"}) {
    const DeviceChoice choice = choose_device(name);
    CHECK(choice.gpu);
    CHECK(choice.reason.empty());
    CHECK(choice([](auto chosen) { return std::string{decltype(chosen)::name}; }) == "gpu");
  }
}

#endif

TEST_CASE("A program's device is the CPU where it asks for it, and another name is an error", "[gpu][device_choice]") {
  const DeviceChoice choice = choose_device("cpu");
  CHECK_FALSE(choice.gpu);
  CHECK(choice.reason.empty());
  CHECK(choice([](auto chosen) { return std::string{decltype(chosen)::name}; }) == "cpu");
  CHECK_THROWS_WITH(choose_device("tpu"), "choose_device: device is 'tpu', expected auto, cpu or gpu");
}

TEST_CASE("Without a GPU auto takes the CPU with the reason, and gpu is an error with the same one", "[gpu][device_choice]") {
  if (devices().size() > 1) return support::skip("this machine has a GPU");
  const DeviceChoice choice = choose_device("auto");
  CHECK_FALSE(choice.gpu);
  CHECK_THAT(choice.reason, StartsWith("gpu: "));
  CHECK_THROWS_WITH(choose_device("gpu"), choice.reason);
}
