// SPDX-License-Identifier: MIT
// A residual network on Fashion-MNIST: blocks of layers, a cyclic learning rate, and a confusion matrix. The data set comes from
// Debian's package dataset-fashion-mnist or from tarn::download.
#include <cstdio>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

#include "common/program.hpp"

namespace {

using namespace tarn;

auto conv(int filters) {
  return Block{
      Conv2D{.filters = filters, .kernel = 3, .padding = Padding::same, .use_bias = false, .kernel_initializer = HeNormal{}},
      BatchNorm{.momentum = 0.9}};
}
/// y = relu(x + f(x)).
auto residual(int filters) { return Block{Residual{conv(filters), ReLU{}, conv(filters)}, ReLU{}}; }

}  // namespace

int main(int argc, char** argv) {
  return examples::run(
      argc, argv, "residual_network", "A residual network on Fashion-MNIST", [](const examples::Options& options) {
        auto [train, test] = data::fashion_mnist({.folder = options.data});
        if (options.quick) train = train.take(0, 6000), test = test.take(0, 1000);

        Sequential model{Input{28, 28, 1}, conv(8),      ReLU{},       MaxPool2D{2},      residual(8),       conv(16),
                         ReLU{},           MaxPool2D{2}, residual(16), GlobalAvgPool2D{}, Dense{.units = 10}};
        std::printf("%s", model.summary().c_str());

        const Index epochs = options.epochs ? options.epochs : options.quick ? 3 : 6, steps = train.size() / 64 + 1;
        const CyclicLR rate{.base = 1e-4, .max = 4e-3, .step_size = std::max<Index>(1, epochs * steps / 2)};  // one cycle
        Trainer trainer{model,
                        CategoricalCrossEntropy{.from_logits = true},
                        AdamW{.learning_rate = rate},
                        {.seed = options.seed, .profile = options.profile("residual network")}};
        trainer.fit(train, {.epochs = epochs, .batch_size = 64, .validation = &test, .callbacks = {ProgressBar{}}});

        const Tensor<std::int32_t> counts = confusion_matrix(model.predict(test.inputs), test.targets);
        std::printf("accuracy %.4f%s\nrows: true class, columns: predicted class\n", *trainer.evaluate(test).accuracy,
                    options.quick ? " (a quick run on a sample)" : "");
        for (Index row = 0; row < 10; ++row) {
          for (Index column = 0; column < 10; ++column) std::printf("%6d", counts[row * 10 + column]);
          std::printf("\n");
        }
        return 0;
      });
}
