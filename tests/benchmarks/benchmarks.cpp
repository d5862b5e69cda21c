// SPDX-License-Identifier: MIT
// Times the project's works: `benchmarks W1 --threads 2 --repeat 5 --json` prints one JSON line.
#include <sys/resource.h>

#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>
#include "peak.hpp"

namespace {

using Json = nlohmann::ordered_json;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// Peak resident memory of the process so far, in MiB.
double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// LeNet-5 of problem 3 with batch normalisation at the input and after each tanh.
tarn::Sequential<float> lenet() {
  using namespace tarn;
  return Sequential{
      Input{28, 28, 1}, BatchNorm{},       Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2},      Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}},
      BatchNorm{},      Flatten{},         Dense{.units = 84, .activation = Tanh{}},
      BatchNorm{},      Dense{.units = 10}};
}

/// W1: training epochs of LeNet-5 on MNIST, batch 128, plain SGD; the median epoch after one that is not counted.
Json lenet_epochs(int threads, int repeat, const std::string& folder) {
  // Multiply-adds of convolutions and products, forward and both gradients, without the first convolution's input gradient.
  constexpr double flops_per_image = 2.264e6;
  tarn::parallel::set_threads(threads);
  const double peak_before = benchmark::peak_gflops(threads);
  const auto [train, test] = tarn::data::mnist({.folder = folder});
  auto model = lenet();
  tarn::Trainer trainer{model, tarn::CategoricalCrossEntropy{.from_logits = true}, tarn::SGD{.learning_rate = 0.01}};
  const auto history = trainer.fit(train, {.epochs = repeat + 1, .batch_size = 128});
  const double memory = peak_mib();
  const double peak = std::max(peak_before, benchmark::peak_gflops(threads));
  std::vector<double> seconds;
  for (std::size_t epoch = 1; epoch < history.epochs.size(); ++epoch) seconds.push_back(history.epochs[epoch].seconds);
  const double gflops = flops_per_image * static_cast<double>(train.size()) / median(seconds) / 1e9;
  return {{"work", "W1"},
          {"threads", threads},
          {"seconds", median(seconds)},
          {"seconds_of_each", seconds},
          {"gflops", gflops},
          {"peak_gflops", peak},
          {"peak_share", gflops / peak},
          {"peak_mib", memory},
          {"loss", history.epochs.back().training.loss},
          {"test_accuracy", *trainer.evaluate(test).accuracy},
          {"instruction_set", tarn::cpu::to_string(tarn::cpu::instruction_set())}};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Times the works that the project is judged by"};
  std::string work, folder = TARN_EXAMPLES_DATA;
  int threads = tarn::parallel::threads(), repeat = 5;
  bool as_json = false;
  app.add_option("work", work, "W1: LeNet-5 with batch norm on MNIST, seconds a training epoch")
      ->required()
      ->check(CLI::IsMember({"W1"}));
  app.add_option("--threads", threads, "threads to use")->check(CLI::Range(1, tarn::parallel::max_threads));
  app.add_option("--repeat", repeat, "counted runs; the median is given")->check(CLI::Range(1, 1000));
  app.add_option("--data", folder, "folder with the MNIST files");
  app.add_flag("--json", as_json, "one JSON line a work");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  try {
    const Json result = lenet_epochs(threads, repeat, folder);
    if (as_json)
      std::cout << result.dump() << '\n';
    else
      for (const auto& [key, value] : result.items()) std::cout << key << ": " << value << '\n';
  } catch (const tarn::Error& error) {
    std::cerr << "benchmarks: " << error.what() << '\n';
    return 3;
  }
}
