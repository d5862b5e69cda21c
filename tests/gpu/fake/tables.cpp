// SPDX-License-Identifier: MIT
// The tables of the fake libraries: compiled once, for they hold all that the libraries do.
#include <tarn/gpu.hpp>

#if TARN_GPU_HEADERS

#include "gpu.hpp"

namespace fake {

tarn::gpu::DriverFunctions driver_table() {
  tarn::gpu::DriverFunctions table;
#define FAKE_TEXT(name) #name
#define FAKE_FUNCTION(function)                            \
  Counted<& Driver::function>::name = FAKE_TEXT(function); \
  table.function.raw = &Counted<&Driver::function>::call;
  FAKE_FUNCTION(cuGetErrorName)
  FAKE_FUNCTION(cuInit)
  FAKE_FUNCTION(cuDriverGetVersion)
  FAKE_FUNCTION(cuDeviceGet)
  FAKE_FUNCTION(cuDeviceGetCount)
  FAKE_FUNCTION(cuDeviceGetAttribute)
  FAKE_FUNCTION(cuDevicePrimaryCtxRetain)
  FAKE_FUNCTION(cuDevicePrimaryCtxRelease)
  FAKE_FUNCTION(cuCtxSetCurrent)
  FAKE_FUNCTION(cuMemAlloc)
  FAKE_FUNCTION(cuMemFree)
  FAKE_FUNCTION(cuMemcpyHtoDAsync)
  FAKE_FUNCTION(cuMemcpyDtoHAsync)
  FAKE_FUNCTION(cuMemcpyDtoDAsync)
  FAKE_FUNCTION(cuMemsetD8Async)
  FAKE_FUNCTION(cuStreamCreate)
  FAKE_FUNCTION(cuStreamDestroy)
  FAKE_FUNCTION(cuStreamSynchronize)
  FAKE_FUNCTION(cuStreamBeginCapture)
  FAKE_FUNCTION(cuStreamEndCapture)
  FAKE_FUNCTION(cuGraphInstantiate)
  FAKE_FUNCTION(cuGraphLaunch)
  FAKE_FUNCTION(cuGraphExecDestroy)
  FAKE_FUNCTION(cuGraphDestroy)
  FAKE_FUNCTION(cuModuleLoadData)
  FAKE_FUNCTION(cuModuleUnload)
  FAKE_FUNCTION(cuModuleGetFunction)
  FAKE_FUNCTION(cuLaunchKernel)
  FAKE_FUNCTION(cuEventCreate)
  FAKE_FUNCTION(cuEventDestroy)
  FAKE_FUNCTION(cuEventRecord)
  FAKE_FUNCTION(cuEventSynchronize)
  FAKE_FUNCTION(cuEventElapsedTime)
#undef FAKE_FUNCTION
#undef FAKE_TEXT
  return table;
}

tarn::gpu::NvrtcFunctions compiler_table() {
  tarn::gpu::NvrtcFunctions table;
  table.nvrtcGetErrorString.raw = &Compiler::nvrtcGetErrorString;
  table.nvrtcVersion.raw = &Compiler::nvrtcVersion;
#define FAKE_FUNCTION(function)                                                  \
  CountedCall<&Compiler::function, NVRTC_ERROR_OUT_OF_MEMORY>::name = #function; \
  table.function.raw = &CountedCall<&Compiler::function, NVRTC_ERROR_OUT_OF_MEMORY>::call;
  FAKE_FUNCTION(nvrtcCreateProgram)
  FAKE_FUNCTION(nvrtcDestroyProgram)
  FAKE_FUNCTION(nvrtcAddNameExpression)
  FAKE_FUNCTION(nvrtcCompileProgram)
  FAKE_FUNCTION(nvrtcGetProgramLogSize)
  FAKE_FUNCTION(nvrtcGetProgramLog)
  FAKE_FUNCTION(nvrtcGetCUBINSize)
  FAKE_FUNCTION(nvrtcGetCUBIN)
  FAKE_FUNCTION(nvrtcGetLoweredName)
#undef FAKE_FUNCTION
  return table;
}

tarn::gpu::BlasFunctions blas_table() {
  tarn::gpu::BlasFunctions table;
  table.cublasLtGetStatusName.raw = &Blas::cublasLtGetStatusName;
  table.cublasLtGetVersion.raw = &Blas::cublasLtGetVersion;
#define FAKE_FUNCTION(function)                                               \
  CountedCall<&Blas::function, CUBLAS_STATUS_ALLOC_FAILED>::name = #function; \
  table.function.raw = &CountedCall<&Blas::function, CUBLAS_STATUS_ALLOC_FAILED>::call;
  FAKE_FUNCTION(cublasLtCreate)
  FAKE_FUNCTION(cublasLtDestroy)
  FAKE_FUNCTION(cublasLtMatmul)
  FAKE_FUNCTION(cublasLtMatmulDescCreate)
  FAKE_FUNCTION(cublasLtMatmulDescDestroy)
  FAKE_FUNCTION(cublasLtMatmulDescSetAttribute)
  FAKE_FUNCTION(cublasLtMatrixLayoutCreate)
  FAKE_FUNCTION(cublasLtMatrixLayoutDestroy)
  FAKE_FUNCTION(cublasLtMatmulPreferenceCreate)
  FAKE_FUNCTION(cublasLtMatmulPreferenceDestroy)
  FAKE_FUNCTION(cublasLtMatmulPreferenceSetAttribute)
  FAKE_FUNCTION(cublasLtMatmulAlgoGetHeuristic)
#undef FAKE_FUNCTION
  return table;
}

tarn::gpu::DnnFunctions dnn_table() {
  tarn::gpu::DnnFunctions table;
  table.cudnnGetErrorString.raw = &Dnn::cudnnGetErrorString;
  table.cudnnGetVersion.raw = &Dnn::cudnnGetVersion;
#define FAKE_FUNCTION(function)                                             \
  CountedCall<&Dnn::function, CUDNN_STATUS_ALLOC_FAILED>::name = #function; \
  table.function.raw = &CountedCall<&Dnn::function, CUDNN_STATUS_ALLOC_FAILED>::call;
  FAKE_FUNCTION(cudnnCreate)
  FAKE_FUNCTION(cudnnDestroy)
  FAKE_FUNCTION(cudnnSetStream)
  FAKE_FUNCTION(cudnnBackendCreateDescriptor)
  FAKE_FUNCTION(cudnnBackendDestroyDescriptor)
  FAKE_FUNCTION(cudnnBackendSetAttribute)
  FAKE_FUNCTION(cudnnBackendGetAttribute)
  FAKE_FUNCTION(cudnnBackendFinalize)
  FAKE_FUNCTION(cudnnBackendExecute)
#undef FAKE_FUNCTION
  return table;
}

}  // namespace fake

#endif
