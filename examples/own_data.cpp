// SPDX-License-Identifier: MIT
// Data of one's own in Eigen matrices: two spirals that wind around each other, told apart by a small network.
#include <cstdio>
#include <numbers>

#include <Eigen/Core>

#include <tarn/tarn.hpp>

#include "common/program.hpp"

int main(int argc, char** argv) {
  return examples::run(argc, argv, "own_data", "Two spirals from Eigen matrices", [](const examples::Options& options) {
    using namespace tarn;
    constexpr Index n = 1000;
    const Stream random{options.seed, Purpose::split, 1};
    Eigen::MatrixXf points(n, 2);  // a row a sample
    Eigen::VectorXi labels(n);
    for (Index i = 0; i < n; ++i) {
      const double along = random.uniform(i), turn = std::numbers::pi * (3 * std::sqrt(along) + static_cast<double>(i % 2));
      const double radius = std::sqrt(along) + 0.03 * (random.uniform(i, 1) - 0.5);
      points.row(i) << static_cast<float>(radius * std::cos(turn)), static_cast<float>(radius * std::sin(turn));
      labels[i] = static_cast<int>(i % 2);
    }
    const auto [train, test] = Dataset{Samples{points}, Samples{labels}}.split({.fraction = 0.8, .shuffle = options.seed});

    Sequential model{Input{2}, Dense{.units = 64, .activation = ReLU{}, .kernel_initializer = HeNormal{}},
                     Dense{.units = 64, .activation = ReLU{}, .kernel_initializer = HeNormal{}}, Dense{.units = 2}};
    Trainer trainer{model,
                    CategoricalCrossEntropy{.from_logits = true},
                    Adam{.learning_rate = 0.01},
                    {.seed = options.seed, .profile = options.profile("spirals")}};
    trainer.fit(train, {.epochs = options.epochs ? options.epochs : 60, .batch_size = 32});

    const Tensor<float> logits = model.predict(test.inputs);
    const Tensor<std::int32_t> counts = confusion_matrix(logits, test.targets);
    std::printf("accuracy on %td points: %.3f\n", test.size(), *trainer.evaluate(test).accuracy);
    std::printf("confusion (rows are the true spirals): %d %d / %d %d\n", counts[0], counts[1], counts[2], counts[3]);

    const auto view = matrix(logits);  // results are Eigen maps, at no cost
    std::printf("largest margin %.1f\n", static_cast<double>((view.col(0) - view.col(1)).cwiseAbs().maxCoeff()));
    return 0;
  });
}
