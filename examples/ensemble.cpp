// SPDX-License-Identifier: MIT
// An ensemble of 100 networks, trained side by side: their mean is the prediction, their spread says where it can be trusted.
#include <chrono>
#include <cmath>
#include <cstdio>

#include <tarn/tarn.hpp>

#include "common/program.hpp"

int main(int argc, char** argv) {
  return examples::run(argc, argv, "ensemble", "An ensemble of 100 networks", [](const examples::Options& options) {
    using namespace tarn;
    constexpr Index models = 100, n = 200;
    // Each network sees a sample of its own of y = sin(2 x) with noise, for x from -1 to 1 alone.
    std::vector<Dataset> data;
    for (Index model = 0; model < models; ++model) {
      Tensor<float> x{Shape{n, 1}}, y{Shape{n, 1}};
      const Stream random{options.seed, Purpose::split, model};
      for (Index i = 0; i < n; ++i) {
        x[i] = static_cast<float>(2 * random.uniform(i) - 1);
        y[i] = std::sin(2 * x[i]) + static_cast<float>(0.2 * (random.uniform(i, 1) - 0.5));
      }
      data.push_back({std::move(x), std::move(y)});
    }

    const auto start = std::chrono::steady_clock::now();
    Ensemble ensemble{models, Input{1}, Dense{.units = 32, .activation = Tanh{}}, Dense{.units = 32, .activation = Tanh{}},
                      Dense{.units = 1}};
    ensemble.initialize(options.seed);
    EnsembleTrainer trainer{ensemble, MeanSquaredError{}, Adam{.learning_rate = CosineDecay{.initial = 0.02, .steps = 1400}},
                            options.seed};
    const auto epochs = trainer.fit(std::span{std::as_const(data)}, {.epochs = options.epochs ? options.epochs : 200});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    double loss = 0;
    for (const Metrics& metrics : epochs.back().training) loss += metrics.loss / models;
    std::printf("%td networks trained in %.2f s, mean loss %.5f\n    x    sin 2x      mean    spread\n", ensemble.size(), seconds,
                loss);
    Tensor<float> x{{9, 1}, {-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2}};
    const Tensor<float> y = ensemble.predict(Samples{x});  // [models, 9, 1]
    for (Index i = 0; i < 9; ++i) {
      double mean = 0, squares = 0;
      for (Index model = 0; model < models; ++model) mean += static_cast<double>(y[model * 9 + i]) / models;
      for (Index model = 0; model < models; ++model)
        squares += std::pow(static_cast<double>(y[model * 9 + i]) - mean, 2) / models;
      std::printf("%5.1f %9.3f %9.3f %9.3f\n", static_cast<double>(x[i]), std::sin(2 * static_cast<double>(x[i])), mean,
                  std::sqrt(squares));
    }
    return 0;
  });
}
