// SPDX-License-Identifier: MIT
// All losses against PyTorch and Keras, values and gradients.
#include <fstream>

#include <nlohmann/json.hpp>

#include <tarn/losses/binary_cross_entropy.hpp>
#include <tarn/losses/categorical_cross_entropy.hpp>
#include <tarn/losses/hinge.hpp>
#include <tarn/losses/huber.hpp>
#include <tarn/losses/mean_absolute_error.hpp>
#include <tarn/losses/mean_squared_error.hpp>
#include <tarn/losses/perceptron.hpp>
#include <tarn/losses/squared_hinge.hpp>

#include "../catch.hpp"
#include "evaluate.hpp"

using namespace tarn;
using nlohmann::json;
using support::evaluate;

namespace {

json cases_of(const std::string& file) {
  std::ifstream in{std::string{TARN_TESTS} + "/reference/" + file};
  REQUIRE(in);
  return json::parse(in).at("cases");
}

template <class T>
support::LossFound result_of(const std::string& loss, const json& options, const support::LossInput& input) {
  const Reduction reduction = options.value("reduction", "mean") == "sum" ? Reduction::sum : Reduction::mean;
  const bool logits = options.value("from_logits", false);
  const double smoothing = options.value("label_smoothing", 0.0);
  if (loss == "perceptron") return evaluate<T>(Perceptron{reduction}, input);
  if (loss == "hinge") return evaluate<T>(Hinge{reduction}, input);
  if (loss == "squared_hinge") return evaluate<T>(SquaredHinge{reduction}, input);
  if (loss == "mean_squared_error") return evaluate<T>(MeanSquaredError{reduction}, input);
  if (loss == "mean_absolute_error") return evaluate<T>(MeanAbsoluteError{reduction}, input);
  if (loss == "huber") return evaluate<T>(Huber{options.value("delta", 1.0), reduction}, input);
  if (loss == "binary_cross_entropy") return evaluate<T>(BinaryCrossEntropy{logits, smoothing, reduction}, input);
  if (loss == "categorical_cross_entropy") return evaluate<T>(CategoricalCrossEntropy{logits, smoothing, reduction}, input);
  throw std::runtime_error("unknown loss " + loss);
}

void compare(const json& cases, double exact) {
  for (const json& c : cases) {
    support::LossInput input;
    const auto extents = c.at("x_shape").get<std::vector<Index>>();
    for (std::size_t axis = 1; axis < extents.size(); ++axis) input.sample.push_back(extents[axis]);
    input.outputs = c.at("x").get<support::LossValues>();
    if (c.contains("targets")) input.targets = c.at("targets").get<support::LossValues>();
    if (c.contains("labels")) input.labels = c.at("labels").get<std::vector<std::int32_t>>();
    if (c.contains("weights")) input.weights = c.at("weights").get<support::LossValues>();
    const double n = c.at("options").value("reduction", "mean") == "sum" ? 1 : static_cast<double>(input.count());
    const double value = c.at("value");
    const auto expected = c.at("dx").get<support::LossValues>();
    const auto check = [&](const support::LossFound& found, double tolerance) {
      INFO(c.at("name").get<std::string>() << ", tolerance " << tolerance);
      CHECK(std::abs(found.sum / n - value) < tolerance * std::max(1.0, value));
      CHECK(support::relative_error(found.gradient, expected) < tolerance);
      CHECK(found.clean);
    };
    check(result_of<double>(c.at("loss"), c.at("options"), input), exact);
    if (c.at("name").get<std::string>().find("clipped") == std::string::npos)  // 1 - 1e-7 is no float
      check(result_of<float>(c.at("loss"), c.at("options"), input), 1e-5);
  }
}

}  // namespace

TEST_CASE("Losses and their gradients agree with PyTorch", "[losses][reference]") {
  const json cases = cases_of("losses_torch.json");
  CHECK(cases.size() == 60);
  compare(cases, 1e-12);
}

TEST_CASE("Losses and their gradients agree with Keras", "[losses][reference]") {
  const json cases = cases_of("losses_keras.json");
  CHECK(cases.size() == 54);
  compare(cases, 1e-6);  // Keras takes its means in float32
}
