// SPDX-License-Identifier: MIT
#include <tarn/core/parallel.hpp>
#include <tarn/data.hpp>

#include "../network.hpp"
#include "../peak.hpp"
#include "../process.hpp"
#include "../works.hpp"

namespace benchmark {

Measurement time_epochs(const Settings& settings, const Description& description) {
  tarn::parallel::set_threads(settings.threads);
  Measurement result{.threads = settings.threads, .peak_gflops = peak_gflops(settings.threads)};
  const auto [train, test] = tarn::data::mnist({.folder = settings.data});
  Network network{description};
  const auto epochs = network.fit(train, settings.repeat + 1, description.batch).epochs;
  result.peak_mib = peak_mib();
  std::vector<double> losses;
  for (const auto& epoch : epochs) {
    if (epoch.epoch > 1) result.seconds.push_back(epoch.seconds);
    losses.push_back(epoch.training.loss);
  }
  result.flops = network.flops().train * static_cast<double>(train.size());
  result.peak_gflops = std::max(result.peak_gflops, peak_gflops(settings.threads));
  result.loss = losses.back();
  result.more = {{"loss_of_each", losses}, {"test_accuracy", *network.evaluate(test).accuracy}};
  return result;
}

}  // namespace benchmark
