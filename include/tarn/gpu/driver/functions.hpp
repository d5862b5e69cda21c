// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include <tarn/gpu/driver/function.hpp>
#include <tarn/gpu/driver/library.hpp>
#include <tarn/gpu/driver/queries.hpp>
#include <tarn/gpu/driver/toolkit.hpp>

// The functions of CUDA's libraries, one table a library, with the types of the toolkit's headers. Some names are macros for a
// version (cuMemAlloc is cuMemAlloc_v2): the name is expanded before it becomes a member or a text, so that both agree.

#if TARN_GPU_HEADERS

#include <cublasLt.h>
#include <cuda.h>
#include <cudnn.h>
#include <nvrtc.h>

namespace tarn::gpu {

// clang-format off
#define TARN_GPU_DRIVER_FUNCTIONS(F) \
  F(cuGetErrorName) F(cuInit) F(cuDriverGetVersion) F(cuDeviceGet) F(cuDeviceGetCount) F(cuDeviceGetAttribute) \
  F(cuDevicePrimaryCtxRetain) F(cuDevicePrimaryCtxRelease) F(cuCtxSetCurrent) F(cuMemAlloc) F(cuMemFree) F(cuMemcpyHtoDAsync) \
  F(cuMemcpyDtoHAsync) F(cuMemcpyDtoDAsync) F(cuMemsetD8Async) F(cuStreamCreate) F(cuStreamDestroy) F(cuStreamSynchronize) \
  F(cuStreamBeginCapture) F(cuStreamEndCapture) F(cuGraphInstantiate) F(cuGraphLaunch) F(cuGraphExecDestroy) \
  F(cuGraphDestroy) F(cuModuleLoadData) F(cuModuleUnload) F(cuModuleGetFunction) F(cuLaunchKernel) F(cuEventCreate) \
  F(cuEventDestroy) F(cuEventRecord) F(cuEventSynchronize) F(cuEventElapsedTime)
#define TARN_GPU_NVRTC_FUNCTIONS(F) \
  F(nvrtcGetErrorString) F(nvrtcVersion) F(nvrtcCreateProgram) F(nvrtcDestroyProgram) F(nvrtcAddNameExpression) \
  F(nvrtcCompileProgram) F(nvrtcGetProgramLogSize) F(nvrtcGetProgramLog) F(nvrtcGetCUBINSize) F(nvrtcGetCUBIN) \
  F(nvrtcGetLoweredName)
#define TARN_GPU_BLAS_FUNCTIONS(F) \
  F(cublasLtGetStatusName) F(cublasLtGetVersion) F(cublasLtCreate) F(cublasLtDestroy) F(cublasLtMatmul) \
  F(cublasLtMatmulDescCreate) F(cublasLtMatmulDescDestroy) F(cublasLtMatmulDescSetAttribute) \
  F(cublasLtMatrixLayoutCreate) F(cublasLtMatrixLayoutDestroy) F(cublasLtMatmulPreferenceCreate) \
  F(cublasLtMatmulPreferenceDestroy) F(cublasLtMatmulPreferenceSetAttribute) F(cublasLtMatmulAlgoGetHeuristic)
#define TARN_GPU_DNN_FUNCTIONS(F) \
  F(cudnnGetErrorString) F(cudnnGetVersion) F(cudnnCreate) F(cudnnDestroy) F(cudnnSetStream) \
  F(cudnnBackendCreateDescriptor) F(cudnnBackendDestroyDescriptor) F(cudnnBackendSetAttribute) \
  F(cudnnBackendGetAttribute) F(cudnnBackendFinalize) F(cudnnBackendExecute)
// clang-format on

template <>
const char* status_name(CUresult status);
template <>
const char* status_name(nvrtcResult status);
template <>
const char* status_name(cublasStatus_t status);
template <>
const char* status_name(cudnnStatus_t status);

#define TARN_GPU_TEXT(name) #name
#define TARN_GPU_MEMBER(name) Function<decltype(&::name)> name{nullptr, TARN_GPU_TEXT(name)};
#define TARN_GPU_FIND(name) name.raw = reinterpret_cast<decltype(&::name)>(library.find(TARN_GPU_TEXT(name)));

/// NVIDIA's driver.
struct DriverFunctions {
  TARN_GPU_DRIVER_FUNCTIONS(TARN_GPU_MEMBER)

  static std::string library() { return "libcuda.so.1"; }
  static constexpr const char* remedy = "install NVIDIA's driver, or run on the CPU";
  void find_all(const Library& library) { TARN_GPU_DRIVER_FUNCTIONS(TARN_GPU_FIND) }
  /// Drivers of a major version run what any toolkit of it has made.
  int version() const {
    int version = 0;
    cuDriverGetVersion(&version);
    return version;
  }
  static constexpr int oldest = CUDA_VERSION / 1000 * 1000;
};

/// The compiler of kernels. Needs neither GPU nor driver.
struct NvrtcFunctions {
  TARN_GPU_NVRTC_FUNCTIONS(TARN_GPU_MEMBER)

  static std::string library() { return "libnvrtc.so." + std::to_string(CUDA_VERSION / 1000); }
  static constexpr const char* remedy = "install the CUDA toolkit or the Python package nvidia-cuda-nvrtc, or set TARN_CUDA_PATH";
  void find_all(const Library& library) { TARN_GPU_NVRTC_FUNCTIONS(TARN_GPU_FIND) }
  int version() const {
    int major = 0, minor = 0;
    nvrtcVersion(&major, &minor);
    return major * 1000 + minor * 10;
  }
  static constexpr int oldest = CUDA_VERSION / 1000 * 1000;
};

/// Matrix products.
struct BlasFunctions {
  TARN_GPU_BLAS_FUNCTIONS(TARN_GPU_MEMBER)

  static std::string library() { return "libcublasLt.so." + std::to_string(CUDA_VERSION / 1000); }
  static constexpr const char* remedy = "install the CUDA toolkit or the Python package nvidia-cublas, or set TARN_CUDA_PATH";
  void find_all(const Library& library) { TARN_GPU_BLAS_FUNCTIONS(TARN_GPU_FIND) }
  int version() const { return static_cast<int>(cublasLtGetVersion.raw()); }
  static constexpr int oldest = CUBLAS_VER_MAJOR * 10000;
};

/// Convolutions.
struct DnnFunctions {
  TARN_GPU_DNN_FUNCTIONS(TARN_GPU_MEMBER)

  static std::string library() { return "libcudnn.so." + std::to_string(CUDNN_MAJOR); }
  static constexpr const char* remedy = "install cuDNN or the Python package nvidia-cudnn-cu13, or set TARN_CUDA_PATH";
  void find_all(const Library& library) { TARN_GPU_DNN_FUNCTIONS(TARN_GPU_FIND) }
  int version() const { return static_cast<int>(cudnnGetVersion.raw()); }
  static constexpr int oldest = 90800;  // the first whose plans can be built without a device
};

#undef TARN_GPU_FIND
#undef TARN_GPU_MEMBER

namespace detail {

/// A library's table: its own, opened at the first use, or one that stands in its place.
template <class Table>
struct TableHolder {
  std::mutex mutex;
  std::unique_ptr<const Table> own;
  std::atomic<const Table*> current{nullptr};

  static TableHolder& instance() {
    static TableHolder holder;
    return holder;
  }
};

template <class Table>
void check_version(const Table& table) {
  if (const int version = table.version(); version < Table::oldest)
    throw DeviceError("gpu: ", Table::library(), " is of version ", version, ", expected at least ", Table::oldest, "; ",
                      Table::remedy);
}

}  // namespace detail

/// The functions of one library, as in `functions<NvrtcFunctions>()`. Throws DeviceError where it is missing or too old: with the
/// reason and what to do.
template <class Table>
const Table& functions() {
  auto& holder = detail::TableHolder<Table>::instance();
  if (const Table* table = holder.current.load(std::memory_order_acquire)) return *table;
  std::lock_guard lock{holder.mutex};
  if (!holder.own) {
    auto table = std::make_unique<Table>();
    table->find_all(Library{Table::library(), library_folders(), Table::remedy});
    detail::check_version(*table);
    holder.own = std::move(table);
  }
  const Table* none = nullptr;
  holder.current.compare_exchange_strong(none, holder.own.get());
  return *holder.current.load();
}

/// While it lives, a library's functions are these. Throws DeviceError for a version that is too old.
template <class Table>
class ReplacedFunctions {
 public:
  explicit ReplacedFunctions(const Table& table) : table_{table} {
    detail::check_version(table_);
    before_ = detail::TableHolder<Table>::instance().current.exchange(&table_);
  }
  ~ReplacedFunctions() { detail::TableHolder<Table>::instance().current.store(before_); }
  ReplacedFunctions(const ReplacedFunctions&) = delete;
  ReplacedFunctions& operator=(const ReplacedFunctions&) = delete;

 private:
  const Table table_;
  const Table* before_ = nullptr;
};

namespace detail {

/// Of the library as it is open now: a status cannot come from one that is not.
template <auto Namer, class Table, class Status>
const char* name_of(Status status) {
  const Table* const table = TableHolder<Table>::instance().current.load();
  return table && (table->*Namer).raw ? (table->*Namer).raw(status) : nullptr;
}

}  // namespace detail

template <>
inline const char* status_name(CUresult status) {
  const DriverFunctions* const table = detail::TableHolder<DriverFunctions>::instance().current.load();
  const char* name = nullptr;
  if (table && table->cuGetErrorName.raw) table->cuGetErrorName.raw(status, &name);
  return name;
}
template <>
inline const char* status_name(nvrtcResult status) {
  return detail::name_of<&NvrtcFunctions::nvrtcGetErrorString, NvrtcFunctions>(status);
}
template <>
inline const char* status_name(cublasStatus_t status) {
  return detail::name_of<&BlasFunctions::cublasLtGetStatusName, BlasFunctions>(status);
}
template <>
inline const char* status_name(cudnnStatus_t status) {
  return detail::name_of<&DnnFunctions::cudnnGetErrorString, DnnFunctions>(status);
}

}  // namespace tarn::gpu

#endif  // TARN_GPU_HEADERS
