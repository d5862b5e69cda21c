// SPDX-License-Identifier: MIT
#include <tarn/losses/categorical_cross_entropy.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/reference.hpp"

using namespace tarn;
using support::error_of;
using support::relative_error;
using support::Values;

namespace {

struct Found {
  double loss;  ///< mean
  Values gradient;
  Index correct;
};

/// The loss of outputs [n, classes] under labels, or under vectors where there are no labels.
template <class T>
Found loss_of(const CategoricalCrossEntropy& loss, Index classes, const Values& outputs, const std::vector<std::int32_t>& labels,
              const Values& vectors = {}) {
  const Index count = static_cast<Index>(outputs.size()) / classes;
  const auto batch = [&](const Values& values, Tensor<T>& memory) {
    memory = Tensor<T>{Shape{Batch<T>{nullptr, count, {classes}}.size()}};
    Batch<T> result{memory.data(), count, {classes}};
    const Tensor<T> tensor{{count, classes}, std::vector<T>(values.begin(), values.end())};
    ops::from_tensor(tensor.view(), result);
    return result;
  };
  Tensor<T> memory_y, memory_t, memory_g;
  const Batch<T> y = batch(outputs, memory_y);
  Targets<T> targets;
  if (vectors.empty())
    targets.labels = {labels.data(), {count}};
  else
    targets.vectors = batch(vectors, memory_t);
  Batch<T> gradient = batch(Values(outputs.size(), 99), memory_g);
  const double sum = loss(y, targets, &gradient);
  CHECK(sum == loss(y, targets, static_cast<Batch<T>*>(nullptr)));
  Tensor<T> result{Shape{count, classes}};
  ops::to_tensor(gradient, result.view());
  return {sum / static_cast<double>(count), support::doubles(result), ops::count_correct(y, targets)};
}

const CategoricalCrossEntropy from_logits{.from_logits = true}, from_probabilities{};

}  // namespace

TEMPLATE_TEST_CASE("Cross-entropy from logits gives the values worked by hand", "[losses][cross_entropy]", float, double) {
  // softmax = [1/8 1/4 5/8] and [1/2 1/2 0]
  const double tolerance = support::reference_tolerance<TestType>, far = -200;
  const auto found = loss_of<TestType>(from_logits, 3, {0, std::log(2), std::log(5), 3, 3, far}, {1, 0});
  CHECK(std::abs(found.loss - (std::log(4) + std::log(2)) / 2) < tolerance);
  CHECK(relative_error(found.gradient, Values{0.0625, -0.375, 0.3125, -0.25, 0.25, 0}) < tolerance);
  CHECK(found.correct == 1);  // of equal outputs the first counts
}

TEMPLATE_TEST_CASE("Cross-entropy from probabilities gives the values worked by hand", "[losses][cross_entropy]", float, double) {
  const double tolerance = support::reference_tolerance<TestType>;
  const auto found = loss_of<TestType>(from_probabilities, 2, {0.25, 0.75, 0.5, 0.5}, {}, {1, 0, 0.25, 0.75});
  CHECK(std::abs(found.loss - (std::log(4) + std::log(2)) / 2) < tolerance);
  CHECK(relative_error(found.gradient, Values{-2, 0, -0.25, -0.75}) < tolerance);
  CHECK(found.correct == 0);
}

TEMPLATE_TEST_CASE("Probabilities are clipped, and have no gradient there", "[losses][cross_entropy]", float, double) {
  const auto found = loss_of<TestType>(from_probabilities, 2, {0, 1, 1, 0}, {0, 0});
  CHECK(std::abs(found.loss - (-std::log(1e-7) - std::log1p(-1e-7)) / 2) < 1e-5);
  CHECK(found.gradient == Values{0, 0, 0, 0});
  CHECK(found.correct == 1);
}

TEMPLATE_TEST_CASE("Logits of 1e4 give a finite loss and gradient", "[losses][cross_entropy]", float, double) {
  const auto found = loss_of<TestType>(from_logits, 3, {1e4, -1e4, -1e4, 1e4, -1e4, 0}, {0, 1});
  CHECK(found.loss == 1e4);
  CHECK(found.gradient == Values{0, 0, 0, 0.5, -0.5, 0});
}

TEST_CASE("Cross-entropy agrees with the reference", "[losses][cross_entropy][reference]") {
  const auto cases = support::loss_cases();
  CHECK(cases.size() == 13);
  for (const auto& c : cases) {
    const CategoricalCrossEntropy loss{.from_logits = c.from_logits};
    const auto check = [&](const Found& found, double tolerance) {
      INFO(c.name << ", tolerance " << tolerance);
      CHECK(std::abs(found.loss - c.loss) < tolerance * std::max(1.0, c.loss));
      CHECK(relative_error(found.gradient, c.dx) < tolerance);
      CHECK(found.correct == std::lround(c.accuracy * static_cast<double>(c.x_shape[0])));
    };
    check(loss_of<double>(loss, c.x_shape[1], c.x, c.labels, c.targets), 1e-10);
    if (c.name.find("clipped") == std::string::npos)  // 1 - 1e-9 is no float
      check(loss_of<float>(loss, c.x_shape[1], c.x, c.labels, c.targets), 1e-5);
  }
}

TEST_CASE("The gradient of cross-entropy agrees with differences, alone and behind a softmax", "[losses][cross_entropy]") {
  for (const bool logits : {true, false})
    for (const Index batch : {1, 3, 17, 33}) {
      const CategoricalCrossEntropy loss{.from_logits = logits};
      std::vector<std::int32_t> labels;
      for (Index i = 0; i < batch; ++i) labels.push_back(static_cast<std::int32_t>(i * 3 % 4));
      std::vector<support::AnySpec> specs{Dense{.units = 4}};
      if (!logits) specs.push_back(Softmax{});
      const auto report = testing::gradient_check(
          support::model<double>(Input{5}, specs),
          [&](const Batch<double>& y, Batch<double>* gradient) {
            return loss(y, Targets<double>{{labels.data(), {batch}}, {}}, gradient) / static_cast<double>(batch);
          },
          {.batch = batch});
      INFO(report);
      CHECK(report.passed());
    }
}

TEST_CASE("Cross-entropy says which targets it takes", "[losses][cross_entropy]") {
  const CategoricalCrossEntropy loss;
  const auto targets = [](auto tensor) { return Samples{std::move(tensor)}; };
  loss.check({10}, targets(Tensor<std::uint8_t>{Shape{5}}));
  loss.check({10}, targets(Tensor<std::int32_t>{Shape{5}}));
  loss.check({10}, targets(Tensor<float>{Shape{5, 10}}));
  CHECK(error_of<ShapeError>([&] {
          loss.check({2, 2, 10}, targets(Tensor<std::uint8_t>{Shape{5}}));
        }) == "CategoricalCrossEntropy: an output is [2, 2, 10], expected a vector [classes]");
  CHECK(error_of<ShapeError>([&] { loss.check({10}, targets(Tensor<float>{Shape{5}})); }) ==
        "CategoricalCrossEntropy: targets are [5] of floating point, expected integer labels [n] or vectors [n, 10]");
  CHECK(error_of<ShapeError>([&] {
          loss.check({10}, targets(Tensor<float>{Shape{5, 9}}));
        }) == "CategoricalCrossEntropy: targets are [5, 9], expected integer labels [n] or vectors [n, 10]");
  for (const double smoothing : {-0.1, 1.5, std::nan("")})
    CHECK(error_of<ArgumentError>([&] {
            CategoricalCrossEntropy{.label_smoothing = smoothing}.check({10}, targets(Tensor<std::uint8_t>{Shape{5}}));
          }) == tarn::detail::join({"CategoricalCrossEntropy: label_smoothing is ", smoothing, ", expected 0 to 1"}));
}

TEMPLATE_TEST_CASE("Smoothing gives every class a share", "[losses][cross_entropy]", float, double) {
  const Values outputs{0.3, 0.1, 0.6, 0.2, 0.5, 0.3};
  for (const bool logits : {false, true}) {
    const CategoricalCrossEntropy smoothing{logits, 0.3}, none{logits};
    const auto expected = loss_of<TestType>(none, 3, outputs, {}, {0.1, 0.8, 0.1, 0.8, 0.1, 0.1});
    for (const auto& found :
         {loss_of<TestType>(smoothing, 3, outputs, {1, 0}), loss_of<TestType>(smoothing, 3, outputs, {}, {0, 1, 0, 1, 0, 0})}) {
      CHECK(std::abs(found.loss - expected.loss) < support::reference_tolerance<TestType>);
      CHECK(relative_error(found.gradient, expected.gradient) < support::reference_tolerance<TestType>);
    }
  }
}

TEMPLATE_TEST_CASE("A logit of minus infinity costs nothing where its target is 0", "[losses][cross_entropy]", float, double) {
  const double inf = std::numeric_limits<double>::infinity();
  for (const auto& found :
       {loss_of<TestType>(from_logits, 3, {1, -inf, 1}, {0}), loss_of<TestType>(from_logits, 3, {1, -inf, 1}, {}, {1, 0, 0})}) {
    CHECK(std::abs(found.loss - std::log(2)) < support::reference_tolerance<TestType>);
    CHECK(relative_error(found.gradient, Values{-0.5, 0, 0.5}) < support::reference_tolerance<TestType>);
  }
}
