# SPDX-License-Identifier: MIT
# Writes include/tarn/gpu/kernels/sources.hpp, the text of the kernels that programs carry for NVRTC:
#   cmake -P cmake/KernelSources.cmake
# A test fails where that file and the kernels' own differ.
get_filename_component(include ${CMAKE_CURRENT_LIST_DIR}/../include ABSOLUTE)
file(GLOB kernels RELATIVE ${include} ${include}/tarn/gpu/kernels/*.inc)
set(files tarn/core/philox.hpp tarn/cpu/geometry.hpp tarn/formulas/activations.hpp tarn/formulas/activations.inc
  tarn/formulas/losses.hpp tarn/formulas/losses.inc tarn/formulas/optimizers.hpp tarn/formulas/optimizers.inc
  tarn/gpu/kernels/step_state.hpp ${kernels})

set(out "// SPDX-License-Identifier: MIT
// Made by cmake/KernelSources.cmake from the files named below; do not edit.
#pragma once

namespace tarn::gpu {

/// A file that kernels include, and its text.
struct KernelSource {
  const char* name;
  const char* text;
};

// clang-format off
inline constexpr KernelSource kernel_sources[] = {
")
foreach(file IN LISTS files)
  file(READ ${include}/${file} text)
  string(APPEND out "{\"${file}\", R\"kernel(${text})kernel\"},\n")
endforeach()
string(APPEND out "};
// clang-format on

}  // namespace tarn::gpu
")
file(WRITE ${include}/tarn/gpu/kernels/sources.hpp "${out}")
