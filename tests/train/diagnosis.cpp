// SPDX-License-Identifier: MIT
#include <tarn/train/diagnosis.hpp>

#include <cstring>
#include <deque>
#include <limits>
#include <tarn/losses/mean_squared_error.hpp>
#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;

namespace {

template <class View>
std::vector<double> bits(const View& values) {
  return support::doubles(values);
}

/// x [2] -> ReLU of 3 units -> one output, and its weights.
Sequential<double> tiny() {
  auto model = support::model<double>(Input{2}, {Dense{.units = 3, .activation = ReLU{}}, Dense{.units = 1}});
  const auto set = [&](const char* name, const std::vector<double>& values) {
    std::copy(values.begin(), values.end(), model.weights(name).begin());
  };
  set("dense/kernel", {1, 2, -1, 1, 0, -1});
  set("dense/bias", {0, 0, 0.5});
  set("dense_1/kernel", {1, 2, 3});
  set("dense_1/bias", {-1});
  return model;
}
const Dataset two{Tensor<double>{{2, 2}, {1, 2, 1, -2}}, Tensor<double>{{2, 1}, {5, 1}}};

}  // namespace

TEST_CASE("Statistics of elements are those worked by hand", "[train][diagnosis]") {
  const double values[]{1, 0, -3, 0, 7};
  const ElementStatistics found = detail::element_statistics(values, 5);
  CHECK(found.count == 5);
  CHECK(found.mean == 1);
  CHECK(found.deviation == Approx(std::sqrt((0 + 1 + 16 + 1 + 36) / 5.0)));
  CHECK(found.smallest == -3);
  CHECK(found.largest == 7);
  CHECK(found.zeros == Approx(0.4));
  const ElementStatistics none = detail::element_statistics(values, 0);
  CHECK(none.count == 0);
  CHECK(none.mean == 0);
}

TEST_CASE("A small net with ReLU is diagnosed as worked by hand", "[train][diagnosis]") {
  // z: (3, 2, -2.5), (-1, 2, 1.5); y: (3, 2, 0), (0, 2, 1.5); outputs 3 + 4 + 0 - 1 = 6, 4 + 4.5 - 1 = 7.5; errors 1, 6.5.
  // L = (1 + 42.25) / 2; dL/dy = (1, 6.5); at the hidden layer dL/dy (1, 2, 3), (6.5, 13, 19.5).
  auto model = tiny();
  Trainer trainer{model, MeanSquaredError{}, SGD{.learning_rate = 0.125}};
  const auto found = trainer.diagnose(two, {.keep_values = true});
  CHECK(found.metrics.loss == 43.25 / 2);
  CHECK(found.metrics.samples == 2);
  REQUIRE(found.layers.size() == 2);
  const auto& hidden = found.layer("dense");
  CHECK(hidden.type == "Dense");
  CHECK(hidden.function.kind() == Activation::Kind::relu);
  CHECK(bits(hidden.activation_values) == std::vector<double>{3, 2, 0, 0, 2, 1.5});
  CHECK(bits(hidden.gradient_values) == std::vector<double>{1, 2, 3, 6.5, 13, 19.5});
  CHECK(hidden.activations.mean == Approx(8.5 / 6));
  CHECK(hidden.activations.deviation == Approx(std::sqrt((9 + 4 + 4 + 2.25) / 6 - 8.5 * 8.5 / 36)));
  CHECK(hidden.activations.zeros == Approx(2.0 / 6));
  CHECK(hidden.gradients.mean == 45.0 / 6);
  CHECK(hidden.gradients.smallest == 1);
  CHECK(hidden.gradients.largest == 19.5);
  CHECK(hidden.dead == 0);
  CHECK(hidden.saturated == 0);
  const auto& last = found.layer("dense_1");
  CHECK(bits(last.gradient_values) == std::vector<double>{1, 6.5});
  CHECK(last.activations.mean == 6.75);

  // dW2 = y^T dy, db2 = sum dy; dz of the hidden layer: (1, 2, 0), (0, 13, 19.5); dW1 = x^T dz, db1 = (1, 15, 19.5).
  const auto norm = [](const std::vector<double>& values) {
    double sum = 0;
    for (double value : values) sum += value * value;
    return std::sqrt(sum);
  };
  const auto check = [&](const char* name, const std::vector<double>& weights, const std::vector<double>& gradient) {
    INFO(name);
    const ParameterDiagnosis& p = found.parameter(name);
    CHECK(p.weight_norm == Approx(norm(weights)).epsilon(1e-14));
    CHECK(p.gradient_norm == Approx(norm(gradient)).epsilon(1e-14));
    CHECK(p.update_ratio == Approx(0.125 * norm(gradient) / norm(weights)).epsilon(1e-13));
  };
  REQUIRE(found.parameters.size() == 4);
  check("dense/kernel", {1, 2, -1, 1, 0, -1}, {1, 15, 19.5, 2, 4 - 26, -39});
  check("dense/bias", {0.5}, {1, 15, 19.5});
  check("dense_1/kernel", {1, 2, 3}, {3, 15, 9.75});
  check("dense_1/bias", {-1}, {7.5});
}

TEST_CASE("A unit is dead if it passes no gradient on for any sample", "[train][diagnosis]") {
  auto model = tiny();
  Trainer trainer{model, MeanSquaredError{}, SGD{}};
  model.weights("dense/bias")[2] = -100;
  CHECK(trainer.diagnose(two).layer("dense").dead == Approx(1.0 / 3));
  model.weights("dense/bias")[0] = -100;
  CHECK(trainer.diagnose(two).layer("dense").dead == Approx(2.0 / 3));
  const auto found = trainer.diagnose(two);
  CHECK(found.layer("dense").activations.zeros == Approx(4.0 / 6));
  CHECK(found.parameter("dense/kernel").gradient_norm == 16);  // of the unit that lives, whose dz is -4 and 4
  CHECK(found.layer("dense").gradient_values.size() == 0);     // not asked for
}

TEST_CASE("Tanh and Sigmoid are saturated near their ends, as layers of their own too", "[train][diagnosis]") {
  auto model =
      support::model<float>(Input{2}, {Tanh{}, Dense{.units = 2, .activation = Sigmoid{}}, LeakyReLU{0}, Dense{.units = 1}});
  for (float& value : model.weights("dense/kernel")) value = 0;
  model.weights("dense/bias")[0] = -9;
  model.weights("dense/bias")[1] = 4;
  Trainer trainer{model, MeanSquaredError{}, SGD{}};
  const Dataset data{Tensor<float>{{4, 2}, {3, 5, -0.1F, -4, 2.5F, 6, 1, -3}}, Tensor<float>{Shape{4, 1}}};
  const auto found = trainer.diagnose(data);
  CHECK(found.layer("tanh").saturated == 5.0 / 8);  // tanh(2.5) = 0.987 is not
  CHECK(found.layer("tanh").dead == 0.5);           // the second is for every sample
  CHECK(found.layer("dense").saturated == 0.5);     // 0.0001; 0.982 is not
  CHECK(found.layer("dense").dead == 0.5);
  CHECK(found.layer("leaky_relu").dead == 0);
  const auto stricter = trainer.diagnose(data, {.tanh_saturated = 0.98, .sigmoid_saturated = 0.02});
  CHECK(stricter.layer("tanh").saturated == 6.0 / 8);
  CHECK(stricter.layer("dense").saturated == 1);
  CHECK(found.layer("tanh").gradients.count == 8);  // though no weights below need it
}

TEST_CASE("Gradients arrive at layers of every kind, frozen ones too, whose parameters are not listed", "[train][diagnosis]") {
  auto model = support::model<float>(Input{4, 4, 1}, {BatchNorm{}, Conv2D{.filters = 2, .kernel = 3, .activation = Tanh{}},
                                                      MaxPool2D{2}, Flatten{}, Dropout{0.5}, Dense{.units = 2}});
  model.freeze("batch_norm");
  model.freeze("conv2d");
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}};
  const Dataset data{support::numbers<float>({5, 4, 4, 1}, 3), Tensor<std::int32_t>{{5}, {0, 1, 1, 0, 1}}};
  const auto found = trainer.diagnose(data);
  for (std::size_t i = 0; i < found.layers.size(); ++i) {
    INFO(found.layers[i].name);
    CHECK(found.layers[i].activations.count == 5 * model.layers()[i].output.size());
    CHECK(found.layers[i].gradients.count == 5 * model.layers()[i].output.size());
    CHECK(found.layers[i].gradients.deviation > 0);
  }
  REQUIRE(found.parameters.size() == 2);
  CHECK(found.parameters[0].name == "dense/kernel");
  CHECK(error_of<ArgumentError>([&] { found.layer("dense_1"); }) ==
        "diagnosis: no layer 'dense_1', there are: batch_norm, conv2d, max_pool2d, flatten, dropout, dense");
  CHECK(error_of<ArgumentError>([&] { found.parameter("conv2d/kernel"); }) ==
        "diagnosis: no parameter 'conv2d/kernel', there are: dense/kernel, dense/bias");
}

TEST_CASE("A diagnosis changes no bit of the training, not even where it throws", "[train][diagnosis]") {
  auto model =
      support::model<float>(Input{2}, {BatchNorm{}, Dense{.units = 4, .activation = Tanh{}}, Dropout{0.5}, Dense{.units = 2}});
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.1, .momentum = 0.9}, {.seed = 3}};
  const Dataset data{support::numbers<float>({20, 2}, 3), Tensor<std::int32_t>{Shape{20}}};
  trainer.fit(data, {.steps = 2, .batch_size = 8});
  const auto all = [&] {
    std::vector<std::vector<double>> result{bits(model.parameters().trainable()), bits(model.parameters().state()),
                                            bits(trainer.gradients())};
    for (const auto& slot : trainer.slots()) result.push_back(bits(slot.values));
    return result;
  };
  const auto before = all();
  REQUIRE(before.size() == 4);
  const TrainingPosition position = trainer.position();
  const auto unchanged = [&] { CHECK((all() == before && trainer.position() == position)); };
  const auto first = trainer.diagnose(data), second = trainer.diagnose(data);
  unchanged();
  CHECK(first.metrics.loss == second.metrics.loss);

  Dataset spoilt{Tensor<float>{{1, 2}, {std::numeric_limits<float>::infinity(), 1}}, Tensor<std::int32_t>{Shape{1}}};
  CHECK(error_of<StateError>([&] { trainer.diagnose(spoilt); }).find("first not finite: the input of the model") !=
        std::string::npos);
  unchanged();
  const Dataset unknown{Tensor<float>{Shape{1, 2}}, Tensor<std::int32_t>{{1}, {2}}};
  CHECK(error_of<ArgumentError>([&] { trainer.diagnose(unknown); }) == "diagnose: label 2 of sample 0, expected 0 to 1");
  CHECK(error_of<ArgumentError>([&] { trainer.diagnose({}); }) == "diagnose: the data set is empty");
  unchanged();

  auto copy = model;  // and the next step is the one that would have been made: the diagnosis's own
  const double loss = trainer.train_on_batch(data).loss;
  CHECK(loss == first.metrics.loss);
  double change = 0, weights = 0;
  const auto now = std::as_const(model).weights("dense/kernel"), then = std::as_const(copy).weights("dense/kernel");
  for (Index i = 0; i < now.size(); ++i) {
    change += std::pow(static_cast<double>(now[i]) - static_cast<double>(then[i]), 2);
    weights += std::pow(static_cast<double>(then[i]), 2);
  }
  CHECK(first.parameter("dense/kernel").update_ratio == Approx(std::sqrt(change / weights)).epsilon(1e-12));
}

TEST_CASE("The update ratio of zero weights is infinite, that of no update zero", "[train][diagnosis]") {
  auto model = tiny();
  Trainer moves{model, MeanSquaredError{}, SGD{}}, stays{model, MeanSquaredError{}, SGD{.learning_rate = 0.0}};
  model.weights("dense_1/bias")[0] = 0;
  CHECK(std::isinf(moves.diagnose(two).parameter("dense_1/bias").update_ratio));
  CHECK(stays.diagnose(two).parameter("dense_1/bias").update_ratio == 0);
  CHECK(stays.diagnose(two).parameter("dense/kernel").update_ratio == 0);
}

TEST_CASE("A diagnosis can be read as two tables", "[train][diagnosis]") {
  auto model = tiny();
  Trainer trainer{model, MeanSquaredError{}, SGD{.learning_rate = 0.125}};
  CHECK(trainer.diagnose(two).table() ==
        "Layer                          mean of y   deviation   saturated        dead  mean of dy   deviation\n"
        "dense                              1.417       1.096           0           0         7.5       6.683\n"
        "dense_1                             6.75        0.75           0           0        3.75        2.75\n"
        "Parameter                           norm    gradient      update\n"
        "dense/kernel                       2.828       51.14        2.26\n"
        "dense/bias                           0.5       24.62       6.156\n"
        "dense_1/kernel                     3.742       18.14       0.606\n"
        "dense_1/bias                           1         7.5      0.9375\n");
}
