// SPDX-License-Identifier: MIT
#include <tarn/data/dataset.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <type_traits>

#include "../support/compare.hpp"
#include "files.hpp"

using support::error_of;
using tarn::ArgumentError;
using tarn::Dataset;
using tarn::Index;
using tarn::Samples;
using tarn::Shape;
using tarn::ShapeError;
using tarn::Tensor;

namespace {

template <class T>
Tensor<T> counting(const Shape& shape) {
  Tensor<T> values{shape};
  for (Index i = 0; i < values.size(); ++i) values[i] = static_cast<T>(i);
  return values;
}

}  // namespace

TEST_CASE("Samples keep the type and the shape they came with", "[data][dataset]") {
  const Samples images = counting<std::uint8_t>({3, 2, 2, 1});
  CHECK(images.size() == 3);
  CHECK(images.shape() == Shape{3, 2, 2, 1});
  CHECK(images.sample() == Shape{2, 2, 1});
  CHECK(images.is_integer());
  CHECK(images.scale() == 1);
  CHECK(images.offset() == 0);
  CHECK(images.at(11) == 11);
  CHECK(std::get<Tensor<std::uint8_t>>(images.values())[5] == 5);

  const Samples labels = Tensor<std::int32_t>{{2}, {-7, 9}};
  CHECK(labels.is_integer());
  CHECK(labels.sample() == Shape{});
  CHECK(labels.sample().size() == 1);
  CHECK(labels.at(0) == -7);

  CHECK_FALSE(Samples{Tensor<float>{{1, 2}}}.is_integer());
  const Samples precise = Tensor<double>{{1}, {0.1}};
  CHECK_FALSE(precise.is_integer());
  CHECK(precise.at(0) == 0.1);
}

TEST_CASE("Samples take numbers of four types and no other", "[data][dataset]") {
  STATIC_REQUIRE(std::is_convertible_v<Tensor<std::uint8_t>, Samples>);
  STATIC_REQUIRE(std::is_convertible_v<Tensor<std::int32_t>, Samples>);
  STATIC_REQUIRE(std::is_convertible_v<Tensor<float>, Samples>);
  STATIC_REQUIRE(std::is_convertible_v<Tensor<double>, Samples>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Samples, Tensor<std::int64_t>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Samples, Tensor<bool>>);
}

TEST_CASE("Samples refuse a scalar", "[data][dataset]") {
  CHECK(error_of<ShapeError>([] { Samples{Tensor<float>{Shape{}}}; }) ==
        "Samples: found a scalar of shape [], expected [n, ...] with the samples along the first extent");
}

TEST_CASE("Samples without values are empty", "[data][dataset]") {
  const Samples none;
  CHECK(none.size() == 0);
  CHECK(none.shape() == Shape{0});
  CHECK(none.take(0, 0).size() == 0);
  CHECK(Dataset{}.size() == 0);
}

TEST_CASE("Scaling changes what is seen and not what is stored", "[data][dataset]") {
  const Samples bytes = Tensor<std::uint8_t>{{2}, {0, 255}};
  const Samples unit = bytes.scaled(1.0 / 255);
  CHECK(unit.at(0) == 0);
  CHECK(unit.at(1) == 255 * (1.0 / 255));
  CHECK(std::get<0>(unit.values())[1] == 255);
  CHECK(bytes.at(1) == 255);

  SECTION("calls compose") {
    const Samples both = Samples{Tensor<float>{{2}, {1, 3}}}.scaled(2, 1).scaled(10, -5);
    CHECK(both.scale() == 20);
    CHECK(both.offset() == 5);
    CHECK(both.at(0) == 25);
    CHECK(both.at(1) == 65);
  }
  SECTION("a temporary gives its data away") {
    Samples source = counting<float>({4});
    const float* data = std::get<Tensor<float>>(source.values()).data();
    const Samples result = std::move(source).scaled(2);
    CHECK(std::get<Tensor<float>>(result.values()).data() == data);
  }
  SECTION("only finite numbers are taken") {
    CHECK(error_of<ArgumentError>([&] { bytes.scaled(std::numeric_limits<double>::infinity()); }) ==
          "Samples: scale inf and offset 0, expected finite numbers");
    CHECK_THROWS_AS(bytes.scaled(1, std::numeric_limits<double>::quiet_NaN()), ArgumentError);
  }
}

TEST_CASE("An element outside the samples is refused", "[data][dataset]") {
  const Samples samples = counting<float>({2, 3});
  CHECK(error_of<ArgumentError>([&] { samples.at(6); }) == "Samples: element 6 of shape [2, 3], expected 0 to 5");
  CHECK(error_of<ArgumentError>([&] { samples.at(-1); }) == "Samples: element -1 of shape [2, 3], expected 0 to 5");
}

TEST_CASE("A part of the samples is taken as it is seen", "[data][dataset]") {
  const Samples samples = Samples{counting<std::uint8_t>({5, 2})}.scaled(0.5, 1);
  const Samples part = samples.take(3, 2);
  CHECK(part.shape() == Shape{2, 2});
  CHECK(part.scale() == 0.5);
  CHECK(part.offset() == 1);
  CHECK(part.at(0) == 4);
  CHECK(part.at(3) == 5.5);
  CHECK(samples.take(5, 0).shape() == Shape{0, 2});

  constexpr Index huge = std::numeric_limits<Index>::max();
  CHECK(error_of<ArgumentError>([&] { samples.take(4, 2); }) ==
        "Samples: take 2 from sample 4 on, expected a part of the 5 samples");
  CHECK_THROWS_AS(samples.take(-1, 2), ArgumentError);
  CHECK_THROWS_AS(samples.take(0, -1), ArgumentError);
  CHECK_THROWS_AS(samples.take(huge, huge), ArgumentError);
}

TEST_CASE("A data set needs as many targets as inputs", "[data][dataset]") {
  const Dataset data{counting<float>({3, 2}), counting<std::uint8_t>({3})};
  CHECK(data.size() == 3);
  CHECK(data.take(1, 2).inputs.at(0) == 2);
  CHECK(data.take(1, 2).targets.at(0) == 1);
  CHECK(error_of<ShapeError>([] {
          Dataset{counting<float>({3, 2}), counting<std::uint8_t>({2})};
        }) == "Dataset: 3 inputs and 2 targets, expected equal counts (inputs [3, 2], targets [2])");
}

TEST_CASE("Moving a data set copies no data", "[data][dataset]") {
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Dataset>);
  STATIC_REQUIRE(std::is_copy_constructible_v<Dataset>);
  Dataset data{counting<float>({3, 2}), counting<std::uint8_t>({3})};
  const float* inputs = std::get<Tensor<float>>(data.inputs.values()).data();
  const Dataset moved = std::move(data);
  CHECK(std::get<Tensor<float>>(moved.inputs.values()).data() == inputs);
}

TEST_CASE("Samples are made from a vector and from Eigen", "[data][dataset]") {
  const Samples list{{2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6}};
  CHECK(list.shape() == Shape{2, 3});
  CHECK(list.at(4) == 5);
  CHECK(error_of<ShapeError>([] { Samples({2, 3}, std::vector<int>{1}); }) == "Tensor: 1 values for shape [2, 3], expected 6");

  Eigen::MatrixXd matrix(2, 3);  // stored by columns
  matrix << 1, 2, 3, 4, 5, 6;
  const Samples rows{matrix};
  CHECK(rows.shape() == Shape{2, 3});
  CHECK(std::get<Tensor<double>>(rows.values())[3] == 4);
  CHECK(Samples{matrix.transpose()}.at(1) == 4);
  CHECK(Samples{(2 * matrix).topRows(1)}.at(2) == 6);
  CHECK(Samples{(matrix.array() > 2).cast<std::uint8_t>()}.is_integer());
  CHECK(Samples{matrix * matrix.transpose()}.at(0) == 14);
  const Samples labels{Eigen::VectorXi{{7, 8}}};
  CHECK(labels.shape() == Shape{2});
  CHECK(labels.at(1) == 8);
  CHECK(Samples{matrix.row(1)}.shape() == Shape{1, 3});
  CHECK(Samples{Eigen::MatrixXf(0, 3)}.shape() == Shape{0, 3});
  CHECK(Dataset{rows, labels}.size() == 2);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<Samples, Eigen::MatrixXcd>);
}

TEST_CASE("Samples are selected by number in any order", "[data][dataset]") {
  const Dataset data{Samples{counting<std::uint8_t>({4, 2})}.scaled(0.5), counting<std::int32_t>({4})};
  const std::vector<std::uint32_t> rows{3, 0, 3};
  const Dataset chosen = data.select(rows);
  CHECK(chosen.inputs.shape() == Shape{3, 2});
  CHECK(chosen.inputs.at(1) == 3.5);
  CHECK(chosen.inputs.at(2) == 0);
  CHECK(chosen.targets.at(2) == 3);
  CHECK(data.select({}).size() == 0);
  const std::vector<std::uint32_t> outside{4};
  CHECK(error_of<ArgumentError>([&] { data.select(outside); }) == "Samples: sample 4, expected one of 4");
}

TEST_CASE("A data set is shuffled by a seed and keeps its pairs", "[data][dataset]") {
  const Dataset data{counting<float>({100, 2}), counting<std::int32_t>({100})};
  const Dataset one = data.shuffled(1), again = data.shuffled(1), two = data.shuffled(2);
  std::set<double> labels;
  bool same = true, ordered = true;
  for (Index i = 0; i < 100; ++i) {
    CHECK(one.inputs.at(2 * i) == 2 * one.targets.at(i));
    CHECK(one.targets.at(i) == again.targets.at(i));
    same = same && one.targets.at(i) == two.targets.at(i);
    ordered = ordered && one.targets.at(i) == static_cast<double>(i);
    labels.insert(one.targets.at(i));
  }
  CHECK(labels.size() == 100);
  CHECK_FALSE(same);
  CHECK_FALSE(ordered);
}

TEST_CASE("A data set is cut in two parts that share no sample", "[data][dataset]") {
  const Dataset data{counting<float>({10, 2}), counting<std::int32_t>({10})};
  const auto [first, rest] = data.split({.fraction = 0.66});
  CHECK(first.size() == 7);
  CHECK(rest.size() == 3);
  CHECK(rest.targets.at(0) == 7);
  CHECK(data.split({.count = 0}).second.size() == 10);
  CHECK(data.split({.count = 10}).second.size() == 0);
  CHECK(data.split({.fraction = 1.0}).first.size() == 10);

  const auto [train, test] = data.split({.count = 6, .shuffle = 5});
  std::vector<double> all;
  for (Index i = 0; i < 6; ++i) all.push_back(train.targets.at(i));
  for (Index i = 0; i < 4; ++i) all.push_back(test.targets.at(i));
  CHECK_FALSE(std::is_sorted(all.begin(), all.end()));
  CHECK(all[7] == data.shuffled(5).targets.at(7));
  std::sort(all.begin(), all.end());
  CHECK(all == std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});

  const auto refused = [&](const tarn::SplitOptions& options) { return error_of<ArgumentError>([&] { data.split(options); }); };
  CHECK(refused({}) == "split: neither a fraction nor a count, expected one of them");
  CHECK(refused({.fraction = 0.5, .count = 5}) == "split: a fraction and a count, expected one of them");
  CHECK(refused({.fraction = 1.5}) == "split: fraction 1.5, expected 0 to 1");
  CHECK(refused({.fraction = std::numeric_limits<double>::quiet_NaN()}) == "split: fraction nan, expected 0 to 1");
  CHECK(refused({.count = 11}) == "split: count 11, expected 0 to 10");
  CHECK(refused({.count = -1}) == "split: count -1, expected 0 to 10");
}
