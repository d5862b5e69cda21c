// SPDX-License-Identifier: MIT
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include <tarn/gpu/driver/functions.hpp>
#include <tarn/gpu/kernels/sources.hpp>

namespace tarn::gpu {

/// Kernels for one architecture: what a driver loads, and the name that each has there.
struct CompiledKernels {
  std::string image;               ///< a cubin
  std::vector<std::string> names;  ///< as asked for, "tarn::gpu::kernels::add<float>" becomes its mangled name
  std::string log;                 ///< the compiler's: registers and spills of each kernel
};

/// What makes kernels what they are: with the sources of this release, all that there is to know.
struct KernelRequest {
  int capability;                        ///< of the GPU, as in 90 for 9.0
  std::vector<std::string> expressions;  ///< of tarn::gpu::kernels, as in "softmax<float>"; arguments are named in full
  std::string text = {};                 ///< put behind the kernels, in their namespace: a user's functions
};

/// The program that NVRTC is given.
inline std::string kernel_program(const KernelRequest& request) {
  return "#include <tarn/gpu/kernels/nvrtc.inc>\n#include <tarn/gpu/kernels/all.inc>\nnamespace tarn::gpu::kernels {\n" +
         request.text + "\n}\n";
}

#if TARN_GPU_HEADERS

namespace detail {

/// A program of NVRTC, until the end of its scope.
class Program {
 public:
  Program(const NvrtcFunctions& nvrtc, const std::string& text) : nvrtc_{nvrtc} {
    std::vector<const char*> names{"array", "cmath", "cstdint", "limits", "type_traits", "tarn/core/shape.hpp"};
    std::vector<const char*> texts(names.size(), "");  // nvrtc.inc stands for them
    for (const KernelSource& source : kernel_sources) {
      names.push_back(source.name);
      texts.push_back(source.text);
    }
    nvrtc_.nvrtcCreateProgram(&program_, text.c_str(), "tarn", static_cast<int>(names.size()), texts.data(), names.data());
  }
  ~Program() { nvrtc_.nvrtcDestroyProgram.raw(&program_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  operator nvrtcProgram() const { return program_; }

 private:
  const NvrtcFunctions& nvrtc_;
  nvrtcProgram program_ = nullptr;
};

}  // namespace detail

/// Compiles kernels, which needs neither a GPU nor a driver. Throws DeviceError with the compiler's log.
inline CompiledKernels compile_kernels(const KernelRequest& request) {
  const NvrtcFunctions& nvrtc = functions<NvrtcFunctions>();
  const detail::Program program{nvrtc, kernel_program(request)};
  for (const std::string& expression : request.expressions)
    nvrtc.nvrtcAddNameExpression(program, ("tarn::gpu::kernels::" + expression).c_str());
  const std::string architecture = "-arch=sm_" + std::to_string(request.capability);
  const char* const options[] = {"-std=c++20", "-default-device", "--ptxas-options=-v", architecture.c_str()};
  const nvrtcResult status = nvrtc.nvrtcCompileProgram.raw(program, static_cast<int>(std::size(options)), options);
  CompiledKernels result;
  std::size_t size = 0;
  nvrtc.nvrtcGetProgramLogSize(program, &size);
  result.log.resize(size);
  nvrtc.nvrtcGetProgramLog(program, result.log.data());
  if (status != NVRTC_SUCCESS)
    throw DeviceError("gpu: nvrtcCompileProgram: ", status_name(status), " for ", architecture, ":\n", result.log.c_str());
  nvrtc.nvrtcGetCUBINSize(program, &size);
  result.image.resize(size);
  nvrtc.nvrtcGetCUBIN(program, result.image.data());
  for (const std::string& expression : request.expressions) {
    const char* name = nullptr;
    nvrtc.nvrtcGetLoweredName(program, ("tarn::gpu::kernels::" + expression).c_str(), &name);
    result.names.emplace_back(name);
  }
  return result;
}

#endif

}  // namespace tarn::gpu
