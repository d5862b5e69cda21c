// SPDX-License-Identifier: MIT
// Compiles as it stands. With -DTARN_MIX=<n>, the line marked "mix <n>" joins two devices and must be refused.
#include <tarn/core/batch.hpp>
#include <tarn/core/tensor.hpp>

#ifndef TARN_MIX
#define TARN_MIX 0
#endif

using tarn::Cpu;
using tarn::Gpu;

template <int mix>
using Other = std::conditional_t<TARN_MIX == mix, Gpu, Cpu>;

void read(tarn::TensorView<const float, Cpu>) {}
void step(tarn::Batch<float, Cpu>&) {}

void mixes(tarn::TensorView<float, Other<1>> values, tarn::TensorView<const float, Other<2>> constants,
           tarn::Batch<float, Other<3>>& batch) {
  read(values);             // mix 1: a view given for a view of const scalars
  tarn::matrix(constants);  // mix 2: a view of another device's memory as an Eigen matrix
  step(batch);              // mix 3: a batch given to an operation of another device
}

int main() {}
