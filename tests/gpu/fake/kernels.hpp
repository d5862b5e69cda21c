// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "../emulator/emulator.hpp"

namespace fake {

/// A launch with its arguments: what it points to, and what carries it out.
struct Work {
  std::vector<const void*> addresses;
  std::function<void()> run;
};
using Binder = std::function<Work(emulator::Dim grid, unsigned threads, void** arguments)>;

/// The emulator's kernels by the name that a program asks for.
std::map<std::string, Binder> kernels();

}  // namespace fake
