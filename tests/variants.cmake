# SPDX-License-Identifier: MIT
# The same tests from other compilers, for another processor, without optimisation and with sanitizers. Each variant is a configure preset, built by
# a test of its own in <build>/variants; the tests that run it are entries here, so that each is counted.

# variant(<preset> LABEL <label> [TAG <tag>] [SETS <set>...] FOLDERS <folder>...): adds "<preset>: build" and an entry for each
# folder and, where the folder has kernels, each instruction set.
function(variant preset)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TAG" "FOLDERS;SETS;OPTIONS;ENVIRONMENT;EMULATOR")
  set(dir ${PROJECT_BINARY_DIR}/variants/${preset})
  set(targets)
  foreach(folder IN LISTS arg_FOLDERS)
    find_test_sources(${folder} sources ${arg_TAG})
    if(sources)
      list(APPEND targets tests_${folder})
    endif()
  endforeach()
  if(NOT targets)
    return()
  endif()

  add_test(NAME "${preset}: build" WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    COMMAND ${CMAKE_COMMAND} "-DPRESET=${preset}" "-DDIR=${dir}" "-DTARGETS=${targets}" "-DOPTIONS=${arg_OPTIONS}"
      -P ${CMAKE_CURRENT_SOURCE_DIR}/build_preset.cmake)
  set_tests_properties("${preset}: build" PROPERTIES LABELS ${arg_LABEL} FIXTURES_SETUP ${preset} RUN_SERIAL ON TIMEOUT 3600)

  foreach(target IN LISTS targets)
    string(REPLACE "tests_" "" folder ${target})
    set(sets default)
    if(folder IN_LIST kernel_folders AND NOT arg_TAG)
      set(sets ${arg_SETS})
      if(NOT sets)
        set(sets ${instruction_sets})
      endif()
    endif()
    set(filter "~[slow]~[.]")
    if(arg_TAG)
      set(filter "[${arg_TAG}]")
    endif()
    foreach(set IN LISTS sets)
      set(name "${preset}: ${folder} (${set})")
      add_test(NAME "${name}" COMMAND ${arg_EMULATOR} ${dir}/tests/${target} ${filter})
      set_tests_properties("${name}" PROPERTIES LABELS "${arg_LABEL};${folder}" FIXTURES_REQUIRED ${preset} TIMEOUT 1200
        SKIP_RETURN_CODE 77 SKIP_REGULAR_EXPRESSION "ThreadSanitizer: unexpected memory mapping"
        ENVIRONMENT "TARN_CPU=$<$<NOT:$<STREQUAL:${set},default>>:${set}>;${arg_ENVIRONMENT}")
    endforeach()
  endforeach()
endfunction()

set(same_compiler -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER})
# What -O0 may break is vectors, which the plain bodies have none of: they take minutes there, and run with Eigen's assertions
# under the sanitizers.
variant(debug LABEL compilers SETS baseline v3 v4 FOLDERS cpu formulas ops layers losses optim testing train OPTIONS ${same_compiler})
if(TARN_CLANGXX)
  set(clang -DCMAKE_CXX_COMPILER=${TARN_CLANGXX})
  variant(clang LABEL compilers FOLDERS cpu formulas ops layers losses optim testing train OPTIONS ${clang})
  variant(clang-debug LABEL compilers SETS baseline v3 v4 FOLDERS cpu formulas ops layers losses optim testing train OPTIONS ${clang})
else()
  add_test(NAME "clang: not on this machine" COMMAND sh -c "exit 77")
  set_tests_properties("clang: not on this machine" PROPERTIES LABELS compilers SKIP_RETURN_CODE 77)
endif()
# The kernels and what stands directly on them: emulation is slow.
find_program(TARN_ARM64_GXX aarch64-linux-gnu-g++)
find_program(TARN_QEMU_AARCH64 qemu-aarch64)
if(TARN_ARM64_GXX AND TARN_QEMU_AARCH64)
  variant(arm64 LABEL compilers SETS plain baseline FOLDERS cpu formulas ops EMULATOR ${TARN_QEMU_AARCH64} -L /usr/aarch64-linux-gnu)
else()
  add_test(NAME "arm64: no cross compiler or no emulator on this machine" COMMAND sh -c "exit 77")
  set_tests_properties("arm64: no cross compiler or no emulator on this machine" PROPERTIES LABELS compilers SKIP_RETURN_CODE 77)
endif()
list(REMOVE_ITEM folders examples)  # their libraries would be compiled again
if(NOT TARGET tarn::download)
  list(REMOVE_ITEM folders download)
endif()
variant(asan LABEL sanitizers FOLDERS ${folders} OPTIONS ${same_compiler})
variant(tsan LABEL sanitizers FOLDERS ${folders} TAG concurrency OPTIONS ${same_compiler} ENVIRONMENT TARN_NUM_THREADS=4)
