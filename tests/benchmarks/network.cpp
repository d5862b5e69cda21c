// SPDX-License-Identifier: MIT
#include "network.hpp"

#include <tarn/io.hpp>
#include <tarn/tarn.hpp>

namespace benchmark {

using namespace tarn;

namespace {

Sequential<float> build(const Description& description) {
  const Input input{parse_input(description.input)};
  std::vector<LayerSpec<>> layers;
  for (const AnyLayer& layer : parse_layers(description.layers))
    std::visit([&](const auto& spec) { layers.emplace_back(spec); }, layer);
  return {input, layers};
}

}  // namespace

class Network::Body {
 public:
  explicit Body(const Description& description) : model{build(description)}, counted{benchmark::flops(model)} {}
  virtual ~Body() = default;
  virtual double step(const Dataset& batch) = 0;
  virtual History fit(const Dataset& data, Index epochs, Index batch, bool shuffle) = 0;
  virtual Metrics evaluate(const Dataset& data) const = 0;

  Sequential<float> model;
  Flops counted;
};

template <class Optimizer>
class Network::TrainedBy final : public Body {
 public:
  TrainedBy(const Description& description, const Optimizer& optimizer, Profile* profile)
      : Body{description}, trainer_{model, CategoricalCrossEntropy{.from_logits = true}, optimizer, {.profile = profile}} {}
  double step(const Dataset& batch) override { return trainer_.train_on_batch(batch).loss; }
  History fit(const Dataset& data, Index epochs, Index batch, bool shuffle) override {
    return trainer_.fit(data, {.epochs = epochs, .batch_size = batch, .shuffle = shuffle});
  }
  Metrics evaluate(const Dataset& data) const override { return trainer_.evaluate(data); }

 private:
  Trainer<float, Cpu, CategoricalCrossEntropy, Optimizer> trainer_;
};

std::unique_ptr<Network::Body> Network::make(const Description& description, Profile* profile) {
  const std::string& name = description.optimizer;
  if (name == "sgd") return std::make_unique<TrainedBy<SGD>>(description, SGD{}, profile);
  if (name == "momentum") return std::make_unique<TrainedBy<SGD>>(description, SGD{.momentum = 0.9}, profile);
  if (name == "rmsprop") return std::make_unique<TrainedBy<RMSprop>>(description, RMSprop{}, profile);
  if (name == "adam") return std::make_unique<TrainedBy<Adam>>(description, Adam{}, profile);
  throw ArgumentError("optimizer is '", name, "', expected sgd, momentum, rmsprop or adam");
}

Network::Network(const Description& description) : Network{description, nullptr} {}
Network::Network(const Description& description, Profile* profile) : body_{make(description, profile)}, profile_{profile} {}
Network::Network(Network&&) noexcept = default;
Network::~Network() = default;

double Network::step(const Dataset& batch) { return body_->step(batch); }
History Network::fit(const Dataset& data, Index epochs, Index batch, bool shuffle) {
  return body_->fit(data, epochs, batch, shuffle);
}
void Network::save_weights(const std::string& path) const { io::save_weights(body_->model, path); }
Metrics Network::evaluate(const Dataset& data) const { return body_->evaluate(data); }
Tensor<float> Network::predict(const Tensor<float>& inputs) const { return body_->model.predict(inputs, profile_); }
const Flops& Network::flops() const { return body_->counted; }

Dataset Network::random_data(Index samples) const {
  const Stream random{0, Purpose::split, 0};
  const Index classes = body_->model.output_shape().back();
  Tensor<float> inputs{body_->model.input_shape().prepend(samples)};
  for (Index i = 0; i < inputs.size(); ++i) inputs[i] = static_cast<float>(2 * random.uniform(i) - 1);
  Tensor<std::int32_t> labels{Shape{samples}};
  for (Index i = 0; i < samples; ++i) labels[i] = static_cast<std::int32_t>(random.uniform(i, 1) * static_cast<double>(classes));
  return {std::move(inputs), std::move(labels)};
}

}  // namespace benchmark
