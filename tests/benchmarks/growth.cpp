// SPDX-License-Identifier: MIT
#include "growth.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

#include <tarn/core/parallel.hpp>
#include <tarn/error.hpp>

#include "process.hpp"
#include "works.hpp"

namespace benchmark {

namespace {

struct Point {
  std::string axis, network;
  long value;  // on the axis
  int threads;
  Description description;
};

std::string repeated(const std::string& layer, long times) {
  std::string text;
  for (long i = 0; i < times; ++i) text += layer + "; ";
  return text;
}
Description mlp(long units, long layers, long batch) {
  return {"784", repeated("dense " + std::to_string(units) + " relu", layers) + "dense 10", batch, "adam"};
}
Description conv(long channels, long layers, long batch) {
  return {"14x14x16", repeated("conv " + std::to_string(channels) + " 3 same relu", layers) + "avgpool 14; flatten; dense 10",
          batch, "adam"};
}

std::vector<Point> points(int threads) {
  const Description lenet{"28x28x1", lenet_layers, 128, "sgd"};
  std::vector<Point> all;
  for (long batch = 1; batch <= 8192; batch *= 2) {
    Description description = lenet;
    description.batch = batch;
    all.push_back({"batch", "LeNet", batch, threads, description});
  }
  for (long batch = 1; batch <= 8192; batch *= 2) all.push_back({"batch", "MLP", batch, threads, mlp(512, 2, batch)});
  for (long batch = 1; batch <= 1024; batch *= 2) all.push_back({"batch", "convolutions", batch, threads, conv(64, 2, batch)});
  for (const long channels : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256})
    all.push_back({"channels", "convolutions", channels, threads, conv(channels, 2, 64)});
  for (long units = 8; units <= 4096; units *= 2) all.push_back({"width", "MLP", units, threads, mlp(units, 2, 128)});
  for (long layers = 1; layers <= 64; layers *= 2) all.push_back({"depth", "MLP", layers, threads, mlp(256, layers, 128)});
  for (long layers = 1; layers <= 16; layers *= 2)
    all.push_back({"depth", "convolutions", layers, threads, conv(32, layers, 64)});
  for (const auto& [network, description] :
       {std::pair{"LeNet", lenet}, std::pair{"MLP", mlp(1024, 2, 128)}, std::pair{"convolutions", conv(64, 2, 64)}})
    for (const int count : {1, 2, 3, 4, 8}) all.push_back({"threads", network, count, count, description});
  return all;
}

/// Draws with the project's script, which reads growth.csv in its working directory.
void draw(const std::filesystem::path& folder) {
  const auto old = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  run_program({"gnuplot", TARN_GROWTH_SCRIPT});
  std::filesystem::current_path(old);
}

}  // namespace

void write_growth(const Settings& settings, const std::string& folder) {
  std::filesystem::create_directories(folder);
  const auto file = std::filesystem::path{folder} / "growth.csv";
  std::ofstream csv{file};
  csv << "axis,network,value,threads,batch,ms,gflops,peak_gflops,peak_share,layers\n";
  for (const Point& point : points(settings.threads)) {
    Settings here = settings;
    here.threads = point.threads;
    const Measurement result = time_network(here, point.description);
    const double seconds = median(result.seconds), gflops = result.flops / seconds / 1e9;
    csv << point.axis << ',' << point.network << ',' << point.value << ',' << point.threads << ',' << point.description.batch
        << ',' << 1000 * seconds << ',' << gflops << ',' << result.peak_gflops << ',' << gflops / result.peak_gflops << ",\""
        << point.description.layers << "\"\n"
        << std::flush;
    std::cerr << point.axis << ' ' << point.value << ", " << point.network << ": " << 1000 * seconds << " ms\n";
  }
  if (!csv) throw tarn::IoError(file.string(), ": cannot be written");
  draw(folder);
}

}  // namespace benchmark
