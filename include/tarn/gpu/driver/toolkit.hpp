// SPDX-License-Identifier: MIT
#pragma once

/// Whether the headers of the CUDA toolkit and of cuDNN are on the include path; CMake's component tarn::gpu puts them there.
/// Only functions.hpp and what calls it look at this: without them it is empty, and every use of a GPU throws with the reason.
#ifndef TARN_GPU_HEADERS
#if __has_include(<cuda.h>) && __has_include(<crt/host_defines.h>) && __has_include(<nv/target>) && \
    __has_include(<nvrtc.h>) && __has_include(<cublasLt.h>) && __has_include(<cudnn.h>)
#define TARN_GPU_HEADERS 1
#else
#define TARN_GPU_HEADERS 0
#endif
#endif
