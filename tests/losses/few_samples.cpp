// SPDX-License-Identifier: MIT
// Losses of few samples, one after another, are those of samples in lanes but for rounding.
#include <cmath>
#include <vector>

#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../support/models.hpp"

using namespace tarn;

namespace {

template <class T>
struct FewFound {
  double loss;
  Tensor<T> gradient;
};

/// `labels`, or else vectors of targets.
template <class T, class Loss>
FewFound<T> evaluate_few(const Loss& loss, const Tensor<T>& outputs, const Tensor<T>& vectors, const Tensor<std::int32_t>& labels,
                         const Tensor<T>& weights, int lanes) {
  const Shape sample = outputs.shape().without_first();
  const Index count = outputs.shape()[0];
  std::vector<Tensor<T>> memory(3, Tensor<T>{Shape{Batch<T>{nullptr, count, sample}.size()}});
  Batch<T> y{memory[0].data(), count, sample, lanes}, t{memory[1].data(), count, sample, lanes};
  Batch<T> gradient{memory[2].data(), count, sample, lanes};
  ops::from_tensor(outputs.view(), y);
  Targets<T> targets;
  if (labels.size() != 0) {
    targets.labels = labels.view();
  } else {
    ops::from_tensor(vectors.view(), t);
    targets.vectors = t;
  }
  if (weights.size() != 0) targets.weights = weights.view();
  FewFound<T> found{loss(std::as_const(y), targets, &gradient), Tensor<T>{outputs.shape()}};
  CHECK(loss(std::as_const(y), targets, static_cast<Batch<T>*>(nullptr)) == found.loss);
  ops::to_tensor(gradient, found.gradient.view());
  return found;
}

template <class T, class Loss>
void compare_losses(const Loss& loss, bool labelled = false) {
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  for (const Index count : {1, 2, 3, 5})
    for (const Index classes : {2, 10, 17, 32})
      for (const bool weighted : {false, true}) {
        const auto outputs = support::numbers<T>({count, classes}, 3, 0.45, 0.5);
        auto vectors = support::numbers<T>({count, classes}, 4, 0.5, 0.5);
        Tensor<std::int32_t> labels{Shape{labelled ? count : 0}};
        for (Index i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % classes);
        Tensor<T> weights{Shape{weighted ? count : 0}};
        for (Index i = 0; i < weights.size(); ++i) weights[i] = static_cast<T>(i);  // one of them 0
        const auto lanes = evaluate_few(loss, outputs, vectors, labels, weights, cpu::lanes<T>());
        const auto few = evaluate_few(loss, outputs, vectors, labels, weights, 1);
        INFO(Loss::name << ", " << count << " samples of " << classes);
        CHECK(few.loss == Approx(lanes.loss).epsilon(tolerance).margin(tolerance));
        for (Index i = 0; i < lanes.gradient.size(); ++i)
          CHECK(static_cast<double>(few.gradient[i]) ==
                Approx(static_cast<double>(lanes.gradient[i])).epsilon(tolerance).margin(tolerance));
      }
}

}  // namespace

TEMPLATE_TEST_CASE("Every loss of few samples is that of samples in lanes", "[losses][few]", float, double) {
  using T = TestType;
  compare_losses<T>(Perceptron{});
  compare_losses<T>(Hinge{});
  compare_losses<T>(SquaredHinge{});
  compare_losses<T>(MeanSquaredError{});
  compare_losses<T>(MeanAbsoluteError{});
  compare_losses<T>(Huber{.delta = 0.3});
  compare_losses<T>(BinaryCrossEntropy{});
  compare_losses<T>(BinaryCrossEntropy{.from_logits = true, .label_smoothing = 0.1});
  for (const bool labelled : {false, true}) {
    compare_losses<T>(CategoricalCrossEntropy{}, labelled);
    compare_losses<T>(CategoricalCrossEntropy{.from_logits = true, .label_smoothing = 0.1}, labelled);
  }
}
