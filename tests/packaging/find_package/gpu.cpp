// SPDX-License-Identifier: MIT
// A program that asks for GPUs compiles and runs everywhere.
#include <tarn/gpu.hpp>

int main() { return tarn::devices().front().kind == "cpu" ? 0 : 1; }
