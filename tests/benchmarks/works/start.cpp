// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <filesystem>

#include "../process.hpp"
#include "../works.hpp"

namespace benchmark {

Measurement time_start(const Settings& settings) {
  namespace fs = std::filesystem;
  const std::string program = TARN_LENET_START;
  const fs::path stripped = fs::temp_directory_path() / ("tarn-stripped-" + std::to_string(::getpid()));
  run_program({"strip", "-o", stripped.string(), program});
  const auto bytes = static_cast<double>(fs::file_size(stripped));
  const std::vector<std::string> command{stripped.string(), std::to_string(settings.threads), settings.data};
  Measurement result{.threads = settings.threads};
  result.peak_mib = run_program(command).peak_mib;  // the first time the files come from the disk
  for (int i = 0; i < settings.repeat; ++i) result.seconds.push_back(run_program(command).seconds);
  fs::remove(stripped);
  result.more = {{"program_mib", bytes / (1 << 20)}};
  return result;
}

}  // namespace benchmark
