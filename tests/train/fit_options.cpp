// SPDX-License-Identifier: MIT
#include <tarn/train/fit_options.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using support::error_of;
using support::not_a_number;

namespace {

auto checked(const FitOptions& options, Index size = 10) {
  return [=] { return detail::check_fit_options(options, size); };
}

/// Sizes that double up to a growing maximum and halve back to 64.
std::vector<Index> cyclic_sizes(std::size_t count) {
  std::vector<Index> sizes;
  Index size = 64, largest = 512;
  for (bool up = true; sizes.size() < count;) {
    sizes.push_back(size);
    if (up) {
      up = 2 * size < largest;
      size = up ? 2 * size : largest;
    } else {
      up = size / 2 <= 64;
      size = up ? 64 : size / 2;
      if (up) largest *= 2;
    }
  }
  return sizes;
}

}  // namespace

TEST_CASE("Options of a run that are out of range are refused", "[train][fit_options]") {
  const Dataset other{Tensor<float>{Shape{1, 1}}, Tensor<float>{Shape{1, 1}}};
  CHECK(error_of<ArgumentError>(checked({.epochs = 0})) == "fit: epochs is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(checked({.steps = 0})) == "fit: steps is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(checked({.steps = -1})) == "fit: steps is -1, expected at least 1");
  const std::string range = ", expected at least 0 and below 1";
  CHECK(error_of<ArgumentError>(checked({.validation_split = 1})) == "fit: validation_split is 1" + range);
  CHECK(error_of<ArgumentError>(checked({.validation_split = -0.5})) == "fit: validation_split is -0.5" + range);
  CHECK(error_of<ArgumentError>(checked({.validation_split = not_a_number})) == "fit: validation_split is nan" + range);
  CHECK(error_of<ArgumentError>(checked({.validation = &other, .validation_split = 0.5})) ==
        "fit: both validation and validation_split, expected one of them");
  CHECK(error_of<ArgumentError>(checked({.validation_split = 0.95})) ==
        "fit: validation_split 0.95 of 10 samples leaves 0 to train on and 10 to validate with");
  CHECK(error_of<ArgumentError>(checked({.validation_split = 0.5}, 1)) ==
        "fit: validation_split 0.5 of 1 samples leaves 0 to train on and 1 to validate with");
  CHECK(error_of<ArgumentError>(checked({.validation_split = 1e-15})) ==
        "fit: validation_split 1e-15 of 10 samples leaves 10 to train on and 0 to validate with");
}

TEST_CASE("A split holds out what Keras does, and no sample less for a rounding error", "[train][fit_options]") {
  const auto trained = [](double split, Index size) { return checked({.validation_split = split}, size)(); };
  CHECK(trained(0, 10) == 10);
  CHECK(trained(0.25, 10) == 7);  // 7.5
  CHECK(trained(0.14, 10) == 8);  // 8.6
  CHECK(trained(0.1, 60000) == 54000);
  CHECK(trained(0.9, 10) == 1);  // 10 (1 - 0.9) is just below 1
  for (Index tenths = 1; tenths < 10; ++tenths) {
    INFO(tenths << " tenths");
    CHECK(trained(static_cast<double>(tenths) / 10, 4'000'000'000) == 400'000'000 * (10 - tenths));
  }
}

TEST_CASE("An epoch's last batch is short, or dropped", "[train][fit_options]") {
  FitOptions options{.batch_size = 16};
  CHECK(detail::next_batch(options, {}, 37, 37) == 16);
  CHECK(detail::next_batch(options, {}, 37, 5) == 5);
  options.drop_last = true;
  CHECK(detail::next_batch(options, {}, 37, 16) == 16);
  CHECK(detail::next_batch(options, {}, 37, 15) == 0);
  CHECK(error_of<ArgumentError>([&] {
          detail::next_batch(options, {3, 0}, 15, 15);
        }) == "fit: the batch size is 16 at iteration 3 for 15 samples; without short batches (drop_last) no step can be made");
}

TEST_CASE("A plan tells epochs, steps and the largest batch", "[train][fit_options]") {
  const auto plan = [](const FitOptions& options, Index samples, Index first = 0) {
    const detail::FitPlan p = detail::plan_fit(options, samples, {}, first);
    return std::vector<Index>{p.epochs, p.steps, p.largest_batch};
  };
  CHECK(plan({.batch_size = 16}, 37) == std::vector<Index>{1, 3, 16});  // one epoch unless told otherwise
  CHECK(plan({.epochs = 4, .batch_size = 16}, 37) == std::vector<Index>{4, 12, 16});
  CHECK(plan({.epochs = 4, .batch_size = 16, .drop_last = true}, 37) == std::vector<Index>{4, 8, 16});
  CHECK(plan({.batch_size = 64}, 37) == std::vector<Index>{1, 1, 37});
  CHECK(plan({.steps = 7, .batch_size = 16}, 37) == std::vector<Index>{3, 7, 16});
  CHECK(plan({.steps = 6, .batch_size = 16}, 37) == std::vector<Index>{2, 6, 16});
  CHECK(plan({.epochs = 9, .steps = 7, .batch_size = 16}, 37) == std::vector<Index>{3, 7, 16});
  CHECK(plan({.epochs = 2, .steps = 7, .batch_size = 16}, 37) == std::vector<Index>{2, 6, 16});
  CHECK(plan({.steps = 2, .batch_size = 16}, 37, 32) == std::vector<Index>{2, 2, 16});  // from the middle of an epoch
  CHECK(plan({.batch_size = 16}, 37, 32) == std::vector<Index>{1, 1, 5});
  CHECK(plan({.epochs = 5, .batch_size = [](Progress p) { return 1 + p.epoch; }}, 6) ==
        std::vector<Index>{5, 6 + 3 + 2 + 2 + 2, 5});
  CHECK(plan({.epochs = 5'000'000, .batch_size = 1}, 2) == std::vector<Index>{5'000'000, 1'000'000, 1});  // looks no further
  CHECK(plan({.steps = 5'000'000, .batch_size = 1}, 2) == std::vector<Index>{0, 1'000'000, 1});
}

TEST_CASE("Cyclic batch sizes end epochs where the next one would pass, and go on in the next", "[train][fit_options]") {
  const auto sizes = cyclic_sizes(200);
  const FitOptions options{.batch_size = [&](Index i) { return sizes[static_cast<std::size_t>(i)]; }, .drop_last = true};
  std::vector<Index> batches, samples;
  Index iteration = 0;
  for (Index epoch = 0; epoch < 5; ++epoch) {
    Index first = 0, made = 0;
    while (const Index count = detail::next_batch(options, {iteration, epoch}, 60000, 60000 - first))
      first += count, ++made, ++iteration;
    batches.push_back(made);
    samples.push_back(first);
  }
  CHECK(batches == std::vector<Index>{57, 17, 2, 16, 2});  // as published
  CHECK(samples[0] == 54784);
  CHECK(iteration == 94);
}

TEST_CASE("Data that do not fit a model's input are refused", "[train][fit_options]") {
  Dataset data{Tensor<float>{Shape{3, 2}}, Tensor<float>{Shape{3, 1}}};
  CHECK_NOTHROW(detail::check_data(data, {2}, "fit"));
  CHECK(error_of<ShapeError>([&] {
          detail::check_data(data, {4, 4, 1}, "fit");
        }) == "fit: inputs are [3, 2], expected [n, 4, 4, 1]");
  data.targets = Tensor<float>{Shape{2, 1}};
  CHECK(error_of<ShapeError>([&] { detail::check_data(data, {2}, "fit"); }) == "fit: 3 inputs and 2 targets");
  CHECK(error_of<ArgumentError>([&] { detail::check_data({}, {2}, "fit"); }) == "fit: the data set is empty");
}
