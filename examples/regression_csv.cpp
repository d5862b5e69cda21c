// SPDX-License-Identifier: MIT
// Regression on a CSV file: how far does a ball fly? examples/data/throws.csv holds 600 simulated throws with drag, measured with
// an error of 0.3 m: speed, angle and height at the start, and the range.
#include <cstdio>

#include <tarn/data.hpp>
#include <tarn/io.hpp>
#include <tarn/tarn.hpp>

#include "common/program.hpp"

int main(int argc, char** argv) {
  return examples::run(argc, argv, "regression_csv", "Regression on a CSV file", [](const examples::Options& options) {
    using namespace tarn;
    const auto folder = options.data.empty() ? std::filesystem::path{TARN_EXAMPLES_DATA} : options.data;
    const data::CsvContent throws = data::read_csv<float>(folder / "throws.csv", {.targets = {"range_m"}});
    auto [train, test] = throws.data.split({.fraction = 0.8, .shuffle = options.seed});

    // What is fitted to the training data serves the test data too.
    const auto inputs = data::Standardizer::fit(train.inputs), targets = data::Standardizer::fit(train.targets);
    for (Dataset* set : {&train, &test}) *set = {inputs.apply(set->inputs), targets.apply(set->targets)};

    Sequential model{Input{3}, Dense{.units = 32, .activation = Tanh{}}, Dense{.units = 32, .activation = Tanh{}},
                     Dense{.units = 1}};
    EarlyStopping stopping{model, {.patience = 30}};
    Trainer trainer{model,
                    MeanSquaredError{},
                    Adam{.learning_rate = CosineDecay{.initial = 0.01, .steps = 3000}},
                    {.seed = options.seed, .metrics = {MeanAbsoluteError{}}, .profile = options.profile("throws")}};
    const History history = trainer.fit(train, {.epochs = options.epochs ? options.epochs : 200,
                                                .batch_size = 32,
                                                .validation_split = 0.1,
                                                .callbacks = {std::ref(stopping)}});

    const Metrics measured = trainer.evaluate(test);
    const double metres = targets.deviation()[0], spread = data::Standardizer::fit(test.targets).deviation()[0];
    std::printf("%td throws to learn from, %td to test on; best epoch %td of %zu\n", train.size(), test.size(),
                stopping.best_epoch(), history.epochs.size());
    std::printf("mean absolute error %.2f m; explained variance %.4f\n", history.value(measured, "mean absolute error") * metres,
                1 - measured.loss / (spread * spread));

    std::filesystem::create_directories(options.out);
    const auto file = options.out / "throws.safetensors";
    io::save_weights(model, file);
    std::printf("weights in %s\n", file.c_str());
    return 0;
  });
}
