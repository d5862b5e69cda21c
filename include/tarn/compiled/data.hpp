// SPDX-License-Identifier: MIT
#pragma once

// Says what the library of the target tarn::compiled holds of tarn::data.

#include <tarn/data/named_set.hpp>

#define TARN_COMPILED_TEMPLATE extern template
namespace tarn {
#include <tarn/compiled/data.inc>
}  // namespace tarn
#undef TARN_COMPILED_TEMPLATE
