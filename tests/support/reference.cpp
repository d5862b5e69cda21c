// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "compare.hpp"

namespace support {

using namespace tarn;
using nlohmann::json;

namespace {

json cases(const std::string& file) {
  const std::string path = std::string{TARN_TESTS} + "/reference/" + file;
  std::ifstream in{path};
  if (!in) throw std::runtime_error("cannot open " + path);
  return json::parse(in).at("cases");
}

Shape shape_of(const json& extents) {
  Shape shape;
  for (Index extent : extents) shape.push_back(extent);
  return shape;
}

Activation activation_of(const std::string& name) {
  if (name == "linear") return Linear{};
  if (name == "tanh") return Tanh{};
  if (name == "softmax") return Softmax{};
  throw std::runtime_error("unknown activation " + name);
}

Size2D size_of(const json& size) { return {size.at(0).get<int>(), size.at(1).get<int>()}; }

AnySpec spec_of(const std::string& layer, const json& options) {
  if (layer == "conv2d")
    return Conv2D{.filters = options.at("filters"),
                  .kernel = size_of(options.at("kernel_size")),
                  .padding = options.at("padding") == "same" ? Padding::same : Padding::valid,
                  .activation = activation_of(options.at("activation")),
                  .use_bias = options.at("use_bias")};
  if (layer == "dense")
    return Dense{
        .units = options.at("units"), .activation = activation_of(options.at("activation")), .use_bias = options.at("use_bias")};
  if (layer == "avg_pool2d")
    return AvgPool2D{.window = size_of(options.at("pool_size")), .stride = size_of(options.at("strides"))};
  if (layer == "batch_norm") return BatchNorm{.momentum = options.at("momentum"), .epsilon = options.at("epsilon")};
  if (layer == "tanh") return Tanh{};
  if (layer == "softmax") return Softmax{};
  if (layer == "flatten") return Flatten{};
  throw std::runtime_error("unknown layer " + layer);
}

std::string name_of(const AnySpec& spec) {
  return std::visit([](const auto& chosen) { return std::string{chosen.name}; }, spec);
}

/// The names that the layers get in a model.
std::vector<std::string> placed_names(const std::vector<AnySpec>& specs) {
  std::map<std::string, int> used;
  std::vector<std::string> names;
  for (const auto& spec : specs) {
    const std::string name = name_of(spec);
    const int number = used[name]++;
    names.push_back(number ? name + "_" + std::to_string(number) : name);
  }
  return names;
}

TensorSummary summary_of(const json& summary) {
  return {summary.at("sum"), summary.at("sum_of_squares"), summary.at("first"), summary.at("last")};
}

}  // namespace

std::vector<LayerCase> layer_cases() {
  std::vector<LayerCase> result;
  for (const json& entry : cases("layers.json")) {
    LayerCase c;
    c.name = entry.at("name");
    c.specs = {spec_of(entry.at("layer"), entry.at("options"))};
    c.layer = name_of(c.specs[0]);
    c.x_shape = shape_of(entry.at("x_shape"));
    c.y_shape = shape_of(entry.at("y_shape"));
    c.training = entry.at("training");
    for (const auto& [key, tensor] : entry.at("parameters").items()) {
      c.parameters[c.layer + "/" + key] = tensor.at("values").get<Values>();
      if (entry.contains(key + "_after")) c.after[c.layer + "/" + key] = entry.at(key + "_after").get<Values>();
    }
    for (const auto& [key, tensor] : entry.at("gradients").items())
      c.gradients[c.layer + "/" + key] = tensor.at("values").get<Values>();
    c.x = entry.at("x").get<Values>();
    c.y = entry.at("y").get<Values>();
    c.dy = entry.at("dy").get<Values>();
    c.dx = entry.at("dx").get<Values>();
    result.push_back(std::move(c));
  }
  return result;
}

std::vector<LossCase> loss_cases() {
  std::vector<LossCase> result;
  for (const json& entry : cases("losses.json")) {
    LossCase c;
    c.name = entry.at("name");
    c.from_logits = entry.at("from_logits");
    c.x_shape = shape_of(entry.at("x_shape"));
    c.x = entry.at("x").get<Values>();
    c.dx = entry.at("dx").get<Values>();
    if (entry.contains("targets")) c.targets = entry.at("targets").get<Values>();
    if (entry.contains("labels")) c.labels = entry.at("labels").get<std::vector<std::int32_t>>();
    c.loss = entry.at("loss");
    c.accuracy = entry.at("accuracy");
    result.push_back(std::move(c));
  }
  return result;
}

std::vector<LeNetCase> lenet_cases() {
  std::vector<LeNetCase> result;
  for (const json& entry : cases("lenet.json")) {
    LeNetCase c;
    c.name = entry.at("name");
    for (const json& layer : entry.at("layers")) c.specs.push_back(spec_of(layer.at("layer"), layer.at("options")));
    const auto names = placed_names(c.specs);
    c.learning_rate = entry.at("optimizer").at("learning_rate");
    c.momentum = entry.at("optimizer").at("momentum");
    c.batch_size = entry.at("batch_size");
    c.steps = entry.at("steps");
    c.pixel_salt = entry.at("pixel_salt");
    c.losses = entry.at("losses").get<Values>();
    c.logits = entry.at("logits").get<Values>();
    for (const json& p : entry.at("parameters"))
      c.parameters.push_back({names.at(p.at("layer")) + "/" + p.at("key").get<std::string>(), p.at("salt"), p.at("factor"),
                              p.at("offset"), summary_of(p.at("start")), summary_of(p.at("first_gradient")),
                              summary_of(p.at("after"))});
    for (const json& moving : entry.at("moving")) {
      c.moving[names.at(moving.at("layer")) + "/moving_mean"] = moving.at("mean").get<Values>();
      c.moving[names.at(moving.at("layer")) + "/moving_variance"] = moving.at("variance").get<Values>();
    }
    result.push_back(std::move(c));
  }
  return result;
}

double summary_error(const Values& values, const TensorSummary& expected) {
  double largest = 0, sum = 0, squares = 0, magnitudes = 0;
  for (double value : values) {
    largest = std::max(largest, std::abs(value));
    magnitudes += std::abs(value);
    sum += value;
    squares += value * value;
  }
  const auto ends = static_cast<std::ptrdiff_t>(expected.first.size());
  if (static_cast<std::ptrdiff_t>(values.size()) < ends) return std::numeric_limits<double>::infinity();
  double error = std::max(std::abs(sum - expected.sum) / magnitudes, std::abs(squares - expected.sum_of_squares) / squares / 2);
  for (std::ptrdiff_t i = 0; i < ends; ++i) {
    error = std::max(error, std::abs(values.begin()[i] - expected.first.begin()[i]) / largest);
    error = std::max(error, std::abs(values.end()[i - ends] - expected.last.begin()[i]) / largest);
  }
  return std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
}

}  // namespace support
