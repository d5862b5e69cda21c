// SPDX-License-Identifier: MIT
#include "models.hpp"

#include <utility>

#include "compare.hpp"

namespace support {

using namespace tarn;

template <class T>
std::vector<LayerSpec<T>> layers(const std::vector<AnySpec>& specs) {
  std::vector<LayerSpec<T>> result;
  for (const auto& any : specs) std::visit([&](const auto& spec) { result.emplace_back(spec); }, any);
  return result;
}
template std::vector<LayerSpec<float>> layers<float>(const std::vector<AnySpec>&);
template std::vector<LayerSpec<double>> layers<double>(const std::vector<AnySpec>&);

testing::GradientReport check_gradients(const Input& input, const std::vector<AnySpec>& specs,
                                        const testing::GradientCheckOptions& options) {
  return testing::gradient_check(input, layers<double>(specs), options);
}

std::vector<AnySpec> lenet(LeNet variant) {
  const bool dropout = variant == LeNet::dropout || variant == LeNet::both;
  std::vector<AnySpec> specs;
  const auto regularize = [&](double rate, bool norm) {
    if (dropout) specs.push_back(Dropout{rate});
    if (norm) specs.push_back(BatchNorm{});
  };
  const bool norm = variant != LeNet::dropout;
  regularize(0.2, norm && variant != LeNet::batch_norm_hidden);
  specs.push_back(Conv2D{.filters = 6, .kernel = 5, .padding = Padding::same, .activation = Tanh{}});
  regularize(0.5, norm);
  specs.push_back(AvgPool2D{2});
  specs.push_back(Conv2D{.filters = 16, .kernel = 5, .activation = Tanh{}});
  regularize(0.5, norm);
  specs.push_back(AvgPool2D{2});
  specs.push_back(Conv2D{.filters = 120, .kernel = 5, .activation = Tanh{}});
  regularize(0.5, norm);
  specs.push_back(Flatten{});
  specs.push_back(Dense{.units = 84, .activation = Tanh{}});
  regularize(0.5, norm);
  specs.push_back(Dense{.units = 10});
  return specs;
}

std::vector<AnySpec> small_lenet() {
  return {BatchNorm{},  Conv2D{.filters = 5, .kernel = 5, .padding = Padding::same, .activation = Tanh{}},
          Dropout{0.2}, BatchNorm{},
          AvgPool2D{2}, Conv2D{.filters = 9, .kernel = 3, .activation = Tanh{}},
          BatchNorm{},  AvgPool2D{2},
          Flatten{},    Dense{.units = 21, .activation = Tanh{}},
          Dropout{0.5}, Dense{.units = 10}};
}

template <class T>
Run run(const Input& input, const std::vector<AnySpec>& specs, const std::map<std::string, Values>& weights, const Values& x,
        const Values& dy, const Pass& pass) {
  Sequential<T> m = model<T>(input, specs);
  for (const auto& [name, values] : weights) {
    const TensorView<T> view = m.weights(name);
    if (view.size() != static_cast<Index>(values.size())) throw ShapeError("run: " + name + " is " + view.shape().to_string());
    for (Index i = 0; i < view.size(); ++i) view[i] = static_cast<T>(values[static_cast<std::size_t>(i)]);
  }
  const Index count = static_cast<Index>(x.size()) / m.input_shape().size(), last = static_cast<Index>(m.layers().size()) - 1;
  auto workspace = m.workspace(pass.training);
  workspace.reserve(count);
  const auto put = [&](const Values& values, Batch<T> to) {
    Tensor<T> tensor{to.shape(), std::vector<T>(values.begin(), values.end())};
    ops::from_tensor(std::as_const(tensor).view(), to);
  };
  const auto get = [&](const Batch<T>& from) {
    Tensor<T> tensor{from.shape()};
    ops::to_tensor(from, tensor.view());
    return doubles(tensor);
  };
  put(x, workspace.activation(-1, count));

  Run result;
  Tensor<T> gradients{Shape{m.parameters().trainable_count()}};
  Step<T> inference{std::as_const(m).parameters(), workspace};
  Step<T> training{m.parameters(), workspace, gradients.view(), pass.seed, pass.step};
  Step<T>& step = pass.training ? training : inference;
  m.forward(workspace, count, step);
  const Batch<T> y = workspace.activation(last, count);
  result.shape = y.shape();
  result.y = get(y);
  if (pass.training && !dy.empty()) {
    put(dy, workspace.gradient(last, count));
    m.backward(workspace, count, step, true);
    result.dx = get(workspace.gradient(-1, count));
  }
  for (const auto& entry : m.parameters().entries())
    if (entry.parameter.trainable)
      result.gradients[entry.name] =
          doubles(TensorView<const T>{gradients.data() + entry.parameter.offset, entry.parameter.shape});
    else
      result.state[entry.name] = doubles(m.parameters()[entry.parameter]);
  return result;
}
template Run run<float>(const Input&, const std::vector<AnySpec>&, const std::map<std::string, Values>&, const Values&,
                        const Values&, const Pass&);
template Run run<double>(const Input&, const std::vector<AnySpec>&, const std::map<std::string, Values>&, const Values&,
                         const Values&, const Pass&);

Dataset byte_images(Index n, Index side, std::uint64_t seed) {
  Tensor<std::uint8_t> images{Shape{n, side, side, 1}};
  const Stream stream{seed, Purpose::initial_weights, 78};
  for (Index i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>(stream.word(i) >> 24);
  Tensor<std::uint8_t> labels{Shape{n}};
  for (Index i = 0; i < n; ++i) labels[i] = static_cast<std::uint8_t>(stream.word(i, 1) % 10);
  return {Samples{std::move(images)}.scaled(1.0 / 255), std::move(labels)};
}

}  // namespace support
