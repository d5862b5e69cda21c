// SPDX-License-Identifier: MIT
#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

int main() {}
