// SPDX-License-Identifier: MIT
#include "common/program.hpp"

#include <time.h>

#include <atomic>
#include <csignal>
#include <iostream>

#include <CLI/CLI.hpp>

#include <tarn/core/device.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/core/peak.hpp>
#include <tarn/error.hpp>
#include <tarn/version.hpp>

namespace examples {

namespace {

std::atomic<long long> stop_requested{0};  // when, in nanoseconds; 0: not
static_assert(std::atomic<long long>::is_always_lock_free);

/// A second Ctrl-C ends at once. Signals within half a second are one: `timeout` sends its own to the program and to the group.
extern "C" void request_stop(int) {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const long long now = time.tv_sec * 1'000'000'000LL + time.tv_nsec;
  long long first = 0;
  if (!stop_requested.compare_exchange_strong(first, now) && now - first > 500'000'000) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
}

}  // namespace

bool interrupted() { return stop_requested != 0; }

int run(int argc, char** argv, const std::string& name, const std::string& description,
        const std::function<int(const Options&)>& body, const std::vector<std::string>& parts, const std::string& cpu_alone) {
  CLI::App app{description, name};
  Options options;
  app.set_version_flag("--version", name + " (Tarn " + tarn::version + ")");
  app.add_option("--data", options.data,
                 "folder that holds the data files, or a sub-folder named after the set (default: searched for)");
  app.add_option("--out", options.out, "folder for the results, made if missing")->capture_default_str();
  app.add_option("--device", options.device, "auto, cpu or gpu")
      ->check(CLI::IsMember({"auto", "cpu", "gpu"}))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "threads to use (default: all cores)")
      ->check(CLI::Range(1, tarn::parallel::max_threads));
  app.add_option("--seed", options.seed, "seed of the first repeat; the others count up")
      ->check([](const std::string& text) {  // CLI11 would take -1 for the largest number
        const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::string{} : "expected a whole number of at least 0, got " + text;
      })
      ->capture_default_str();
  app.add_option("--epochs", options.epochs, "epochs of each training (default: the assignment's)")->check(CLI::Range(1, 100000));
  app.add_option("--repeats", options.repeats, "trainings of each kind, each with its own seed")->check(CLI::Range(1, 100000));
  app.add_flag("--quick", options.quick, "a few seconds on a sample of the data, to see that all works");
  if (!parts.empty()) {
    app.add_option("--form", options.form, "published: as it was run, mistakes included; corrected: the question asked properly")
        ->check(CLI::IsMember({"published", "corrected", "both"}))
        ->capture_default_str();
    app.add_option("--only", options.only, "this part alone")->check(CLI::IsMember(parts));
  }
  bool with_profile = false;
  app.add_flag("--profile", with_profile, "tell at the end where the time went, layer by layer");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << name << ": " << error.what() << '\n';
    return wrong_option;
  }
  try {
    if (options.device == tarn::Gpu::name && !cpu_alone.empty())
      throw tarn::DeviceError("--device gpu: ", cpu_alone, " on the CPU alone; use --device cpu or auto");
    if (options.threads > 0) tarn::parallel::set_threads(options.threads);
    std::signal(SIGINT, request_stop);
    if (with_profile) options.profiles = std::make_shared<std::map<std::string, tarn::Profile>>();
    const int code = body(options);
    if (with_profile && options.profiles->empty())
      std::cerr << name << ": no profile: ensembles, and networks that are not trained, have none\n";
    if (with_profile)
      for (const auto& [title, profile] : *options.profiles)
        std::cout << '\n' << title << '\n' << profile.table(profile.on_gpu() ? 0 : tarn::peak_gflops());
    return interrupted() ? interrupted_code : code;
  } catch (const tarn::DeviceError& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return no_device;
  } catch (const tarn::IoError& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return bad_data;
  } catch (const tarn::ArgumentError& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return wrong_option;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return failed;
  }
}

}  // namespace examples
