// SPDX-License-Identifier: MIT
#include "reference.hpp"

#include <algorithm>
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

Activation activation_of(const json& options) {
  const std::string name = options.at("activation");
  if (name == "linear") return Linear{};
  if (name == "tanh") return Tanh{};
  if (name == "sigmoid") return Sigmoid{};
  if (name == "relu") return ReLU{};
  if (name == "leaky_relu") return LeakyReLU{options.at("negative_slope")};
  if (name == "softmax") return Softmax{};
  throw std::runtime_error("unknown activation " + name);
}

Size2D size_of(const json& size) { return {size.at(0).get<int>(), size.at(1).get<int>()}; }
Size2D stride_of(const json& options) { return options.contains("strides") ? size_of(options.at("strides")) : Size2D{1}; }
Padding padding_of(const json& options) { return options.value("padding", "valid") == "same" ? Padding::same : Padding::valid; }

template <class Pool>
Pool pool_of(const json& options) {
  return {.window = size_of(options.at("pool_size")), .stride = stride_of(options), .padding = padding_of(options)};
}

AnySpec spec_of(const std::string& layer, const json& options) {
  if (layer == "conv2d")
    return Conv2D{.filters = options.at("filters"),
                  .kernel = size_of(options.at("kernel_size")),
                  .stride = stride_of(options),
                  .padding = padding_of(options),
                  .activation = activation_of(options),
                  .use_bias = options.at("use_bias")};
  if (layer == "dense")
    return Dense{.units = options.at("units"), .activation = activation_of(options), .use_bias = options.at("use_bias")};
  if (layer == "avg_pool2d") return pool_of<AvgPool2D>(options);
  if (layer == "max_pool2d") return pool_of<MaxPool2D>(options);
  if (layer == "global_avg_pool2d") return GlobalAvgPool2D{};
  if (layer == "global_max_pool2d") return GlobalMaxPool2D{};
  if (layer == "batch_norm") return BatchNorm{.momentum = options.at("momentum"), .epsilon = options.at("epsilon")};
  if (layer == "tanh") return Tanh{};
  if (layer == "sigmoid") return Sigmoid{};
  if (layer == "relu") return ReLU{};
  if (layer == "leaky_relu") return LeakyReLU{options.at("negative_slope")};
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

Values formula(const Shape& shape, int salt, double factor, double offset) {
  Values values;
  for (Index i = 0; i < shape.size(); ++i) values.push_back(offset + factor * reference_value(i, salt));
  return values;
}

/// The cases of layers_keras.py, whose tensors are formulas.
std::vector<LayerCase> keras_cases(const std::string& file) {
  std::vector<LayerCase> result;
  for (const json& entry : cases(file)) {
    LayerCase c;
    c.name = entry.at("name");
    if (entry.contains("layer")) c.specs = {spec_of(entry.at("layer"), entry.at("options"))};
    c.frozen = entry.value("frozen", "");
    c.training = entry.at("training");
    c.x_shape = shape_of(entry.at("x_shape"));
    c.y_shape = shape_of(entry.at("y_shape"));
    c.x = entry.contains("x") ? entry.at("x").get<Values>() : formula(c.x_shape, 1, entry.value("x_factor", 1.0), 0);
    c.y = entry.at("y").get<Values>();
    c.dy = formula(c.y_shape, 7, 1, 0);
    for (const auto& [name, p] : entry.at("parameters").items())
      c.parameters[name] = formula(shape_of(p.at("shape")), p.at("salt"), p.at("factor"), p.at("offset"));
    if (c.training) {
      c.dx = entry.at("dx").get<Values>();
      c.gradients = entry.at("gradients").get<std::map<std::string, Values>>();
    }
    if (entry.contains("after")) c.after = entry.at("after").get<std::map<std::string, Values>>();
    result.push_back(std::move(c));
  }
  return result;
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
    const std::string prefix = name_of(c.specs[0]) + "/";
    c.x_shape = shape_of(entry.at("x_shape"));
    c.y_shape = shape_of(entry.at("y_shape"));
    c.training = entry.at("training");
    for (const auto& [key, tensor] : entry.at("parameters").items()) {
      c.parameters[prefix + key] = tensor.at("values").get<Values>();
      if (entry.contains(key + "_after")) c.after[prefix + key] = entry.at(key + "_after").get<Values>();
    }
    for (const auto& [key, tensor] : entry.at("gradients").items()) c.gradients[prefix + key] = tensor.at("values").get<Values>();
    c.x = entry.at("x").get<Values>();
    c.y = entry.at("y").get<Values>();
    c.dy = entry.at("dy").get<Values>();
    c.dx = entry.at("dx").get<Values>();
    result.push_back(std::move(c));
  }
  return result;
}

std::vector<LayerCase> keras_layer_cases() { return keras_cases("layers_keras.json"); }
std::vector<LayerCase> keras_block_cases() { return keras_cases("blocks_keras.json"); }

template <class T>
Run run(Sequential<T> model, const LayerCase& c) {
  const auto scalars = [](const Values& values) { return std::vector<T>(values.begin(), values.end()); };
  for (const auto& [name, values] : c.parameters) {
    const TensorView<T> weights = model.weights(name);
    if (weights.size() != static_cast<Index>(values.size())) throw ShapeError("run: ", name, " is ", weights.shape().to_string());
    std::ranges::copy(scalars(values), weights.begin());
  }
  if (!c.frozen.empty()) model.freeze(c.frozen);
  const Index count = c.x_shape[0], last = model.last_layer();
  auto workspace = model.workspace(c.training);
  workspace.reserve(count);
  const auto put = [&](const Values& values, Batch<T> to) {
    const Tensor<T> tensor{to.shape(), scalars(values)};
    ops::from_tensor(tensor.view(), to);
  };
  const auto get = [&](const Batch<T>& from) {
    Tensor<T> tensor{from.shape()};
    ops::to_tensor(from, tensor.view());
    return doubles(tensor);
  };
  put(c.x, workspace.activation(-1, count));

  Run result;
  Tensor<T> gradients{Shape{model.parameters().trainable_count()}};
  Step<T> step{std::as_const(model).parameters(), workspace};
  if (c.training) step = Step<T>{model.parameters(), workspace, gradients.view(), 0, 0};
  model.forward(workspace, count, step);
  result.shape = workspace.activation(last, count).shape();
  result.y = get(workspace.activation(last, count));
  if (c.training) {
    put(c.dy, workspace.gradient(last, count));
    model.backward(workspace, count, step, true);
    result.dx = get(workspace.gradient(-1, count));
  }
  for (const auto& [name, parameter, initializer] : model.parameters().entries())
    if (parameter.trainable)
      result.gradients[name] = doubles(TensorView<const T>{gradients.data() + parameter.offset, parameter.shape});
    else
      result.state[name] = doubles(model.parameters()[parameter]);
  return result;
}
template Run run<float>(Sequential<float>, const LayerCase&);
template Run run<double>(Sequential<double>, const LayerCase&);

std::string differences(const Run& run, const LayerCase& c, double tolerance) {
  std::string text;
  const auto compare = [&](const std::string& what, const Values& found, const Values& expected) {
    const double error = relative_error(found, expected);
    if (!(error < tolerance)) text += what + ": " + std::to_string(error / tolerance) + " times the tolerance; ";
  };
  if (run.shape != c.y_shape) text = "y is " + run.shape.to_string() + ", expected " + c.y_shape.to_string() + "; ";
  compare("y", run.y, c.y);
  for (const auto& [name, values] : c.after) compare(name, run.state.at(name), values);
  if (!c.training) return text;
  compare("dx", run.dx, c.dx);
  for (const auto& [name, values] : c.gradients) compare("gradient of " + name, run.gradients.at(name), values);
  return text;
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
