// SPDX-License-Identifier: MIT
#pragma once

// The lane bodies of all operations, compiled once for each instruction set: `lanes/all.inc` is included in namespaces
// `cpu::baseline`, `cpu::v3` and `cpu::v4`, each inside a region with its own target, so that one ordinary build holds them
// all. Whatever the text needs from outside is included here, before the first region.
//
// No vector value crosses a region's border: functions called from outside take pointers and scalars. (A vector passed by
// value to code of another target crashes with g++ at -O0 and is refused by clang.) Instructions that vector types do not have are
// written as such: <immintrin.h> would cost every program 0.3 s and 90 MB to compile.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include <tarn/core/philox.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/byte_scale.hpp>
#include <tarn/cpu/conv2d_block.hpp>
#include <tarn/cpu/geometry.hpp>
#include <tarn/cpu/instruction_set.hpp>
#include <tarn/cpu/narrow.hpp>
#include <tarn/cpu/winograd_block.hpp>
#include <tarn/formulas/activations.hpp>
#include <tarn/formulas/losses.hpp>
#include <tarn/formulas/optimizers.hpp>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

#define TARN_REGION baseline
#define TARN_REGION_BYTES 16
#define TARN_REGION_ACCUMULATORS 8
#include <tarn/cpu/lanes/all.inc>
#undef TARN_REGION
#undef TARN_REGION_BYTES
#undef TARN_REGION_ACCUMULATORS

#if TARN_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi,bmi2")
#endif
#define TARN_REGION v3
#define TARN_REGION_BYTES 32
#define TARN_REGION_ACCUMULATORS 12
#include <tarn/cpu/lanes/all.inc>
#undef TARN_REGION
#undef TARN_REGION_BYTES
#undef TARN_REGION_ACCUMULATORS
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx2,fma,bmi,bmi2"))), \
                             apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx512cd,avx2,fma,bmi,bmi2,prefer-vector-width=512")
#endif
#define TARN_REGION v4
#define TARN_REGION_BYTES 64
#define TARN_REGION_ACCUMULATORS 24
#include <tarn/cpu/lanes/all.inc>
#undef TARN_REGION
#undef TARN_REGION_BYTES
#undef TARN_REGION_ACCUMULATORS
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
