// SPDX-License-Identifier: MIT
#include <tarn/ops/metrics.hpp>

#include <cmath>
#include <limits>

#include "../catch.hpp"
#include "../losses/evaluate.hpp"

using namespace tarn;
using support::error_of;
using support::infinity;
using support::not_a_number;

namespace {

/// A batch and its targets, labels or vectors.
template <class T>
struct Given {
  Tensor<T> memory_y, memory_t;
  std::vector<std::int32_t> labels;
  Batch<T> outputs;
  Targets<T> targets;

  Given(const Shape& sample, const std::vector<double>& y, std::vector<std::int32_t> labels_)
      : labels{std::move(labels_)}, outputs{support::batch_of(memory_y, static_cast<Index>(labels.size()), sample, y)} {
    targets.labels = {labels.data(), {static_cast<Index>(labels.size())}};
  }
  Given(const Shape& sample, const std::vector<double>& y, const Shape& target, const std::vector<double>& t)
      : outputs{support::batch_of(memory_y, static_cast<Index>(y.size()) / sample.size(), sample, y)} {
    targets.vectors = support::batch_of(memory_t, outputs.count(), target, t);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("A class is in the top k if fewer than k outputs are larger", "[ops][metrics]", float, double) {
  const Given<TestType> given{{4}, {0.1, 0.4, 0.3, 0.2, 0.1, 0.4, 0.3, 0.2, 0.1, 0.4, 0.3, 0.2}, {1, 2, 0}};
  CHECK(ops::count_in_top(given.outputs, given.targets, 1) == 1);
  CHECK(ops::count_in_top(given.outputs, given.targets, 2) == 2);
  CHECK(ops::count_in_top(given.outputs, given.targets, 3) == 2);
  CHECK(ops::count_in_top(given.outputs, given.targets, 4) == 3);
  CHECK(ops::count_in_top(given.outputs, given.targets, 100) == 3);
  CHECK(error_of<ArgumentError>([&] { ops::count_in_top(given.outputs, given.targets, 0); }) ==
        "count_in_top: k is 0, expected at least 1");
}

TEMPLATE_TEST_CASE("Of equal outputs the first is in the top, as for accuracy", "[ops][metrics]", float, double) {
  const std::vector<double> ties{1, 1, 1, 1, 1, 1, 1, 1, 1};
  const Given<TestType> given{{3}, ties, {0, 1, 2}};
  for (Index k = 1; k <= 3; ++k) CHECK(ops::count_in_top(given.outputs, given.targets, k) == k);
  CHECK(ops::count_correct(given.outputs, given.targets) == ops::count_in_top(given.outputs, given.targets, 1));
}

TEMPLATE_TEST_CASE("Target vectors stand for the class where they are largest", "[ops][metrics]", float, double) {
  const Given<TestType> given{{3}, {3, 2, 1, 3, 2, 1}, {3}, {0.2, 0.5, 0.3, 0, 0, 1}};
  CHECK(ops::count_in_top(given.outputs, given.targets, 1) == 0);
  CHECK(ops::count_in_top(given.outputs, given.targets, 2) == 1);
  CHECK(ops::count_in_top(given.outputs, given.targets, 3) == 2);
}

TEMPLATE_TEST_CASE("What is not a number is in no top, and an infinite output is the largest", "[ops][metrics]", float, double) {
  const Given<TestType> given{{3}, {not_a_number, 2, 1, not_a_number, 2, 1, infinity, 2, 1, 2, -infinity, 1}, {0, 1, 0, 1}};
  CHECK(ops::count_in_top(given.outputs, given.targets, 1) == 2);  // samples 1 and 2
  CHECK(ops::count_in_top(given.outputs, given.targets, 3) == 3);  // and 3
}

TEMPLATE_TEST_CASE("Outputs and targets are compared to thresholds of their own", "[ops][metrics]", float, double) {
  // Sample shares 1, 1/2 and 0. An output on the threshold is not above it.
  const Given<TestType> given{{2}, {0.75, 0.25, 0.75, 0.5, 0.25, 0.75}, {2}, {1, 0, 1, 1, 1, 0}};
  CHECK(ops::count_same_side(given.outputs, given.targets, 0.5, 0.5) == 1.5);
  CHECK(ops::count_same_side(given.outputs, given.targets, 0.125, 0.5) == 2);
  const Given<TestType> signs{{1}, {-0.5, 2, not_a_number, 3}, {}, {-1, 1, -1, -1}};  // targets [n]; NaN is above nothing
  CHECK(ops::count_same_side(signs.outputs, signs.targets, 0, 0) == 3);
}

TEMPLATE_TEST_CASE("A function of a sample is summed, in any number of lanes", "[ops][metrics]", float, double) {
  for (const Index n : {1, 3, 17, 40}) {
    std::vector<double> y, t;
    std::vector<std::int32_t> labels;
    double expected = 0, of_labels = 0;
    for (Index i = 0; i < n; ++i) {
      const double a = static_cast<double>(i), b = static_cast<double>(2 * i % 7), c = static_cast<double>(i % 3);
      y.insert(y.end(), {a, b});
      t.insert(t.end(), {c, a});
      labels.push_back(static_cast<std::int32_t>(i % 5));
      expected += a * c - b * a;
      of_labels += b - static_cast<double>(i % 5);
    }
    const Given<TestType> vectors{{2}, y, {2}, t}, labelled{{2}, y, labels};
    CHECK(ops::sum_samples(vectors.outputs, vectors.targets,
                           [](auto out, auto target) { return out[0] * target[0] - out[1] * target[1]; }) == expected);
    CHECK(ops::sum_samples(labelled.outputs, labelled.targets, [](auto out, auto target) { return out[1] - target[0]; }) ==
          of_labels);
  }
}
