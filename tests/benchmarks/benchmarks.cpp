// SPDX-License-Identifier: MIT
// Times the project's works: `benchmarks W1 --threads 2 --repeat 5 --json` prints one JSON line a measurement. Any other network
// is timed the same way: `benchmarks model --input 784 --layers 'dense 512 relu; dense 10'`.
#include <malloc.h>

#include <atomic>
#include <cmath>
#include <iostream>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <tarn/core/parallel.hpp>
#include <tarn/core/peak.hpp>
#include <tarn/cpu/instruction_set.hpp>
#include <tarn/error.hpp>

#include "growth.hpp"
#include "network.hpp"
#include "process.hpp"
#include "works.hpp"

namespace {

using namespace benchmark;
using Json = nlohmann::ordered_json;

enum ExitCode { failed = 1, wrong_option = 2, bad_data = 3 };

/// nlohmann writes what is not a number as null.
Json to_json(const Measurement& result) {
  const double seconds = median(result.seconds), gflops = result.flops / seconds / 1e9;
  std::vector<double> each = result.seconds;
  if (result.in_ms)
    for (double& value : each) value *= 1000;
  const std::string unit = result.in_ms ? "ms" : "seconds";
  Json line{{"work", result.work},
            {"threads", result.threads},
            {unit, median(each)},
            {unit + "_of_each", each},
            {"gflops", gflops},
            {"peak_gflops", result.peak_gflops},
            {"peak_share", gflops / result.peak_gflops},
            {"peak_mib", result.peak_mib},
            {"loss", result.loss}};
  for (const auto& [key, value] : result.more) std::visit([&, &name = key](const auto& number) { line[name] = number; }, value);
  line["instruction_set"] = tarn::cpu::to_string(tarn::cpu::instruction_set());
  return line;
}

Json to_json(const Description& description) {
  return {{"input", description.input},
          {"layers", description.layers},
          {"batch", description.batch},
          {"optimizer", description.optimizer},
          {"predict", description.predict}};
}

void print(const Json& line, bool as_json) {
  if (as_json) {
    std::cout << line.dump() << '\n';
  } else {
    for (const auto& [key, value] : line.items()) std::cout << key << ": " << value << '\n';
    std::cout << '\n';
  }
  std::cout.flush();
}

/// What `body` returns, or the code of the error that it ends with.
int with_errors(const std::function<int()>& body) {
  try {
    return body();
  } catch (const tarn::IoError& error) {
    std::cerr << "benchmarks: " << error.what() << '\n';
    return bad_data;
  } catch (const std::exception& error) {
    std::cerr << "benchmarks: " << error.what() << '\n';
    return failed;
  }
}

/// The pool is asked here and not earlier: its threads would be missing in a process of its own.
Settings with_threads(Settings settings) {
  if (settings.threads == 0) settings.threads = tarn::parallel::threads();
  return settings;
}

int measure(const Work& work, const Settings& settings, const Description& description, bool as_json) {
  return in_own_process([&] {
    return with_errors([&] {
      Measurement result = work.measure(with_threads(settings), description);
      result.work = work.name;
      Json line = to_json(result);
      if (!work.networks.empty()) line.update(to_json(description));
      print(line, as_json);
      return 0;
    });
  });
}

int run_works(const std::vector<std::string>& names, const Settings& settings, bool list, bool as_json) {
  int code = 0;
  for (const Work& work : works()) {
    if (!names.empty() && std::find(names.begin(), names.end(), work.name) == names.end()) continue;
    const auto networks = work.networks.empty() ? std::vector<Description>(1) : work.networks;
    for (const Description& description : networks) {
      if (list) {
        Json line{{"work", work.name}, {"title", work.title}};
        if (!work.networks.empty()) line.update(to_json(description));
        print(line, as_json);
      } else {
        code = std::max(code, measure(work, settings, description, as_json));
      }
    }
  }
  return code;
}

int run_model(const Settings& settings, const Description& description, bool as_json) {
  try {
    Network network{description};
    tarn::Dataset few = network.random_data(1);
    network.evaluate(few);
  } catch (const tarn::Error& error) {
    std::cerr << "benchmarks: " << error.what() << '\n';
    return wrong_option;
  }
  return with_errors([&] {
    Json line = to_json(time_network(with_threads(settings), description));
    line.update(to_json(description));
    print(line, as_json);
    return 0;
  });
}

/// Nanoseconds until a number that one thread writes is seen by another, the median of 20 means.
double handover_ns() {
  constexpr int passes = 1000;
  const auto await = [](const std::atomic<int>& number, int value) {
    for (int spin = 0; number.load(std::memory_order_acquire) != value; ++spin)
      if (spin > 10000) std::this_thread::yield();  // no core is free for the other
  };
  std::vector<double> each;
  for (int round = 0; round < 20; ++round) {
    alignas(64) std::atomic<int> ball{0};  // at an odd number it is the other thread's turn
    std::thread other{[&] {
      for (int i = 1; i < 2 * passes + 2; i += 2) {
        await(ball, i);
        ball.store(i + 1, std::memory_order_release);
      }
    }};
    const auto pass = [&](int i) {
      ball.store(i + 1, std::memory_order_release);
      await(ball, i + 2);
    };
    pass(0);  // the other thread is there
    const Stopwatch watch;
    for (int i = 2; i < 2 * passes + 2; i += 2) pass(i);
    each.push_back(1e9 * watch.seconds() / (2 * passes));
    other.join();
  }
  return median(each);
}

/// The machine's limits as they are now; other work beside it, or a virtual machine's host, can take much of them away.
int print_peak(const Settings& settings, bool as_json) {
  Json line{{"threads", settings.threads}, {"peak_gflops", tarn::peak_gflops(settings.threads)}};
  if (settings.threads > 1) line["handover_ns"] = handover_ns();
  print(line, as_json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef M_TRIM_THRESHOLD
  // What one timing gives back serves the next: else fresh pages can cost a fifth of the time. compare.py grants its peers the same.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
#endif
  CLI::App app{"Times the works that the project is judged by, or any network"};
  app.fallthrough();
  Settings settings{.data = TARN_EXAMPLES_DATA, .programs = TARN_PROGRAMS};
  std::vector<std::string> names, known;
  std::string titles = "works to time; none: all of them";
  for (const Work& work : works()) {
    known.push_back(work.name);
    titles += "\n" + work.name + ": " + work.title;
  }
  bool as_json = false, list = false;
  app.add_option("works", names, titles)->check(CLI::IsMember(known));
  app.add_option("--threads", settings.threads, "threads to use; none given: TARN_NUM_THREADS, or one a core")
      ->check(CLI::Range(1, tarn::parallel::max_threads));
  app.add_option("--repeat", settings.repeat, "counted timings, of which the median is given")->check(CLI::Range(1, 1000));
  app.add_flag("--cpu-time", settings.cpu_time, "processor time instead of the clock's, for W5 to W8 and model on one thread");
  app.add_flag("--profile", settings.profile, "where the time goes, on standard error, for W1, W2, W5 to W8 and model");
  app.add_option("--save-weights", settings.weights, "file for the initial weights in safetensors, for W1 and W2");
  app.add_flag("--in-order", settings.in_order, "no shuffling, for W1 and W2");
  app.add_option("--data", settings.data, "folder with the MNIST files");
  app.add_option("--programs", settings.programs, "folder with the example programs, for W4");
  app.add_flag("--json", as_json, "one JSON line a measurement");
  app.add_flag("--list", list, "describe the works instead of timing them");

  Description description;
  CLI::App& model = *app.add_subcommand("model", "Times a training step of any network, or a prediction");
  model.add_option("--input", description.input, "shape of a sample, as in 28x28x1 or 784")->required();
  model
      .add_option("--layers", description.layers,
                  "layers with semicolons between: conv F K same|valid [activation], avgpool N, maxpool N, batchnorm, dropout R, "
                  "flatten, dense U [activation], or an activation: relu, leakyrelu, tanh, sigmoid, softmax")
      ->required();
  model.add_option("--batch", description.batch, "samples of a step or a call")->check(CLI::Range(1, 1'000'000));
  model.add_option("--optimizer", description.optimizer, "sgd, momentum, rmsprop or adam")->check(CLI::IsMember(optimizers));
  model.add_flag("--predict", description.predict, "time a call of predict instead of a training step");

  std::string folder = "growth";
  CLI::App& growth = *app.add_subcommand("growth", "Time against batch size, channels, width, depth and threads");
  growth.add_option("--out", folder, "folder of growth.csv and growth.svg");
  CLI::App& peak = *app.add_subcommand("peak",
                                       "Measures the machine's multiply-adds a second, the peak of the other figures, and how "
                                       "fast threads see each other's writes");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : wrong_option;
  }
  if (settings.cpu_time && settings.threads != 1) {
    std::cerr << "benchmarks: --cpu-time counts the work of all threads together, expected --threads 1\n";
    return wrong_option;
  }
  for (const Work& work : works())
    if (settings.profile && work.networks.empty() && std::find(names.begin(), names.end(), work.name) != names.end()) {
      std::cerr << "benchmarks: --profile: " << work.name << " has none, expected W1, W2, W5 to W8 or model\n";
      return wrong_option;
    }
  if ((growth || peak) && settings.profile) {
    std::cerr << "benchmarks: --profile: " << (peak ? "peak" : "growth") << " has none, expected W1, W2, W5 to W8 or model\n";
    return wrong_option;
  }
  if (peak) return with_errors([&] { return print_peak(with_threads(settings), as_json); });
  if (model) return run_model(settings, description, as_json);
  if (growth)
    return with_errors([&] {
      write_growth(with_threads(settings), folder);
      return 0;
    });
  return with_errors([&] { return run_works(names, settings, list, as_json); });
}
