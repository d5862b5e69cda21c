// SPDX-License-Identifier: MIT
#pragma once

namespace tarn::cpu {

/// How a byte becomes a number: scale * byte + offset, in double and rounded once or, where `in_float`, as head * byte + tail * byte, of
/// which the first product is exact. That has the same bits then.
struct ByteScale {
  double scale, offset;
  bool in_float = false;
  float head = 0, tail = 0;
};

}  // namespace tarn::cpu
