// SPDX-License-Identifier: MIT
#include <tarn/core/peak.hpp>
#include <tarn/tarn.hpp>

#include "../flops.hpp"
#include "../process.hpp"
#include "../works.hpp"

namespace benchmark {

namespace {

using namespace tarn;

constexpr Index networks = 1000, train_points = 3000, test_points = 1000, batch_size = 64, epochs = 2;

std::vector<LayerSpec<float, CpuModels>> layers() {
  std::vector<LayerSpec<float, CpuModels>> all(10, Dense{.units = 2, .activation = ReLU{}});
  all.push_back(Dense{.units = 1});
  return all;
}

/// |x| at points uniform on [-sqrt 7, sqrt 7].
Dataset draw_points(std::uint64_t seed, Index count, bool test) {
  const double reach = std::sqrt(7.0);
  std::vector<double> drawn(static_cast<std::size_t>(count));
  Stream{seed, Purpose::split, test}.uniform(drawn);
  Tensor<float> x{Shape{count, 1}}, y{Shape{count, 1}};
  for (Index i = 0; i < count; ++i) {
    x[i] = static_cast<float>(reach * (2 * drawn[static_cast<std::size_t>(i)] - 1));
    y[i] = std::abs(x[i]);
  }
  return {std::move(x), std::move(y)};
}

struct Outcome {
  double loss, flops;
};

/// All of it: data, training, predictions.
Outcome run() {
  Ensemble<float> ensemble{networks, Input{1}, layers()};
  std::vector<Dataset> train(networks);
  std::vector<Samples> test(networks);
  parallel::run(networks, [&](Index model) {
    const auto i = static_cast<std::size_t>(model);  // the seed too
    train[i] = draw_points(i, train_points, false);
    test[i] = draw_points(i, test_points, true).inputs;
  });
  EnsembleTrainer trainer{ensemble, MeanSquaredError{}, Adam{.learning_rate = 0.001}};
  const auto history = trainer.fit(std::span{std::as_const(train)}, {.epochs = epochs, .batch_size = batch_size});
  ensemble.predict(test);
  double loss = 0;
  for (const Metrics& metrics : history.back().training) loss += metrics.loss / static_cast<double>(networks);
  const Flops each = flops(ensemble.groups()[0]);
  return {loss, static_cast<double>(networks) *
                    (static_cast<double>(epochs * train_points) * each.train + static_cast<double>(test_points) * each.predict)};
}

}  // namespace

Measurement time_ensemble(const Settings& settings) {
  parallel::set_threads(settings.threads);
  Measurement result{.threads = settings.threads, .peak_gflops = peak_gflops(settings.threads)};
  run();  // warm-up
  for (int i = 0; i < settings.repeat; ++i) {
    const Stopwatch stopwatch;
    const Outcome outcome = run();
    result.seconds.push_back(stopwatch.seconds());
    result.loss = outcome.loss;
    result.flops = outcome.flops;
  }
  result.peak_mib = peak_mib();
  result.peak_gflops = std::max(result.peak_gflops, peak_gflops(settings.threads));
  return result;
}

}  // namespace benchmark
