// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace benchmark {

/// Largest memory that was resident in this process, in MiB.
double peak_mib();

/// A program that has ended.
struct Process {
  double seconds = 0, peak_mib = 0;
};
/// Runs a program, its output thrown away, and waits for its end. Throws StateError where it cannot be started or fails.
Process run_program(const std::vector<std::string>& command);

/// Calls `body` in a process of its own, so that its memory is its own alone; what it returns, or 1 where it was ended by a signal.
int in_own_process(const std::function<int()>& body);

}  // namespace benchmark
