// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <tarn/layers/profile.hpp>

/// What the example programs share: options, exit codes, Ctrl-C.
namespace examples {

/// As the assignment's solution was published, mistakes included, or the same question asked properly.
enum class Form { published, corrected };

/// The options that all programs take.
struct Options {
  std::filesystem::path data;            ///< folder of the data files; empty: searched for
  std::filesystem::path out = "report";  ///< folder of the results, made if missing
  std::string device = "auto";           ///< auto, cpu or gpu
  int threads = 0;                       ///< 0: all cores
  std::uint64_t seed = 0;                ///< of the first repeat; the others count up
  int epochs = 0, repeats = 0;           ///< 0: the program's own
  bool quick = false;                    ///< a sample of the data and few epochs, marked in every output
  std::string form = "both";             ///< published, corrected or both
  std::string only;                      ///< the one part to run; empty: all
  std::shared_ptr<std::map<std::string, tarn::Profile>> profiles = {};  ///< with --profile; their tables are printed at the end

  /// For trainings of one kind, whose models have the same layers; null without --profile.
  tarn::Profile* profile(const std::string& title) const { return profiles ? &(*profiles)[title] : nullptr; }
  bool wants(Form which) const { return form == "both" || form == (which == Form::published ? "published" : "corrected"); }
  bool wants(const std::string& part) const { return only.empty() || only == part; }
};

/// Exit codes beside 0.
enum ExitCode { failed = 1, wrong_option = 2, bad_data = 3, no_device = 4, interrupted_code = 130 };

/// Reads the command line and calls `body`; its result is the exit code. Options and errors end with the codes above and a
/// line on standard error. Ctrl-C sets `interrupted`, so that `body` can end early and write what is finished. A program with
/// `parts` of the assignment takes --form and --only too. --device gpu is an error where `cpu_alone` says, with a verb at its end,
/// what is on the CPU alone; it is empty for a program that runs on either.
int run(int argc, char** argv, const std::string& name, const std::string& description,
        const std::function<int(const Options&)>& body, const std::vector<std::string>& parts = {},
        const std::string& cpu_alone = "this program runs");

/// Whether Ctrl-C was pressed.
bool interrupted();

}  // namespace examples
