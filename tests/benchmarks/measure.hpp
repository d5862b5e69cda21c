// SPDX-License-Identifier: MIT
#pragma once

#include <time.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace benchmark {

/// How works are measured.
struct Settings {
  int threads = 0;        ///< 0: as many as the pool has
  int repeat = 5;         ///< counted timings; their median is given
  bool cpu_time = false;  ///< seconds of the processor instead of the clock: on one thread, where others keep the machine busy
  bool profile = false;   ///< tell on standard error where the time goes
  std::string weights{};  ///< file that the initial weights are written to, for W1 and W2
  bool in_order = false;  ///< epochs take the data in their stored order
  std::string data;       ///< folder of the MNIST files
  std::string programs;   ///< folder of the example programs
};

/// What was measured: one line of the output.
struct Measurement {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();  // null in the output
  using Value = std::variant<std::string, double, long, std::vector<double>>;

  std::string work = {};
  int threads = 0;
  std::vector<double> seconds = {};  ///< of each timing
  bool in_ms = false;                ///< whether the output says `ms` instead of `seconds`
  double flops = unknown;            ///< of what was timed
  double peak_gflops = unknown, peak_mib = unknown, loss = unknown;
  std::vector<std::pair<std::string, Value>> more = {};
};

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// Seconds since it was made, or of the processor's work for this process.
class Stopwatch {
 public:
  explicit Stopwatch(bool cpu_time = false) : clock_{cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC}, start_{now()} {}
  double seconds() const { return now() - start_; }

 private:
  double now() const {
    timespec time{};
    ::clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  clockid_t clock_;
  double start_;
};

/// Seconds of one call: after a warm-up, as many timings as the settings say, each of as many calls as take 50 ms.
template <class Call>
std::vector<double> seconds_of(Call call, const Settings& settings) {
  constexpr double enough = 0.05;
  const Stopwatch warm_up{settings.cpu_time};
  double once = 0;
  for (int calls = 0; calls < 3 || warm_up.seconds() < enough; ++calls) {
    const Stopwatch stopwatch{settings.cpu_time};
    call();
    once = stopwatch.seconds();
  }
  const int calls = std::max(1, static_cast<int>(std::ceil(enough / std::max(once, 1e-7))));
  std::vector<double> each;
  for (int i = 0; i < settings.repeat; ++i) {
    const Stopwatch stopwatch{settings.cpu_time};
    for (int k = 0; k < calls; ++k) call();
    each.push_back(stopwatch.seconds() / calls);
  }
  return each;
}

}  // namespace benchmark
