// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include <tarn/train/callbacks.hpp>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace tarn {

/// Progress of `fit`: on a terminal a bar that is redrawn as the epoch goes, with loss, accuracy, the trainer's other metrics as far
/// as the line takes them, samples a second and time left; else one plain line an epoch. What has no accuracy shows none.
class ProgressBar {
 public:
  struct Options {
    std::ostream* out = nullptr;        ///< nullptr: standard output
    std::optional<bool> terminal = {};  ///< unset: whether standard output is one; other streams are none
  };

  ProgressBar() : ProgressBar{Options{}} {}
  explicit ProgressBar(const Options& options)
      : out_{options.out ? options.out : &std::cout},
        terminal_{options.terminal.value_or(!options.out && stdout_is_terminal())} {}

  void on_fit_begin(const FitInfo& info) {
    info_ = info;
    steps_left_ = info.steps;
  }
  void on_epoch_begin(Index) {
    start_ = drawn_ = Clock::now();
    steps_ = 0;
  }
  bool wants_step() const { return terminal_ && Clock::now() - drawn_ >= redrawn_after; }
  void on_step_end(const StepInfo& step) {
    ++steps_;
    if (!terminal_) return;
    const auto now = Clock::now();
    double share = static_cast<double>(step.running.samples) / static_cast<double>(info_.samples);
    if (steps_left_ > 0) share = std::max(share, static_cast<double>(steps_) / static_cast<double>(steps_left_));
    if (now - drawn_ < redrawn_after && share < 1) return;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(step.running.samples) / seconds : 0;
    const std::string head = epoch(step.epoch) + " [",
                      tail = text(", %.0f/s, ", rate) +
                             text("%.0f s left", share > 0 ? seconds * std::max(0.0, 1 - share) / share : 0);
    const std::size_t fixed = head.size() + 2 + tail.size();
    const std::string shown = metrics(step.running, line_width - std::min(line_width, fixed + bar_width));
    const std::size_t width = std::clamp(line_width - std::min(line_width, fixed + shown.size()), std::size_t{4}, bar_width);
    const auto filled = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
    *out_ << '\r' << head << std::string(filled, '=') << std::string(width - filled, '.') << "] " << shown << tail << clear_rest
          << std::flush;
  }
  void on_epoch_end(const EpochRecord& record) {
    steps_left_ -= std::min(steps_left_, record.steps);
    if (terminal_) *out_ << '\r' << clear_rest;
    *out_ << epoch(record.epoch) << ": " << metrics(record.training, all);
    if (record.validation) *out_ << "; validation " << metrics(*record.validation, all);
    *out_ << "; " << text("%.2f", record.seconds) << " s\n" << std::flush;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds redrawn_after{100};
  static constexpr std::size_t bar_width = 14, line_width = 79;  // the bar gives way, down to 4
  static constexpr std::size_t all = static_cast<std::size_t>(-1);
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
  /// As in "Epoch 3/10", without the number of epochs where it is not known.
  std::string epoch(Index number) const {
    return "Epoch " + std::to_string(number) + (info_.epochs > 0 ? '/' + std::to_string(info_.epochs) : std::string{});
  }
  static std::string number(double value) {
    const double size = std::abs(value);
    return text(size == 0 || (size >= 1e-3 && size < 1e6) ? "%.4f" : "%.4e", value);
  }
  /// Loss and accuracy, and of the other metrics those that fit.
  std::string metrics(const Metrics& m, std::size_t width) const {
    std::string out = "loss " + number(m.loss) + (m.accuracy ? ", accuracy " + number(*m.accuracy) : std::string{});
    for (std::size_t i = 0; i < info_.metrics.size(); ++i) {
      const std::string next = ", " + info_.metrics[i] + ' ' + number(m.values[i]);
      if (out.size() > width || next.size() > width - out.size()) break;
      out += next;
    }
    return out;
  }

  std::ostream* out_;
  bool terminal_;
  FitInfo info_;
  Index steps_ = 0, steps_left_ = 0;  // made in this epoch; left at its begin, where steps are counted
  Clock::time_point start_, drawn_;
};

}  // namespace tarn
