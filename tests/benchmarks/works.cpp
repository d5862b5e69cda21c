// SPDX-License-Identifier: MIT
#include "works.hpp"

namespace benchmark {

namespace {

/// Convolutional networks with 3x3 kernels, 16 to 256 channels, batches of 16 to 256.
std::vector<Description> conv_networks() {
  const std::string small =
      "conv 16 3 same relu; conv 16 3 same relu; maxpool 2; conv 32 3 same relu; conv 32 3 same relu; maxpool 2; "
      "flatten; dense 10";
  const std::string middle = "conv 32 3 same relu; conv 64 3 same relu; avgpool 2; flatten; dense 256 relu; dense 10";
  const std::string normalised =
      "conv 32 3 same; batchnorm; relu; maxpool 2; conv 64 3 same; batchnorm; relu; maxpool 2; "
      "conv 128 3 same; batchnorm; relu; maxpool 2; flatten; dense 10";
  const std::string wide =
      "conv 64 3 same relu; conv 64 3 same relu; maxpool 2; conv 128 3 same relu; conv 128 3 same relu; maxpool 2; "
      "flatten; dense 10";
  const std::string deep = "conv 128 3 same relu; conv 128 3 same relu; maxpool 2; conv 256 3 valid relu; flatten; dense 10";
  const std::string widest = "conv 256 3 same relu; conv 256 3 same relu; flatten; dense 10";
  return {{"32x32x3", small, 16, "adam"},      {"32x32x3", small, 256, "adam"},      {"28x28x1", middle, 64, "adam"},
          {"32x32x3", normalised, 64, "adam"}, {"32x32x3", normalised, 256, "adam"}, {"32x32x3", wide, 16, "adam"},
          {"32x32x3", wide, 128, "adam"},      {"16x16x64", deep, 16, "adam"},       {"16x16x64", deep, 256, "adam"},
          {"8x8x256", widest, 16, "adam"},     {"8x8x256", widest, 128, "adam"}};
}

/// MLPs of 512 to 4096 units, batches of 32 to 512.
std::vector<Description> mlps() {
  std::vector<Description> all;
  for (const auto& [units, batches] :
       std::vector<std::pair<int, std::vector<int>>>{{512, {32, 512}}, {1024, {32, 128}}, {2048, {64, 256}}, {4096, {32, 512}}})
    for (const int batch : batches) {
      const std::string layer = "dense " + std::to_string(units) + " relu; ";
      all.push_back({"784", layer + layer + "dense 10", batch, "adam"});
    }
  return all;
}

}  // namespace

const std::vector<Work>& works() {
  static const std::vector<Work> all{
      {"W1", "LeNet-5 with batch norm, an epoch of MNIST", {{"28x28x1", lenet_layers, 128, "sgd"}}, time_epochs},
      {"W2",
       "MLP 784-100x6-10 tanh, an epoch of MNIST",
       {{"28x28x1",
         "flatten; dense 100; dense 100 tanh; dense 100 tanh; dense 100 tanh; dense 100 tanh; dense 100 tanh; dense 10", 128,
         "rmsprop"}},
       time_epochs},
      {"W3",
       "1000 networks of problem 2.2, whole",
       {},
       [](const auto& settings, const auto&) { return time_ensemble(settings); }},
      {"W4",
       "the assignment in the published form, whole",
       {},
       [](const auto& settings, const auto&) { return time_assignment(settings); }},
      {"W5", "convolutional networks, a training step", conv_networks(), time_network},
      {"W6", "MLPs, a training step", mlps(), time_network},
      {"W7",
       "LeNet-5, a training step of few images",
       {{"28x28x1", lenet_layers, 1, "sgd"}, {"28x28x1", lenet_layers, 8, "sgd"}, {"28x28x1", lenet_layers, 16, "sgd"}},
       time_network},
      {"W8",
       "LeNet-5, a prediction",
       {{"28x28x1", lenet_layers, 1, "sgd", true}, {"28x28x1", lenet_layers, 1000, "sgd", true}},
       time_network},
      {"S", "a LeNet program, from its start to its first step", {}, [](const auto& settings, const auto&) {
         return time_start(settings);
       }}};
  return all;
}

}  // namespace benchmark
