// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

/// What the example programs share: options, exit codes, Ctrl-C.
namespace examples {

/// The options that all programs take.
struct Options {
  std::filesystem::path data;            ///< folder of the data files; empty: searched for
  std::filesystem::path out = "report";  ///< folder of the results, made if missing
  std::string device = "auto";           ///< auto, cpu or gpu
  int threads = 0;                       ///< 0: all cores
  std::uint64_t seed = 0;                ///< of the first repeat; the others count up
  int epochs = 0, repeats = 0;           ///< 0: the program's own
  bool quick = false;                    ///< a sample of the data and few epochs, marked in every output
};

/// Exit codes beside 0.
enum ExitCode { failed = 1, wrong_option = 2, bad_data = 3, no_device = 4, interrupted_code = 130 };

/// Reads the command line and calls `body`; its result is the exit code. Options and errors end with the codes above and a
/// line on standard error. Ctrl-C sets `interrupted`, so that `body` can end early and write what is finished.
int run(int argc, char** argv, const std::string& name, const std::string& description,
        const std::function<int(const Options&)>& body);

/// Whether Ctrl-C was pressed.
bool interrupted();

}  // namespace examples
