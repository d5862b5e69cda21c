// SPDX-License-Identifier: MIT
#include <tarn/gpu/driver/functions.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;
using Catch::Matchers::StartsWith;

TEST_CASE("A library that is not there is named with the loader's reason and a remedy", "[gpu][functions]") {
  const auto open = [] { gpu::Library{"libno_such_thing.so.1", {"/no/such/folder"}, "install it"}; };
  CHECK_THROWS_AS(open(), DeviceError);
  CHECK_THROWS_WITH(open(),
                    "gpu: cannot open libno_such_thing.so.1 (libno_such_thing.so.1: cannot open shared object file: No such "
                    "file or directory); install it");
}

TEST_CASE("A library is found in a folder that the loader does not know, and its broken file is the reason", "[gpu][functions]") {
  const std::string folder = std::filesystem::temp_directory_path() / "tarn_broken_library";
  std::filesystem::create_directories(folder);
  std::fclose(std::fopen((folder + "/libtarn_broken.so").c_str(), "w"));
  CHECK_THROWS_WITH((gpu::Library{"libtarn_broken.so", {folder}, "install it"}),
                    "gpu: cannot open libtarn_broken.so (" + folder + "/libtarn_broken.so: file too short); install it");
  std::filesystem::remove_all(folder);
}

TEST_CASE("A function that a library lacks is named", "[gpu][functions]") {
  const gpu::Library library{"libc.so.6", {}, ""};
  CHECK(library.find("strlen") != nullptr);
  CHECK_THROWS_WITH(library.find("cuNoSuch"), "gpu: libc.so.6 has no function cuNoSuch, expected a newer library");
}

#if TARN_GPU_HEADERS

namespace {

/// A driver whose calls return what the test says.
struct FakeDriver : gpu::DriverFunctions {
  static inline CUresult status;
  static inline int driver_version;

  FakeDriver() {
    status = CUDA_SUCCESS;
    driver_version = CUDA_VERSION;
    cuInit.raw = [](unsigned) { return status; };
    cuDriverGetVersion.raw = [](int* version) { return *version = driver_version, CUDA_SUCCESS; };
    cuGetErrorName.raw = [](CUresult error, const char** name) {
      *name = error == CUDA_ERROR_NOT_INITIALIZED ? "CUDA_ERROR_NOT_INITIALIZED" : nullptr;
      return CUDA_SUCCESS;
    };
  }
};

}  // namespace

TEST_CASE("A call that fails throws with function, status name and place in the source", "[gpu][functions]") {
  const gpu::ReplacedFunctions<gpu::DriverFunctions> replaced{FakeDriver{}};
  const auto& driver = gpu::functions<gpu::DriverFunctions>();
  CHECK_NOTHROW(driver.cuInit(0));
  FakeDriver::status = CUDA_ERROR_NOT_INITIALIZED;
  const std::string line = std::to_string(__LINE__ + 1);
  CHECK_THROWS_WITH(driver.cuInit(0), "gpu: cuInit: CUDA_ERROR_NOT_INITIALIZED (3), at functions.cpp:" + line);
  FakeDriver::status = CUDA_ERROR_UNKNOWN;
  CHECK_THROWS_AS(driver.cuInit(0), DeviceError);
  CHECK_THROWS_WITH(driver.cuInit(0), StartsWith("gpu: cuInit: unknown status (999), at functions.cpp:"));
}

TEST_CASE("A driver of an older major version is refused with both versions", "[gpu][functions]") {
  FakeDriver driver;
  driver.driver_version = CUDA_VERSION / 1000 * 1000 - 10;
  CHECK_THROWS_WITH(gpu::ReplacedFunctions<gpu::DriverFunctions>{driver},
                    "gpu: libcuda.so.1 is of version " + std::to_string(driver.driver_version) + ", expected at least " +
                        std::to_string(CUDA_VERSION / 1000 * 1000) + "; install NVIDIA's driver, or run on the CPU");
}

TEST_CASE("A compiler, cuBLAS or cuDNN that is too old is refused with both versions", "[gpu][functions]") {
  const auto message = []<class Table>(const Table&, int version) {
    return "gpu: " + Table::library() + " is of version " + std::to_string(version) + ", expected at least " +
           std::to_string(Table::oldest) + "; " + Table::remedy;
  };
  gpu::NvrtcFunctions nvrtc;
  nvrtc.nvrtcVersion.raw = [](int* major, int* minor) {
    *major = CUDA_VERSION / 1000 - 1;
    *minor = 9;
    return NVRTC_SUCCESS;
  };
  CHECK_THROWS_WITH(gpu::ReplacedFunctions<gpu::NvrtcFunctions>{nvrtc}, message(nvrtc, CUDA_VERSION / 1000 * 1000 - 910));
  gpu::BlasFunctions blas;
  blas.cublasLtGetVersion.raw = [] { return std::size_t{CUBLAS_VER_MAJOR * 10000 - 1}; };
  CHECK_THROWS_WITH(gpu::ReplacedFunctions<gpu::BlasFunctions>{blas}, message(blas, CUBLAS_VER_MAJOR * 10000 - 1));
  gpu::DnnFunctions dnn;
  dnn.cudnnGetVersion.raw = [] { return std::size_t{90799}; };
  CHECK_THROWS_WITH(gpu::ReplacedFunctions<gpu::DnnFunctions>{dnn}, message(dnn, 90799));
}

TEST_CASE("Members of the tables have the names with versions that the headers give them", "[gpu][functions]") {
  CHECK(std::string{gpu::DriverFunctions{}.cuMemAlloc.name} == "cuMemAlloc_v2");
  CHECK(std::string{gpu::DriverFunctions{}.cuInit.name} == "cuInit");
}

TEST_CASE("The queries of the list of devices have the driver's own binary interface", "[gpu][functions]") {
  CHECK(sizeof(CUresult) == sizeof(int));
  CHECK(sizeof(CUdevice) == sizeof(int));
  CHECK(sizeof(CUdevice_attribute) == sizeof(int));
  CHECK(static_cast<int>(CUDA_ERROR_NO_DEVICE) == 100);
  CHECK(static_cast<int>(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) == 75);
  CHECK(static_cast<int>(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) == 76);
  CHECK(std::string{gpu::DriverFunctions{}.cuGetErrorName.name} == "cuGetErrorName");
  constexpr auto same = []<class Result, class... Parameters>(Result (*)(Parameters...), auto query) {
    return std::is_invocable_r_v<int, decltype(query), std::conditional_t<std::is_enum_v<Parameters>, int, Parameters>...>;
  };
  CHECK(same(decltype(&::cuDeviceGetAttribute){}, gpu::DriverQueries{}.cuDeviceGetAttribute));
  CHECK(same(decltype(&::cuDeviceTotalMem){}, gpu::DriverQueries{}.cuDeviceTotalMem_v2));
  CHECK(same(decltype(&::cuDeviceGetName){}, gpu::DriverQueries{}.cuDeviceGetName));
}

TEMPLATE_TEST_CASE("The libraries that need no driver open, have every function and are new enough", "[gpu][functions]",
                   gpu::NvrtcFunctions, gpu::BlasFunctions, gpu::DnnFunctions) {
  try {
    const auto& table = gpu::functions<TestType>();
    CHECK(table.version() >= TestType::oldest);
    CHECK(&table == &gpu::functions<TestType>());
  } catch (const DeviceError& error) {
    CHECK_THAT(error.what(), StartsWith("gpu: cannot open " + TestType::library()));
    support::skip(error.what());
  }
}

TEST_CASE("Without a driver the first use says what is missing and what to do", "[gpu][functions]") {
  if (gpu::driver_queries()) return support::skip("this machine has a driver");
  CHECK_THROWS_WITH(
      gpu::functions<gpu::DriverFunctions>(),
      "gpu: cannot open libcuda.so.1 (libcuda.so.1: cannot open shared object file: No such file or directory); install "
      "NVIDIA's driver, or run on the CPU");
}

#else

TEST_CASE("The tables of functions need the headers of the CUDA toolkit", "[gpu][functions]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
