# SPDX-License-Identifier: MIT
# The folders with the headers of the CUDA toolkit and of cuDNN, in TARN_CUDA_INCLUDE_DIRS; empty if any is missing. Looked for in
# TARN_CUDA_ROOT, the toolkit's own paths, Debian's, and the packages nvidia-* of Python environments. Libraries are opened when a
# program runs, none is linked.
set(TARN_CUDA_ROOT "" CACHE PATH "Where the CUDA toolkit is, if not where one looks first")

set(tarn_cuda_hints ${TARN_CUDA_ROOT} $ENV{TARN_CUDA_PATH} $ENV{CUDA_HOME} $ENV{CUDA_PATH} /usr/local/cuda)
file(GLOB tarn_cuda_wheels $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia/* /usr/local/lib/python3*/dist-packages/nvidia/*
  $ENV{HOME}/.local/lib/python3*/site-packages/nvidia/*)
if(NOT DEFINED ENV{VIRTUAL_ENV})
  list(FILTER tarn_cuda_wheels EXCLUDE REGEX "^/lib/")
endif()

set(TARN_CUDA_INCLUDE_DIRS)
foreach(header cuda.h crt/host_defines.h nv/target nvrtc.h cublasLt.h cudnn.h)  # Python has a package for almost each of them
  string(MAKE_C_IDENTIFIER TARN_${header}_INCLUDE_DIR folder)
  find_path(${folder} ${header} HINTS ${tarn_cuda_hints} PATHS ${tarn_cuda_wheels} PATH_SUFFIXES include include/cccl)
  mark_as_advanced(${folder})
  if(NOT ${folder})
    set(TARN_CUDA_INCLUDE_DIRS)
    set(TARN_CUDA_MISSING ${header})
    break()
  endif()
  list(APPEND TARN_CUDA_INCLUDE_DIRS ${${folder}})
endforeach()
list(REMOVE_DUPLICATES TARN_CUDA_INCLUDE_DIRS)
