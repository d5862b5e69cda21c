// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include <tarn/train/callbacks.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tarn {

/// Progress of `fit`: on a terminal a bar that is redrawn as the epoch goes, with loss, accuracy, rate and time left; else
/// one plain line an epoch.
class ProgressBar {
 public:
  struct Options {
    std::ostream* out = nullptr;   ///< nullptr: standard output
    std::optional<bool> terminal;  ///< unset: whether standard output is one; other streams are none
  };

  ProgressBar() : ProgressBar{Options{}} {}
  explicit ProgressBar(const Options& options)
      : out_{options.out ? options.out : &std::cout},
        terminal_{options.terminal.value_or(!options.out && stdout_is_terminal())} {}

  void on_fit_begin(const FitInfo& info) { info_ = info; }
  void on_epoch_begin(Index) { start_ = drawn_ = Clock::now(); }
  void on_step_end(const StepInfo& step) {
    if (!terminal_) return;
    const auto now = Clock::now();
    const bool complete = step.running.samples == info_.samples;
    if (now - drawn_ < std::chrono::milliseconds{100} && !complete) return;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double share = static_cast<double>(step.running.samples) / static_cast<double>(info_.samples);
    const int filled = static_cast<int>(share * bar_width);
    const std::string bar =
        std::string(static_cast<std::size_t>(filled), '=') + std::string(static_cast<std::size_t>(bar_width - filled), '.');
    const double rate = seconds > 0 ? static_cast<double>(step.running.samples) / seconds : 0;
    *out_ << "\rEpoch " << step.epoch << '/' << info_.epochs << " [" << bar << "] " << metrics(step.running) << ", "
          << text("%.0f", rate) << "/s, " << text("%.0f", share > 0 ? seconds * (1 - share) / share : 0) << " s left"
          << clear_rest << std::flush;
  }
  void on_epoch_end(const EpochRecord& record) {
    if (terminal_) *out_ << '\r' << clear_rest;
    *out_ << "Epoch " << record.epoch << '/' << info_.epochs << ": " << metrics(record.training);
    if (record.validation) *out_ << "; validation " << metrics(*record.validation);
    *out_ << "; " << text("%.2f", record.seconds) << " s\n" << std::flush;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr int bar_width = 14;                 // so that a line fits into 80 columns
  static constexpr const char* clear_rest = "\033[K";  // of the terminal's line

  static bool stdout_is_terminal() {
#if defined(__unix__) || defined(__APPLE__)
    return isatty(STDOUT_FILENO) == 1;
#else
    return false;
#endif
  }
  static std::string text(const char* format, double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, format, value);
    return buffer;
  }
  static std::string metrics(const Metrics& m) {
    return "loss " + text("%.4f", m.loss) + (m.accuracy ? ", accuracy " + text("%.4f", *m.accuracy) : "");
  }

  std::ostream* out_;
  bool terminal_;
  FitInfo info_;
  Clock::time_point start_, drawn_;
};

}  // namespace tarn
