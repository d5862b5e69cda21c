// SPDX-License-Identifier: MIT
#include <tarn/train/target_buffer.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using support::error_of;
using support::infinity;
using support::not_a_number;

namespace {

using Weights = std::vector<double>;

auto joined(const Samples& targets, const Weights& samples, const Weights& classes) {
  return [=] { return detail::joined_weights("fit", targets, samples, classes); };
}

}  // namespace

TEST_CASE("A sample's weight is its own times that of its class", "[train][target_buffer]") {
  const Weights classes{1, 10, 100}, samples{2, 3, 5, 0};
  const Samples labels = Tensor<std::uint8_t>{{4}, {2, 0, 1, 2}};
  CHECK(joined(labels, {}, {})().empty());
  CHECK(joined(labels, samples, {})() == samples);
  CHECK(joined(labels, {}, classes)() == Weights{100, 1, 10, 100});
  CHECK(joined(labels, samples, classes)() == Weights{200, 3, 50, 0});
}

TEST_CASE("A class is told by a label, alone or in a vector of one, or by the largest of a vector", "[train][target_buffer]") {
  const Weights classes{1, 10, 100};
  CHECK(joined(Tensor<float>{{3}, {1, 0, 2}}, {}, classes)() == Weights{10, 1, 100});
  CHECK(joined(Tensor<float>{{3, 1}, {1, 0, 2}}, {}, classes)() == Weights{10, 1, 100});
  CHECK(joined(Tensor<float>{{3, 3}, {0, 1, 0, 0.2F, 0.3F, 0.5F, 0.4F, 0.4F, 0.2F}}, {}, classes)() == Weights{10, 100, 1});
  CHECK(joined(Samples{Tensor<std::uint8_t>{{2}, {0, 4}}}.scaled(0.5), {}, classes)() == Weights{1, 100});
}

TEST_CASE("Weights that do not fit are refused", "[train][target_buffer]") {
  const Samples labels = Tensor<std::int32_t>{{3}, {0, 1, 2}};
  CHECK(error_of<ArgumentError>(joined(labels, {1, 2}, {})) == "fit: 2 sample weights for 3 samples");
  CHECK(error_of<ArgumentError>(joined(labels, {1, -1, 1}, {})) == "fit: sample weight 1 is -1, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(joined(labels, {1, 1, infinity}, {})) ==
        "fit: sample weight 2 is inf, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(joined(labels, {}, {1, 1, not_a_number})) ==
        "fit: class weight 2 is nan, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(joined(labels, {}, {1, 1})) == "fit: sample 2 is of class 2, but there are 2 class weights");
  CHECK(error_of<ArgumentError>(joined(Tensor<std::int32_t>{{2}, {1, -1}}, {}, {1, 1})) ==
        "fit: sample 1 is of class -1, but there are 2 class weights");
  CHECK(error_of<ArgumentError>(joined(Tensor<double>{{2}, {1, 0.5}}, {}, {1, 1})) ==
        "fit: sample 1 is of class 0.5, but there are 2 class weights");
  CHECK(error_of<ArgumentError>(joined(Tensor<double>{{1}, {not_a_number}}, {}, {1, 1})) ==
        "fit: sample 0 is of class nan, but there are 2 class weights");
  CHECK(error_of<ArgumentError>(joined(Tensor<double>{{1}, {1e300}}, {}, {1, 1})) ==
        "fit: sample 0 is of class 1e+300, but there are 2 class weights");
  CHECK(error_of<ShapeError>(joined(Tensor<float>{Shape{2, 4, 4}}, {}, {1, 1})) ==
        "fit: class weights for targets [2, 4, 4], expected labels [n] or [n, 1], or vectors [n, classes]");
}

TEMPLATE_TEST_CASE("Targets are gathered by row, as labels, vectors or numbers, with their weights", "[train][target_buffer]",
                   float, double) {
  using T = TestType;
  const std::vector<std::uint32_t> rows{2, 0, 2};
  const Samples labels = Tensor<std::uint8_t>{{3}, {4, 5, 6}}, vectors = Tensor<float>{{3, 2}, {1, 2, 3, 4, 5, 6}};
  const SampleWeights weights{0.5, 2, 8};
  TargetBuffer<T, Cpu, true> classes;
  classes.reserve(3, labels, true);
  Targets<T> targets = classes.gather(labels, weights, rows, {7}, "fit");
  CHECK(support::doubles(targets.labels) == std::vector<double>{6, 4, 6});
  CHECK(support::doubles(targets.weights) == std::vector<double>{8, 0.5, 8});
  classes.reserve(3, vectors, false);
  targets = classes.gather(vectors, {}, rows, {2}, "fit");
  CHECK_FALSE(targets.has_labels());
  CHECK_FALSE(targets.has_weights());
  Tensor<T> read{Shape{3, 2}};
  ops::to_tensor(targets.vectors, read.view());
  CHECK(support::doubles(read) == std::vector<double>{5, 6, 1, 2, 5, 6});

  TargetBuffer<T, Cpu, false> numbers;  // for a loss that does not classify integers are numbers
  numbers.reserve(3, labels, false);
  targets = numbers.gather(labels, {}, rows, {1}, "fit");
  CHECK_FALSE(targets.has_labels());
  Tensor<T> scalars{Shape{3}};
  ops::to_tensor(targets.vectors, scalars.view());
  CHECK(support::doubles(scalars) == std::vector<double>{6, 4, 6});
}

TEST_CASE("A label that is no class is named", "[train][target_buffer]") {
  TargetBuffer<float, Cpu, true> buffer;
  const std::vector<std::uint32_t> rows{1};
  const auto gather = [&](const Samples& labels) {
    buffer.reserve(1, labels, false);
    return error_of<ArgumentError>([&] { buffer.gather(labels, {}, rows, {3}, "evaluate"); });
  };
  CHECK(gather(Tensor<std::int32_t>{{2}, {0, 3}}) == "evaluate: label 3 of sample 1, expected 0 to 2");
  CHECK(gather(Tensor<std::int32_t>{{2}, {0, -1}}) == "evaluate: label -1 of sample 1, expected 0 to 2");
  CHECK(gather(Tensor<double>{{2}, {0, 1.5}}) == "evaluate: label 1.5 of sample 1, expected 0 to 2");
  CHECK(gather(Tensor<double>{{2}, {0, not_a_number}}) == "evaluate: label nan of sample 1, expected 0 to 2");
}
