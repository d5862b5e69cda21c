// SPDX-License-Identifier: MIT
#include <tarn/core/devices.hpp>

#include <cstdlib>
#include <cstring>

#include "../catch.hpp"

namespace {

/// A driver that stands in the place of the machine's own.
struct FakeDriver {
  static inline int init_status, name_status;
  tarn::gpu::DriverQueries table;

  FakeDriver() {
    init_status = name_status = 0;
    table.cuInit = [](unsigned) { return init_status; };
    table.cuDriverGetVersion = [](int* version) { return *version = 12080, 0; };
    table.cuDeviceGetCount = [](int* count) { return *count = 2, 0; };
    table.cuDeviceGet = [](int* device, int ordinal) { return *device = ordinal, 0; };
    table.cuDeviceGetName = [](char* name, int, int device) {
      std::strcpy(name, device == 0 ? "Big" : "Small");
      return device == 0 ? 0 : name_status;
    };
    table.cuDeviceTotalMem_v2 = [](std::size_t* bytes, int device) { return *bytes = (device == 0 ? 80ull : 8ull) << 30, 0; };
    table.cuDeviceGetAttribute = [](int* value, int attribute, int) { return *value = attribute == 75 ? 9 : 0, 0; };
    table.cuGetErrorName = [](int status, const char** name) {
      *name = status == 999 ? "CUDA_ERROR_UNKNOWN" : nullptr;
      return 0;
    };
    tarn::gpu::detail::replaced_queries() = &table;
  }
  ~FakeDriver() { tarn::gpu::detail::replaced_queries() = nullptr; }
};

}  // namespace

TEST_CASE("devices lists the processor first, with the instruction set and the threads in use", "[core][devices]") {
  const int before = tarn::parallel::threads();
  tarn::parallel::set_threads(3);
  const auto devices = tarn::devices();
  REQUIRE(!devices.empty());
  CHECK(devices[0].kind == "cpu");
  CHECK(devices[0].instruction_set == tarn::cpu::to_string(tarn::cpu::instruction_set()));
  CHECK(devices[0].threads == 3);
  CHECK(devices[0].to_string() == "cpu: " + devices[0].instruction_set + ", 3 threads");
  tarn::parallel::set_threads(1);
  CHECK(tarn::devices()[0].to_string() == "cpu: " + devices[0].instruction_set + ", 1 thread");
  tarn::parallel::set_threads(before);
}

TEST_CASE("devices lists each GPU with name, memory, capability and driver", "[core][devices]") {
  const FakeDriver driver;
  const auto devices = tarn::devices();
  REQUIRE(devices.size() == 3);
  CHECK(devices[1].kind == "gpu");
  CHECK(devices[1].memory == std::size_t{80} << 30);
  CHECK(devices[1].capability == 90);
  CHECK(devices[1].driver == 12080);
  CHECK(devices[1].to_string() == "gpu 0: Big, 80 GiB, capability 9.0, driver for CUDA 12.8");
  CHECK(devices[2].to_string() == "gpu 1: Small, 8 GiB, capability 9.0, driver for CUDA 12.8");
}

TEST_CASE("devices says what is wrong with a driver or a GPU instead of throwing", "[core][devices]") {
  FakeDriver driver;
  driver.name_status = 999;
  auto devices = tarn::devices();
  REQUIRE(devices.size() == 3);
  CHECK(devices[1].problem.empty());
  CHECK(devices[2].to_string() == "gpu: cuDeviceGetName: CUDA_ERROR_UNKNOWN (999)");
  driver.init_status = 803;
  devices = tarn::devices();
  REQUIRE(devices.size() == 2);
  CHECK(devices[1].to_string() == "gpu: cuInit: status (803)");
}

TEST_CASE("devices lists the processor alone where the driver finds no GPU or lacks a function", "[core][devices]") {
  FakeDriver driver;
  driver.init_status = 100;
  CHECK(tarn::devices().size() == 1);
  driver.init_status = 0;
  driver.table.cuDeviceTotalMem_v2 = nullptr;
  CHECK(tarn::devices().size() == 1);
}
