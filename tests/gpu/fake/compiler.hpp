// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <set>
#include <string>

#include "library.hpp"

namespace fake {

/// A compiler whose kernels have the names that are asked for, and whose image is a mark: the fake driver has the kernels.
struct Compiler {
  struct Program {
    std::set<std::string> names;
  };
  static constexpr char image[] = "kernels of the emulator";

  static Program* program_of(nvrtcProgram program) { return reinterpret_cast<Program*>(program); }

  static const char* nvrtcGetErrorString(nvrtcResult) { return "an error of the fake compiler"; }
  static nvrtcResult nvrtcVersion(int* major, int* minor) { return *major = 99, *minor = 0, NVRTC_SUCCESS; }
  static nvrtcResult nvrtcCreateProgram(nvrtcProgram* program, const char*, const char*, int, const char* const*,
                                        const char* const*) {
    return *program = reinterpret_cast<nvrtcProgram>(Library::make<Program>()), NVRTC_SUCCESS;
  }
  static nvrtcResult nvrtcDestroyProgram(nvrtcProgram* program) {
    if (!Library::destroy(program_of(*program))) return NVRTC_ERROR_INVALID_PROGRAM;
    return *program = nullptr, NVRTC_SUCCESS;
  }
  static nvrtcResult nvrtcAddNameExpression(nvrtcProgram program, const char* name) {
    return program_of(program)->names.insert(name), NVRTC_SUCCESS;
  }
  static nvrtcResult nvrtcCompileProgram(nvrtcProgram, int, const char* const*) { return NVRTC_SUCCESS; }
  static nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram, std::size_t* size) { return *size = 1, NVRTC_SUCCESS; }
  static nvrtcResult nvrtcGetProgramLog(nvrtcProgram, char* log) { return *log = 0, NVRTC_SUCCESS; }
  static nvrtcResult nvrtcGetCUBINSize(nvrtcProgram, std::size_t* size) { return *size = sizeof image, NVRTC_SUCCESS; }
  static nvrtcResult nvrtcGetCUBIN(nvrtcProgram, char* to) { return std::copy_n(image, sizeof image, to), NVRTC_SUCCESS; }
  static nvrtcResult nvrtcGetLoweredName(nvrtcProgram program, const char* expression, const char** name) {
    const auto& names = program_of(program)->names;
    const auto found = names.find(expression);
    if (found == names.end()) return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
    return *name = found->c_str(), NVRTC_SUCCESS;
  }
};

tarn::gpu::NvrtcFunctions compiler_table();

}  // namespace fake
