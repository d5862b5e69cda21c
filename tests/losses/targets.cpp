// SPDX-License-Identifier: MIT
// What all losses have in common: gradients, weights, reductions, batches of any size, threads.
#include <tarn/losses/targets.hpp>

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
using support::error_of;
using support::evaluate;
using support::LossInput;

namespace {

enum class Kind { numbers, signs, probabilities };

/// Inputs of n samples, away from the kinks of the losses.
LossInput input_of(Index n, Index elements, Kind kind, bool labels = false) {
  LossInput input{{elements}, {}, {}};
  for (Index i = 0; i < elements * n; ++i) {
    const double a = static_cast<double>((i * 7919 + 13) % 2003) / 2003, b = static_cast<double>((i * 104729 + 5) % 1999) / 1999;
    input.outputs.push_back(kind == Kind::probabilities ? 0.02 + 0.96 * a : 6 * a - 3.0001);
    input.targets.push_back(kind == Kind::numbers ? 4 * b - 2 : kind == Kind::probabilities ? b : b < 0.5 ? -1 : 1);
  }
  for (Index i = 0; i < n && labels; ++i) input.labels.push_back(static_cast<std::int32_t>(i * 5 % 3));
  return input;
}

/// Calls f(name, loss, its inputs for n samples) for every loss and option.
template <class F>
void for_all_losses(Index n, Reduction reduction, F f, Index elements = 3) {
  f("Perceptron", Perceptron{reduction}, input_of(n, elements, Kind::signs));
  f("Hinge", Hinge{reduction}, input_of(n, elements, Kind::signs));
  f("SquaredHinge", SquaredHinge{reduction}, input_of(n, elements, Kind::signs));
  f("MeanSquaredError", MeanSquaredError{reduction}, input_of(n, elements, Kind::numbers));
  f("MeanAbsoluteError", MeanAbsoluteError{reduction}, input_of(n, elements, Kind::numbers));
  f("Huber", Huber{1, reduction}, input_of(n, elements, Kind::numbers));
  f("Huber, 0.4", Huber{0.4, reduction}, input_of(n, elements, Kind::numbers));
  for (const double smoothing : {0.0, 0.2}) {
    f("BinaryCrossEntropy", BinaryCrossEntropy{false, smoothing, reduction}, input_of(n, elements, Kind::probabilities));
    f("BinaryCrossEntropy of logits", BinaryCrossEntropy{true, smoothing, reduction}, [&] {
      LossInput input = input_of(n, elements, Kind::probabilities);
      input.outputs = input_of(n, elements, Kind::numbers).outputs;
      return input;
    }());
    for (const bool labels : {false, true}) {
      f("CategoricalCrossEntropy", CategoricalCrossEntropy{false, smoothing, reduction},
        input_of(n, elements, Kind::probabilities, labels));
      f("CategoricalCrossEntropy of logits", CategoricalCrossEntropy{true, smoothing, reduction},
        input_of(n, elements, Kind::numbers, labels));
    }
  }
}

support::LossValues weights_of(Index n) {
  support::LossValues weights;
  for (Index i = 0; i < n; ++i) weights.push_back(i % 4 == 2 ? 0 : 0.25 * static_cast<double>(1 + i % 7));
  return weights;
}

/// The sample i of an input, alone.
LossInput sample_of(const LossInput& input, Index i) {
  const auto part = [&](const support::LossValues& values) {
    return support::LossValues(values.begin() + 3 * i, values.begin() + 3 * (i + 1));
  };
  LossInput result{{3}, part(input.outputs), part(input.targets)};
  if (!input.labels.empty()) result.labels = {input.labels[static_cast<std::size_t>(i)]};
  return result;
}

class PoolOf {
 public:
  explicit PoolOf(int threads) : before_{parallel::threads()} { parallel::set_threads(threads); }
  ~PoolOf() { parallel::set_threads(before_); }
  PoolOf(const PoolOf&) = delete;
  PoolOf& operator=(const PoolOf&) = delete;

 private:
  int before_;
};

}  // namespace

TEST_CASE("The gradient of every loss agrees with differences", "[losses]") {
  for (const Reduction reduction : {Reduction::mean, Reduction::sum})
    for (const bool weighted : {false, true})
      for_all_losses(5, reduction, [&](const char* name, const auto& loss, LossInput input) {
        if (weighted) input.weights = weights_of(5);
        const double divisor = reduction == Reduction::mean ? 5 : 1, h = 1e-5;
        const auto found = evaluate<double>(loss, input);
        support::LossValues numeric;
        double largest = 0;
        for (double& y : input.outputs) {
          const double at = y;
          y = at + h;
          const double up = evaluate<double>(loss, input).sum;
          y = at - h;
          const double down = evaluate<double>(loss, input).sum;
          y = at;
          numeric.push_back((up - down) / (2 * h) / divisor);
          largest = std::max(largest, std::abs(numeric.back()));
        }
        INFO(name << ", weighted " << weighted);
        CHECK(largest > 1e-2);
        CHECK(support::relative_error(found.gradient, numeric) < 1e-6);
      });
}

TEMPLATE_TEST_CASE("A batch of any size is its samples one by one, to the bit", "[losses]", float, double) {
  for (const Index n : {1, 15, 16, 17, 33, 511, 512, 513, 1040})
    for_all_losses(n, Reduction::sum, [&](const char* name, const auto& loss, const LossInput& input) {
      INFO(name << ", batch " << n);
      const auto found = evaluate<TestType>(loss, input);
      CHECK(found.clean);
      // As many samples of the large batches as decide: those at the borders of groups and of what goes to the threads at once.
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        if (n > 33 && i > 3 && i < 500 && i < n - 40) continue;
        const auto alone = evaluate<TestType>(loss, sample_of(input, i));
        sum += alone.sum;
        for (Index k = 0; k < 3; ++k)
          REQUIRE(alone.gradient[static_cast<std::size_t>(k)] == found.gradient[static_cast<std::size_t>(3 * i + k)]);
      }
      if (n <= 33) CHECK(std::abs(found.sum - sum) <= 1e-15 * static_cast<double>(n) * std::abs(sum));
    });
}

TEMPLATE_TEST_CASE("A weight multiplies the loss of its sample and its gradient, the mean is over all samples", "[losses]", float,
                   double) {
  constexpr Index n = 19;
  const auto weights = weights_of(n);
  for_all_losses(n, Reduction::mean, [&](const char* name, const auto& loss, const LossInput& input) {
    INFO(name);
    const auto plain = evaluate<TestType>(loss, input);
    LossInput weighted = input;
    weighted.weights = weights;
    const auto found = evaluate<TestType>(loss, weighted);
    double sum = 0;
    support::LossValues expected;
    for (Index i = 0; i < n; ++i) {
      const double weight = weights[static_cast<std::size_t>(i)];
      sum += weight * evaluate<TestType>(loss, sample_of(input, i)).sum;
      for (Index k = 0; k < 3; ++k) expected.push_back(weight * plain.gradient[static_cast<std::size_t>(3 * i + k)]);
    }
    CHECK(found.clean);
    CHECK(std::abs(found.sum - sum) < 1e-13 * std::abs(sum));
    CHECK(support::relative_error(found.gradient, expected) < 4 * std::numeric_limits<TestType>::epsilon());
  });
}

TEMPLATE_TEST_CASE("A sample of weight 0 counts for nothing, whatever its outputs are", "[losses]", float, double) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf})
    for_all_losses(18, Reduction::mean, [&](const char* name, const auto& loss, LossInput input) {
      INFO(name << ", " << bad);
      input.weights = support::LossValues(18, 1.0);
      input.weights[4] = 0;
      const auto expected = evaluate<TestType>(loss, input);
      for (std::size_t k = 12; k < 15; ++k) input.outputs[k] = input.targets[k] = bad;
      const auto found = evaluate<TestType>(loss, input);
      CHECK(std::isfinite(found.sum));
      CHECK(found.sum == expected.sum);
      CHECK(found.gradient == expected.gradient);
      CHECK(found.gradient[13] == 0);
    });
}

TEMPLATE_TEST_CASE("NaN in an output makes the loss NaN, and no gradient but its sample's", "[losses]", float, double) {
  for_all_losses(18, Reduction::mean, [&](const char* name, const auto& loss, LossInput input) {
    INFO(name);
    const auto expected = evaluate<TestType>(loss, input);
    input.outputs[13] = std::numeric_limits<double>::quiet_NaN();
    const auto found = evaluate<TestType>(loss, input);
    CHECK(std::isnan(found.sum));
    for (std::size_t i = 0; i < found.gradient.size(); ++i)
      if (i < 12 || i > 14) REQUIRE(found.gradient[i] == expected.gradient[i]);
  });
}

TEMPLATE_TEST_CASE("The objective is the sum, or the sum divided by the samples", "[losses]", float, double) {
  for_all_losses(16, Reduction::sum, [&](const char* name, const auto& loss, const LossInput& input) {
    INFO(name);
    auto mean = loss;
    mean.reduction = Reduction::mean;
    CHECK_FALSE(mean == loss);
    const auto of_sum = evaluate<TestType>(loss, input), of_mean = evaluate<TestType>(mean, input);
    CHECK(of_sum.sum == of_mean.sum);
    support::LossValues scaled;
    for (const double gradient : of_mean.gradient) scaled.push_back(gradient * 16);
    CHECK(support::relative_error(scaled, of_sum.gradient) < 4 * std::numeric_limits<TestType>::epsilon());
  });
}

TEMPLATE_TEST_CASE("Losses do not depend on the number of threads", "[losses]", float, double) {
  std::vector<support::LossFound> expected;
  for (const int threads : {1, 2, 3}) {
    const PoolOf pool{threads};
    std::size_t next = 0;
    const auto check = [&](const char* name, const auto& loss, LossInput input) {
      INFO(name << ", " << threads << " threads");
      input.weights = weights_of(601);
      const auto found = evaluate<TestType>(loss, input);
      if (threads == 1) expected.push_back(found);
      CHECK(found.sum == expected[next].sum);
      CHECK(found.gradient == expected[next].gradient);
      ++next;
    };
    for_all_losses(601, Reduction::mean, check, 70);  // enough for several threads
  }
}

TEST_CASE("Losses say which shapes they expect", "[losses]") {
  Tensor<float> memory{Shape{1024}};
  const Batch<float> y{memory.data(), 5, {3}}, other{memory.data(), 5, {4}};
  Batch<float> gradient{memory.data(), 4, {3}};
  Targets<float> targets;
  targets.vectors = other;
  const auto call = [&](const auto& loss, Batch<float>* dy) { return error_of<ShapeError>([&] { loss(y, targets, dy); }); };
  CHECK(call(MeanSquaredError{}, nullptr) == "elementwise_loss: targets is [5, 4], expected [5, 3]");
  CHECK(call(CategoricalCrossEntropy{}, nullptr) == "cross_entropy: targets is [5, 4], expected [5, 3]");
  targets.vectors = y;
  CHECK(call(MeanSquaredError{}, &gradient) == "elementwise_loss: gradient is [4, 3], expected [5, 3]");
  CHECK(call(CategoricalCrossEntropy{}, &gradient) == "cross_entropy: gradient is [4, 3], expected [5, 3]");
  const std::vector<float> weights(4, 1.0F);
  targets.weights = {weights.data(), {4}};
  CHECK(call(MeanSquaredError{}, nullptr) == "elementwise_loss: weights is [4], expected [5]");
  CHECK(call(CategoricalCrossEntropy{}, nullptr) == "cross_entropy: weights is [4], expected [5]");
  std::vector<std::int32_t> labels{0, 1, 2, 3, 0};
  targets.labels = {labels.data(), {4}};
  CHECK(call(CategoricalCrossEntropy{}, nullptr) == "cross_entropy: labels is [4], expected [5]");
  targets = Targets<float>{{labels.data(), {5}}, {}};
  CHECK(call(Hinge{}, nullptr) == "elementwise_loss: targets is [0, 0], expected [5, 3]");
  const auto label_error = [&] {
    return error_of<ArgumentError>([&] { CategoricalCrossEntropy{}(y, targets, static_cast<Batch<float>*>(nullptr)); });
  };
  CHECK(label_error() == "cross_entropy: label 3 of sample 3, expected 0 to 2");
  labels[1] = -1;
  CHECK(label_error() == "cross_entropy: label -1 of sample 1, expected 0 to 2");
}
