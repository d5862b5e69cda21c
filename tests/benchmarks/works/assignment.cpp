// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <filesystem>

#include <tarn/error.hpp>

#include "../process.hpp"
#include "../works.hpp"

namespace benchmark {

/// Once, whatever the settings' repeat says: it takes minutes.
Measurement time_assignment(const Settings& settings) {
  namespace fs = std::filesystem;
  if (settings.programs.empty())
    throw tarn::ArgumentError("W4: no example programs were built; name their folder with --programs");
  const fs::path out = fs::temp_directory_path() / ("tarn-assignment-" + std::to_string(::getpid()));
  Measurement result{.threads = settings.threads, .seconds = {0}, .peak_mib = 0};
  for (const std::string program : {"problem1_perceptron", "problem2_initialization", "problem3_lenet", "problem4_schedules"}) {
    const Process process = run_program({(fs::path{settings.programs} / program).string(), "--form", "published", "--repeats",
                                         "1", "--threads", std::to_string(settings.threads), "--out", out.string()});
    result.seconds[0] += process.seconds;
    result.peak_mib = std::max(result.peak_mib, process.peak_mib);
    result.more.emplace_back(program, process.seconds);
  }
  fs::remove_all(out);
  return result;
}

}  // namespace benchmark
