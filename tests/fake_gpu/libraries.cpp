// SPDX-License-Identifier: MIT
// The fake GPU of tests/gpu as a library that stands for all of NVIDIA's: a program that finds it under their names runs on it as it is.
#include <tarn/gpu.hpp>

#if TARN_GPU_HEADERS

#include <cstdio>

#include "../gpu/fake/blas.hpp"
#include "../gpu/fake/compiler.hpp"
#include "../gpu/fake/dnn.hpp"
#include "../gpu/fake/driver.hpp"

namespace {

const bool ready = (fake::state = new fake::State, true);

}  // namespace

// Each function under its own name, for which the loader asks `find_<function>` when it opens the library.
#define FAKE_TEXT_OF(text) #text
#define FAKE_TEXT(text) FAKE_TEXT_OF(text)
#define FAKE_FINDER_OF(function) find_##function
#define FAKE_FINDER(function) FAKE_FINDER_OF(function)
#define FAKE_EXPORT(library, function)                                                                \
  extern "C" [[gnu::visibility("hidden"), gnu::used]] decltype(&::function) FAKE_FINDER(function)() { \
    return &fake::library::function;                                                                  \
  }                                                                                                   \
  extern "C" [[gnu::visibility("default"), gnu::ifunc(FAKE_TEXT(FAKE_FINDER(function)))]] decltype(::function) function;
#define FAKE_DRIVER(function) FAKE_EXPORT(Driver, function)
#define FAKE_COMPILER(function) FAKE_EXPORT(Compiler, function)
#define FAKE_BLAS(function) FAKE_EXPORT(Blas, function)
#define FAKE_DNN(function) FAKE_EXPORT(Dnn, function)
TARN_GPU_DRIVER_FUNCTIONS(FAKE_DRIVER)
TARN_GPU_NVRTC_FUNCTIONS(FAKE_COMPILER)
TARN_GPU_BLAS_FUNCTIONS(FAKE_BLAS)
TARN_GPU_DNN_FUNCTIONS(FAKE_DNN)

// What the list of devices asks for beside them.
[[gnu::visibility("default")]] CUresult cuDeviceGetName(char* name, int size, CUdevice) {
  std::snprintf(name, static_cast<std::size_t>(size), "fake");
  return CUDA_SUCCESS;
}
[[gnu::visibility("default")]] CUresult cuDeviceTotalMem(std::size_t* bytes, CUdevice) {
  return *bytes = std::size_t{1} << 34, CUDA_SUCCESS;
}

#endif
