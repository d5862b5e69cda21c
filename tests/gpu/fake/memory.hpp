// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>

namespace fake {

/// The GPU's memory: blocks of the processor's, filled with 0xFF (NaN) until they are written, so that sanitizers see what lies
/// outside and what is freed.
class Memory {
 public:
  std::uint64_t allocate(std::size_t bytes) {
    std::unique_ptr<char[]> block{new char[bytes]};  // aligned as `new` does, which is enough for the emulator
    std::memset(block.get(), 0xFF, bytes);
    const auto address = reinterpret_cast<std::uint64_t>(block.get());
    blocks_[address] = {bytes, std::move(block)};
    return address;
  }
  /// Whether it was allocated, and not freed before.
  bool free(std::uint64_t address) { return blocks_.erase(address) == 1; }
  /// Whether [address, address + bytes) lies in one block that is allocated.
  bool holds(std::uint64_t address, std::size_t bytes) const {
    auto after = blocks_.upper_bound(address);
    if (after == blocks_.begin()) return false;
    const auto& [start, block] = *std::prev(after);
    return address - start <= block.bytes && bytes <= block.bytes - (address - start);
  }
  std::size_t blocks() const { return blocks_.size(); }

 private:
  struct Block {
    std::size_t bytes;
    std::unique_ptr<char[]> memory;
  };
  std::map<std::uint64_t, Block> blocks_;
};

}  // namespace fake
