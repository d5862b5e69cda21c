// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <string>

namespace support {

/// Whether a test said that this machine lacks what it needs.
inline bool something_was_skipped = false;

/// Called by a test that returns after it: if nothing fails, the program ends with the status that counts as skipped.
inline void skip(const std::string& why) {
  something_was_skipped = true;
  std::printf("skipped: %s\n", why.c_str());
}

}  // namespace support
