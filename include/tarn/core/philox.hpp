// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

namespace tarn {

/// Philox 4x32-10, a counter-based generator: four random words that are a function of counter and key alone.
/// Source: the definition of philox4x32x10 in the oneAPI specification (oneMath, device engines).
struct Philox {
  using Counter = std::array<std::uint32_t, 4>;
  using Key = std::array<std::uint32_t, 2>;

  static constexpr std::uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
  static constexpr std::uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
  static constexpr int rounds = 10;

  static constexpr Counter block(Counter counter, Key key) {
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t product0 = std::uint64_t{multiplier0} * counter[0];
      const std::uint64_t product1 = std::uint64_t{multiplier1} * counter[2];
      counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
                 static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
      key = {key[0] + weyl0, key[1] + weyl1};
    }
    return counter;
  }
};

}  // namespace tarn
