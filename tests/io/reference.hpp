// SPDX-License-Identifier: MIT
#pragma once

#include "../data/files.hpp"

/// The files of tests/reference/safetensors.
namespace reference {

inline const files::fs::path folder = files::fs::path{TARN_TESTS} / "reference" / "safetensors";
/// Their numbers, by the formula in tests/reference/README.md.
inline double value(tarn::Index i, int salt) {
  return static_cast<double>(((i + 1) * 7919 + salt * 104729) % 2003 - 1001) / 1001.0;
}

}  // namespace reference
