// SPDX-License-Identifier: MIT
// The whole LeNet over 12 steps from given weights, against reference/lenet.json.
#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/reference.hpp"

using namespace tarn;

namespace {

template <class T>
Dataset batch_of(const support::LeNetCase& c, Index step) {
  Tensor<T> images{Shape{c.batch_size, 28, 28, 1}};
  for (Index i = 0; i < images.size(); ++i)
    images[i] = static_cast<T>((support::reference_value(i, c.pixel_salt + static_cast<int>(step)) + 1) / 2);
  Tensor<std::int32_t> labels{Shape{c.batch_size}};
  for (Index s = 0; s < c.batch_size; ++s) labels[s] = static_cast<std::int32_t>((7 * s + 3 * step + 1) % 10);
  return {images, labels};
}

template <class T>
void follows(const support::LeNetCase& c, double tolerance) {
  INFO(c.name);
  auto model = support::model<T>(Input{28, 28, 1}, c.specs);
  const auto values_of = [&](const TensorView<const T>& flat, const std::string& name) {
    const Parameter& p = model.parameters().find(name).parameter;
    return support::doubles(TensorView<const T>{flat.data() + p.offset, p.shape});
  };
  CHECK(c.parameters.size() == (model.parameters().state_count() ? 20U : 10U));
  for (const auto& p : c.parameters) {
    const TensorView<T> weights = model.weights(p.name);
    for (Index i = 0; i < weights.size(); ++i)
      weights[i] = static_cast<T>(p.offset + p.factor * support::reference_value(i, p.salt));
    INFO("start of " << p.name);
    CHECK(support::summary_error(values_of(std::as_const(model).parameters().trainable(), p.name), p.start) <
          std::min(tolerance, 1e-6));
  }

  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true},
                  SGD{.learning_rate = c.learning_rate, .momentum = c.momentum}};
  for (Index step = 0; step < c.steps; ++step) {
    INFO("step " << step);
    CHECK(std::abs(trainer.train_on_batch(batch_of<T>(c, step)).loss - c.losses[static_cast<std::size_t>(step)]) < tolerance);
    if (step > 0) continue;
    for (const auto& p : c.parameters) {
      INFO("first gradient of " << p.name);
      CHECK(support::summary_error(values_of(trainer.gradients(), p.name), p.first_gradient) < tolerance);
    }
  }
  for (const auto& p : c.parameters) {
    INFO(p.name);
    CHECK(support::summary_error(values_of(std::as_const(model).parameters().trainable(), p.name), p.after) < tolerance);
  }
  for (const auto& [name, values] : c.moving) {
    INFO(name);
    CHECK(support::relative_error(std::as_const(model).weights(name), values) < tolerance);
  }
  const Samples first = batch_of<T>(c, 0).inputs.take(0, 3);
  CHECK(support::relative_error(model.predict(first), c.logits) < tolerance);
}

}  // namespace

TEST_CASE("LeNet follows the reference over 12 steps in double", "[train][lenet][reference]") {
  const auto cases = support::lenet_cases();
  CHECK(cases.size() == 2);
  for (const auto& c : cases) follows<double>(c, 1e-9);
}

TEST_CASE("LeNet follows the reference over 12 steps in float, within its rounding", "[train][lenet][reference]") {
  for (const auto& c : support::lenet_cases()) follows<float>(c, 1e-4);
}
