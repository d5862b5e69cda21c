// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <tarn/core/device.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/cpu/instruction_set.hpp>

namespace tarn {

/// Something that models can run on.
struct DeviceInfo {
  std::string kind;             ///< "cpu"
  std::string instruction_set;  ///< the one in use, as in "v4"
  int threads = 0;              ///< those in use

  /// As in "cpu: v4, 2 threads".
  std::string to_string() const {
    return kind + ": " + instruction_set + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
  }
};

/// The devices of this machine that this release runs on: the processor alone.
inline std::vector<DeviceInfo> devices() { return {{Cpu::name, cpu::to_string(cpu::instruction_set()), parallel::threads()}}; }

}  // namespace tarn
