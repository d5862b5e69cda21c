// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace benchmark {

/// How works are measured.
struct Settings {
  int threads = 0;       ///< 0: as many as the pool has
  int repeat = 5;        ///< counted timings; their median is given
  std::string data;      ///< folder of the MNIST files
  std::string programs;  ///< folder of the example programs
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

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Seconds of one call: after a warm-up, `repeat` timings of as many calls as take 50 ms.
template <class Call>
std::vector<double> seconds_of(Call call, int repeat) {
  constexpr double enough = 0.05;
  const Stopwatch warm_up;
  double once = 0;
  for (int calls = 0; calls < 3 || warm_up.seconds() < enough; ++calls) {
    const Stopwatch stopwatch;
    call();
    once = stopwatch.seconds();
  }
  const int calls = std::max(1, static_cast<int>(std::ceil(enough / std::max(once, 1e-7))));
  std::vector<double> each;
  for (int i = 0; i < repeat; ++i) {
    const Stopwatch stopwatch;
    for (int k = 0; k < calls; ++k) call();
    each.push_back(stopwatch.seconds() / calls);
  }
  return each;
}

}  // namespace benchmark
