// SPDX-License-Identifier: MIT
#include <iostream>

#include <tarn/core/parallel.hpp>
#include <tarn/core/peak.hpp>
#include <tarn/data.hpp>

#include "../network.hpp"
#include "../process.hpp"
#include "../works.hpp"

namespace benchmark {

Measurement time_epochs(const Settings& settings, const Description& description) {
  tarn::parallel::set_threads(settings.threads);
  Measurement result{.threads = settings.threads, .peak_gflops = tarn::peak_gflops(settings.threads)};
  const auto [train, test] = tarn::data::mnist({.folder = settings.data});
  tarn::Profile profile;
  Network network{description, settings.profile ? &profile : nullptr};
  if (!settings.weights.empty()) network.save_weights(settings.weights);
  const auto epochs = network.fit(train, settings.repeat + 1, description.batch, !settings.in_order).epochs;
  result.peak_mib = peak_mib();
  std::vector<double> losses;
  for (const auto& epoch : epochs) {
    if (epoch.epoch > 1) result.seconds.push_back(epoch.seconds);
    losses.push_back(epoch.training.loss);
  }
  result.flops = network.flops().train * static_cast<double>(train.size());
  result.peak_gflops = std::max(result.peak_gflops, tarn::peak_gflops(settings.threads));
  result.loss = losses.back();
  result.more = {{"loss_of_each", losses}, {"test_accuracy", *network.evaluate(test).accuracy}};
  if (settings.profile) std::cerr << profile.table(result.peak_gflops);
  return result;
}

}  // namespace benchmark
