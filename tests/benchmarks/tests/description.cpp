// SPDX-License-Identifier: MIT
#include "description.hpp"

#include "../../catch.hpp"

using namespace benchmark;
using namespace tarn;

namespace {

std::string message_of(const std::string& layers) {
  try {
    parse_layers(layers);
  } catch (const ArgumentError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("Words become the layers they stand for", "[benchmarks]") {
  const std::vector<AnyLayer> layers = parse_layers(
      "conv 32 3 same relu; conv 64 5 valid;batchnorm; leakyrelu; avgpool 2; maxpool 3; dropout 0.25; flatten; "
      "dense 256 tanh; dense 10");
  const std::vector<AnyLayer> expected{Conv2D{.filters = 32, .kernel = 3, .padding = Padding::same, .activation = ReLU{}},
                                       Conv2D{.filters = 64, .kernel = 5},
                                       BatchNorm{},
                                       LeakyReLU{},
                                       AvgPool2D{2},
                                       MaxPool2D{3},
                                       Dropout{0.25},
                                       Flatten{},
                                       Dense{.units = 256, .activation = Tanh{}},
                                       Dense{.units = 10}};
  REQUIRE(layers.size() == expected.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    INFO(i);
    CHECK(layers[i] == expected[i]);
  }
}

TEST_CASE("A wrong word is named with its layer", "[benchmarks]") {
  CHECK(message_of("flatten; blur 3") ==
        "layer 1 (blur 3): type is 'blur', expected conv, dense, avgpool, maxpool, batchnorm, dropout, flatten or an activation");
  CHECK(message_of("conv x 3 same") == "layer 0 (conv x 3 same): filters is 'x', expected a whole number of at least 1");
  CHECK(message_of("conv 8 0 same") == "layer 0 (conv 8 0 same): kernel is '0', expected a whole number of at least 1");
  CHECK(message_of("conv 8 3x same") == "layer 0 (conv 8 3x same): kernel is '3x', expected a whole number of at least 1");
  CHECK(message_of("conv 8 3 full") == "layer 0 (conv 8 3 full): padding is 'full', expected same or valid");
  CHECK(message_of("dense 8 swish") ==
        "layer 0 (dense 8 swish): activation is 'swish', expected relu, leakyrelu, tanh, sigmoid or softmax");
  CHECK(message_of("dropout 1") == "layer 0 (dropout 1): rate is '1', expected a number of at least 0 and below 1");
}

TEST_CASE("Missing and superfluous words are named", "[benchmarks]") {
  CHECK(message_of("conv 8") == "layer 0 (conv 8): kernel is missing, expected a whole number of at least 1");
  CHECK(message_of("conv 8 3") == "layer 0 (conv 8 3): padding is missing, expected same or valid");
  CHECK(message_of("flatten 2") == "layer 0 (flatten 2): '2' is too much, expected the end of the layer");
  CHECK(message_of("flatten;") == "layer 1 (): type is missing, expected a layer between two semicolons");
  CHECK(message_of("") == "layer 0 (): type is missing, expected a layer between two semicolons");
}

TEST_CASE("An input is a vector or an image", "[benchmarks]") {
  CHECK(parse_input("784") == Shape{784});
  CHECK(parse_input("28x28x1") == Shape{28, 28, 1});
  CHECK_THROWS_WITH(parse_input("28x28"), "input '28x28': 2 extents, expected 1 (784) or 3 (28x28x1)");
  CHECK_THROWS_WITH(parse_input("28x0x1"), "input '28x0x1': extent '0', expected a whole number of at least 1");
  CHECK_THROWS_WITH(parse_input("28x28x"), "input '28x28x': extent '', expected a whole number of at least 1");
}
