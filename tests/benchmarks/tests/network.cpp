// SPDX-License-Identifier: MIT
#include "network.hpp"

#include "../../catch.hpp"

using namespace benchmark;

namespace {

Flops flops_of(const std::string& input, const std::string& layers) {
  return Network{{.input = input, .layers = layers}}.flops();
}

}  // namespace

TEST_CASE("Operations are counted from the shapes, without the first input's gradient", "[benchmarks]") {
  const Flops dense = flops_of("5", "dense 7 relu; dense 3");
  CHECK(dense.predict == 2 * (5 * 7 + 7 * 3));
  CHECK(dense.train == 2 * 2 * 5 * 7 + 3 * 2 * 7 * 3);

  const Flops conv = flops_of("8x6x2", "batchnorm; conv 4 3 same; maxpool 2; conv 5 3 valid; flatten; dropout 0.5; dense 3");
  const double first = 2 * 8 * 6 * 9 * 2 * 4, second = 2 * 2 * 1 * 9 * 4 * 5, last = 2 * 10 * 3;
  CHECK(conv.predict == first + second + last);
  CHECK(conv.train == 2 * first + 3 * (second + last));
}

TEST_CASE("LeNet-5 takes 2.264 million operations an image", "[benchmarks]") {
  CHECK(flops_of("28x28x1", "conv 6 5 same; avgpool 2; conv 16 5 valid; avgpool 2; conv 120 5 valid; flatten; dense 84; dense 10")
            .train == 2'263'920);
}

TEST_CASE("Every optimizer learns random labels by heart", "[benchmarks]") {
  const std::string optimizer = GENERATE(from_range(optimizers));
  INFO(optimizer);
  Network network{{.input = "6", .layers = "dense 64 tanh; dense 3", .optimizer = optimizer}};
  const tarn::Dataset batch = network.random_data(16);
  CHECK(batch.inputs.shape() == tarn::Shape{16, 6});
  const double before = network.step(batch);
  for (int i = 0; i < 200; ++i) network.step(batch);
  CHECK(network.evaluate(batch).loss < 0.9 * before);
}

TEST_CASE("What makes no network is refused", "[benchmarks]") {
  CHECK_THROWS_WITH((Network{{.input = "6", .layers = "dense 3", .optimizer = "adagrad"}}),
                    "optimizer is 'adagrad', expected sgd, momentum, rmsprop or adam");
  CHECK_THROWS_AS((Network{{.input = "6x6x1", .layers = "dense 3"}}), tarn::ShapeError);
}
