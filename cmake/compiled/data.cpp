// SPDX-License-Identifier: MIT
#include <tarn/data.hpp>

#define TARN_COMPILED_TEMPLATE template
namespace tarn {
#include <tarn/compiled/data.inc>
}  // namespace tarn
