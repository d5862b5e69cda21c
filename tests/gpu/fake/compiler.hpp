// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>

#include <tarn/gpu/driver/functions.hpp>

namespace fake {

/// A compiler whose kernels have the names that are asked for, and whose image is a mark: the fake driver has the kernels.
inline tarn::gpu::NvrtcFunctions compiler_table() {
  struct Program {
    std::set<std::string> names;
  };
  tarn::gpu::NvrtcFunctions table;
  static constexpr char image[] = "kernels of the emulator";
  table.nvrtcGetErrorString.raw = [](nvrtcResult) { return "an error of the fake compiler"; };
  table.nvrtcVersion.raw = [](int* major, int* minor) { return *major = 99, *minor = 0, NVRTC_SUCCESS; };
  table.nvrtcCreateProgram.raw = [](nvrtcProgram* program, const char*, const char*, int, const char* const*,
                                    const char* const*) {
    return *program = reinterpret_cast<nvrtcProgram>(new Program), NVRTC_SUCCESS;
  };
  table.nvrtcDestroyProgram.raw = [](nvrtcProgram* program) {
    delete reinterpret_cast<Program*>(*program);
    return *program = nullptr, NVRTC_SUCCESS;
  };
  table.nvrtcAddNameExpression.raw = [](nvrtcProgram program, const char* name) {
    reinterpret_cast<Program*>(program)->names.insert(name);
    return NVRTC_SUCCESS;
  };
  table.nvrtcCompileProgram.raw = [](nvrtcProgram, int, const char* const*) { return NVRTC_SUCCESS; };
  table.nvrtcGetProgramLogSize.raw = [](nvrtcProgram, std::size_t* size) { return *size = 1, NVRTC_SUCCESS; };
  table.nvrtcGetProgramLog.raw = [](nvrtcProgram, char* log) { return *log = 0, NVRTC_SUCCESS; };
  table.nvrtcGetCUBINSize.raw = [](nvrtcProgram, std::size_t* size) { return *size = sizeof image, NVRTC_SUCCESS; };
  table.nvrtcGetCUBIN.raw = [](nvrtcProgram, char* to) { return std::copy_n(image, sizeof image, to), NVRTC_SUCCESS; };
  table.nvrtcGetLoweredName.raw = [](nvrtcProgram program, const char* expression, const char** name) {
    const auto& names = reinterpret_cast<Program*>(program)->names;
    const auto found = names.find(expression);
    if (found == names.end()) return NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID;
    return *name = found->c_str(), NVRTC_SUCCESS;
  };
  return table;
}

}  // namespace fake
