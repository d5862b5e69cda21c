// SPDX-License-Identifier: MIT
#include "../network.hpp"

#include <iostream>

#include <tarn/core/parallel.hpp>
#include <tarn/core/peak.hpp>

#include "../process.hpp"
#include "../works.hpp"

namespace benchmark {

Measurement time_network(const Settings& settings, const Description& description) {
  tarn::parallel::set_threads(settings.threads);
  Measurement result{.work = "model", .threads = settings.threads, .in_ms = true};
  tarn::Profile profile;
  Network network{description, settings.profile ? &profile : nullptr};
  result.peak_gflops = tarn::peak_gflops(settings.threads);
  const tarn::Dataset batch = network.random_data(description.batch);
  const auto& inputs = std::get<tarn::Tensor<float>>(batch.inputs.values());
  if (description.predict) {
    result.seconds = seconds_of([&] { network.predict(inputs); }, settings);
    result.loss = network.evaluate(batch).loss;
  } else {
    result.seconds = seconds_of([&] { result.loss = network.step(batch); }, settings);
  }
  const Flops& flops = network.flops();
  result.flops = static_cast<double>(description.batch) * (description.predict ? flops.predict : flops.train);
  result.peak_mib = peak_mib();
  result.peak_gflops = std::max(result.peak_gflops, tarn::peak_gflops(settings.threads));
  if (settings.profile) std::cerr << profile.table(result.peak_gflops);
  return result;
}

}  // namespace benchmark
