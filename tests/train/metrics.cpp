// SPDX-License-Identifier: MIT
#include <tarn/train/metrics.hpp>

#include <limits>
#include <tarn/losses/mean_absolute_error.hpp>
#include <tarn/losses/mean_squared_error.hpp>

#include "../catch.hpp"
#include "../losses/evaluate.hpp"

using namespace tarn;
using support::error_of;

namespace {

/// A metric of one's own: the number of samples whose first output is positive.
struct Positive {
  static constexpr const char* name = "positive";
  template <class T, class D>
  double operator()(const Batch<T, D>& outputs, const Targets<T, D>& targets) const {
    return ops::sum_samples(outputs, targets, [](auto y, auto) { return y[0] > 0 ? 1.0 : 0.0; });
  }
};

}  // namespace

TEST_CASE("A metric has the name of its object, or the one it is given", "[train][metrics]") {
  const std::vector<Metric<double>> metrics{TopK{},
                                            TopK{3},
                                            BinaryAccuracy{},
                                            MeanAbsoluteError{},
                                            {"mae", MeanAbsoluteError{}},
                                            Positive{},
                                            {"first", Positive{}},
                                            SampleMetric{"gap", [](auto y, auto t) { return y[0] - t[0]; }}};
  std::vector<std::string> names;
  for (const auto& metric : metrics) names.push_back(metric.name());
  CHECK(names ==
        std::vector<std::string>{"top 5", "top 3", "binary accuracy", "mean absolute error", "mae", "positive", "first", "gap"});
  CHECK(Metric{"mse", MeanSquaredError{}}.name() == "mse");  // of float
}

TEMPLATE_TEST_CASE("Metrics are sums over samples that no sample weight changes", "[train][metrics]", float, double) {
  Tensor<TestType> memory_y, memory_t;
  const Batch<TestType> y = support::batch_of(memory_y, 3, {2}, {1, 2, -1, 0.5, 3, -2});
  const std::vector<TestType> weights{0, 7, 100};
  Targets<TestType> targets;
  targets.vectors = support::batch_of(memory_t, 3, {2}, {0, 1, 0, 1, 0, 1});
  targets.weights = {weights.data(), {3}};
  const auto sum = [&](const Metric<TestType>& metric) { return metric.sum(y, targets); };
  CHECK(sum(MeanAbsoluteError{}) == 1 + 0.75 + 3);  // |1|,|1|  |-1|,|-0.5|  |3|,|-3|, halved
  CHECK(sum(MeanSquaredError{}) == 1 + 0.625 + 9);
  CHECK(sum(TopK{1}) == 2);                       // classes 1, 1, 1 of outputs 1, 1, 0
  CHECK(sum(BinaryAccuracy{}) == 0.5 + 0.5 + 0);  // (1, 2), (-1, 0.5), (3, -2) above 0.5: 11, 00, 10 of 01
  CHECK(sum(Positive{}) == 2);
  CHECK(sum(SampleMetric{"gap", [](auto out, auto t) { return out[1] - t[1]; }}) == 1 - 0.5 - 3);
}

TEST_CASE("Metrics refuse outputs and targets that they cannot judge", "[train][metrics]") {
  const Samples labels = Tensor<std::int32_t>{Shape{4}}, numbers = Tensor<float>{Shape{4}}, vectors = Tensor<float>{Shape{4, 3}};
  const auto check = [](const Metric<float>& metric, const Shape& output, const Samples& targets) {
    return [=] { metric.check(output, targets); };
  };
  CHECK_NOTHROW(check(TopK{}, {3}, labels)());
  CHECK_NOTHROW(check(TopK{}, {3}, vectors)());
  CHECK(error_of<ShapeError>(check(TopK{}, {3}, numbers)) ==
        "TopK: an output is [3] and targets are [4], expected vectors [classes], and integer labels [n] or vectors [n, classes]");
  CHECK(error_of<ShapeError>(check(TopK{}, {10}, vectors)) ==
        "TopK: an output is [10] and targets are [4, 3], expected vectors [classes], and integer labels [n] or vectors [n, "
        "classes]");
  CHECK(error_of<ShapeError>(check(TopK{}, {2, 2, 3}, labels)) ==
        "TopK: an output is [2, 2, 3] and targets are [4], expected vectors [classes], and integer labels [n] or vectors [n, "
        "classes]");
  CHECK(error_of<ArgumentError>(check(TopK{0}, {3}, labels)) == "TopK: k is 0, expected at least 1");
  CHECK_NOTHROW(check(BinaryAccuracy{}, {1}, labels)());
  CHECK(error_of<ShapeError>(check(BinaryAccuracy{}, {3}, labels)) ==
        "BinaryAccuracy: targets are [4], expected [4, 3], as the outputs are");
  CHECK(error_of<ShapeError>(check({"mae", MeanAbsoluteError{}}, {2}, vectors)) ==
        "MeanAbsoluteError: targets are [4, 3], expected [4, 2], as the outputs are");
  CHECK_NOTHROW(check(Positive{}, {5}, numbers)());  // has no opinion
}

TEST_CASE("Means are sums divided by the samples, of none they are zero", "[train][metrics]") {
  detail::MetricSums sums, more;
  sums.loss = 3, sums.correct = 2, sums.samples = 4, sums.values[1] = 1;
  more.loss = 1, more.correct = 2, more.samples = 4, more.values[1] = 3;
  sums.add(more);
  const Metrics means = sums.means(true);
  CHECK(means.samples == 8);
  CHECK(means.loss == 0.5);
  CHECK(means.accuracy == 0.5);
  CHECK(means.values[0] == 0);
  CHECK(means.values[1] == 0.5);
  CHECK_FALSE(sums.means(false).accuracy.has_value());
  const Metrics none = detail::MetricSums{}.means(true);
  CHECK(none.samples == 0);
  CHECK(none.loss == 0);
  CHECK_FALSE(none.accuracy.has_value());
}

TEMPLATE_TEST_CASE("The confusion matrix counts predictions by label", "[train][metrics]", float, double) {
  const Tensor<TestType> outputs{{5, 3}, {9, 1, 1, 0, 2, 1, 0, 1, 2, 5, 5, 5, -3, -2, -1}};  // 0, 1, 2, a tie: 0, 2
  const Tensor<std::int32_t> labels{{5}, {0, 1, 1, 2, 2}};
  const auto counts = confusion_matrix(outputs, labels);
  CHECK(counts.shape() == Shape{3, 3});
  CHECK(support::doubles(counts) == std::vector<double>{1, 0, 0, 0, 1, 1, 1, 0, 1});
  CHECK(support::doubles(confusion_matrix(Tensor<TestType>{Shape{0, 2}}, Tensor<std::uint8_t>{Shape{0}})) ==
        std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("The confusion matrix refuses what is no prediction or no label", "[train][metrics]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> outputs{{2, 2}, {1, 0, 0, 1}};
  const auto matrix = [](const Tensor<float>& y, const Samples& labels) { return [=] { confusion_matrix(y, labels); }; };
  CHECK(error_of<ShapeError>(matrix(outputs, Tensor<std::int32_t>{Shape{3}})) ==
        "confusion_matrix: outputs are [2, 2] and labels [3], expected [n, classes] and integers [n]");
  CHECK(error_of<ShapeError>(matrix(outputs, Tensor<float>{Shape{2}})) ==
        "confusion_matrix: outputs are [2, 2] and labels [2] of floating point, expected [n, classes] and integers [n]");
  CHECK(error_of<ShapeError>(matrix(Tensor<float>{Shape{2}}, Tensor<std::int32_t>{Shape{2}})) ==
        "confusion_matrix: outputs are [2] and labels [2], expected [n, classes] and integers [n]");
  CHECK(error_of<ArgumentError>(matrix(outputs, Tensor<std::int32_t>{{2}, {0, 2}})) ==
        "confusion_matrix: label 2 of sample 1, expected 0 to 1");
  CHECK(error_of<ArgumentError>(matrix(outputs, Tensor<std::int32_t>{{2}, {-1, 0}})) ==
        "confusion_matrix: label -1 of sample 0, expected 0 to 1");
  CHECK(error_of<ArgumentError>(matrix(Tensor<float>{{2, 2}, {1, 0, nan, 1}}, Tensor<std::int32_t>{{2}, {0, 0}})) ==
        "confusion_matrix: the outputs of sample 1 are not numbers");
}
