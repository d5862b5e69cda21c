// SPDX-License-Identifier: MIT
#pragma once

// The kernels as C++: CUDA's own names are the emulator's while their text is read.

#include "emulator.hpp"

#pragma push_macro("__global__")  // the toolkit's headers have these two
#pragma push_macro("__shared__")
#undef __global__
#undef __shared__
#define __global__
#define __shared__ static
#define threadIdx (::emulator::current->thread_index)
#define blockIdx (::emulator::current->block_index)
#define blockDim (::emulator::current->size)
#define gridDim (::emulator::current->grid)
#define __syncthreads() (::emulator::current->block->block_barrier())
#define __shfl_xor_sync(mask, value, lane_mask) (::emulator::shuffle_xor(value, static_cast<unsigned>(lane_mask)))
#define atomicAdd(address, value) (__atomic_fetch_add(address, value, __ATOMIC_RELAXED))
#define atomicOr(address, value) (__atomic_fetch_or(address, value, __ATOMIC_RELAXED))

#include <tarn/gpu/kernels/all.inc>

#pragma pop_macro("__global__")
#pragma pop_macro("__shared__")
#undef threadIdx
#undef blockIdx
#undef blockDim
#undef gridDim
#undef __syncthreads
#undef __shfl_xor_sync
#undef atomicAdd
#undef atomicOr
