// SPDX-License-Identifier: MIT
#include <tarn/tarn.hpp>

#define TARN_COMPILED_TEMPLATE template
namespace tarn {
#include <tarn/compiled/training.inc>
}  // namespace tarn
