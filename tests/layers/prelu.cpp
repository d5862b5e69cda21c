// SPDX-License-Identifier: MIT
#include "prelu.hpp"

#include <tarn/tarn.hpp>
#include <tarn/testing/gradient_check.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;

TEST_CASE("A user's PReLU gives the values worked by hand", "[layers][prelu]") {
  Sequential model{Input{2}, PReLU{}};
  model.weights("prelu/slope")[0] = 0.5F;
  model.weights("prelu/slope")[1] = -2;
  const Tensor<float> y = model.predict(Tensor<float>{{3, 2}, {1, 1, -1, -1, 0, -4}});
  CHECK(std::vector<float>(y.begin(), y.end()) == std::vector<float>{1, 1, -0.5F, 2, 0, 8});
}

TEST_CASE("A user's PReLU has the gradients worked by hand", "[layers][prelu]") {
  Sequential<float> model{Input{2}, PReLU{}};
  model.weights("prelu/slope")[0] = 0.5F;
  model.weights("prelu/slope")[1] = -2;
  auto workspace = model.workspace(true);
  workspace.reserve(3);
  Tensor<float> gradients{Shape{2}}, dx{Shape{3, 2}};
  const Tensor<float> x{{3, 2}, {1, 1, -1, -3, 0, -4}}, dy{{3, 2}, {1, 2, 3, 4, 5, 6}};
  auto input = workspace.activation(-1, 3), output_gradient = workspace.gradient(0, 3);
  ops::from_tensor(x.view(), input);
  ops::from_tensor(dy.view(), output_gradient);
  Step<float> step{model.parameters(), workspace, gradients.view(), 0, 0};
  model.forward(workspace, 3, step);
  model.backward(workspace, 3, step, true);
  ops::to_tensor(workspace.gradient(-1, 3), dx.view());
  CHECK(std::vector<float>(gradients.begin(), gradients.end()) == std::vector<float>{-3, 4 * -3 + 6 * -4});
  CHECK(std::vector<float>(dx.begin(), dx.end()) == std::vector<float>{1, 2, 1.5F, -8, 2.5F, -12});
}

TEST_CASE("A user's PReLU passes the gradient check away from its kink", "[layers][prelu]") {
  for (const Index batch : {1, 3, 17}) {
    const auto report = testing::gradient_check(Input{3, 2, 5}, {PReLU{.slope_initializer = Ones{}}}, {.batch = batch});
    INFO(report);
    CHECK(report.passed());
    CHECK(report.checked + report.kinks == 3 * 2 * 5 * batch + 5);
  }
  const auto deep =
      testing::gradient_check(Input{6}, {Dense{.units = 7}, PReLU{}, Dense{.units = 5}, PReLU{}, Dense{.units = 2}});
  INFO(deep);
  CHECK(deep.passed());
}

TEST_CASE("A user's PReLU trains in a model and is named in its summary", "[layers][prelu]") {
  // Class 1 where |x| > 1/2: no linear model can tell.
  Tensor<float> points{Shape{200, 1}};
  Tensor<std::int32_t> labels{Shape{200}};
  for (Index i = 0; i < 200; ++i) {
    points[i] = -1 + static_cast<float>(i) / 100;
    labels[i] = std::abs(points[i]) > 0.5F;
  }
  Sequential model{Input{1}, Dense{.units = 8}, PReLU{}, Dense{.units = 2}};
  model.initialize(4);
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.1, .momentum = 0.9}};
  const auto history = trainer.fit({points, labels}, {.epochs = 150, .batch_size = 20});
  CHECK(history.epochs.back().training.loss < 0.2);
  CHECK(trainer.evaluate({points, labels}).accuracy.value() > 0.95);
  const auto slopes = std::as_const(model).weights("prelu/slope");
  CHECK(std::any_of(slopes.begin(), slopes.end(), [](float slope) { return slope != 0; }));
  CHECK(model.summary().find("prelu                 prelu         [8]                              8\n") != std::string::npos);
}

TEST_CASE("A user's PReLU reports its errors with its place in the model", "[layers][prelu]") {
  CHECK(support::error_of<ShapeError>([] {
          Sequential{Input{}, PReLU{}};
        }) == "layer 0 (prelu): PReLU: a sample is a single number, expected at least one axis");
}
