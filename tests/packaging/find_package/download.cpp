// SPDX-License-Identifier: MIT
// Links with libcurl and OpenSSL.
#include <tarn/download.hpp>

int main() {
  try {
    tarn::download::fetch({.name = "file", .bytes = 1, .sha256 = ""}, {"file:///nowhere"}, "file");
  } catch (const tarn::IoError&) {
    return 0;
  }
  return 1;
}
