// SPDX-License-Identifier: MIT
#include <tarn/ops/elementwise.hpp>

#include <limits>

#include <tarn/ops/copy.hpp>
#include <tarn/ops/optimizers.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using support::error_of;

namespace {

/// A batch that owns its memory, filled from a plain tensor; its unused lanes repeat the last sample.
template <class T>
struct Owned {
  Tensor<T> memory;
  Batch<T> batch;

  Owned(Index count, const Shape& sample)
      : memory{Shape{Batch<T>{nullptr, count, sample}.size()}}, batch{memory.data(), count, sample} {}
  explicit Owned(const Tensor<T>& values) : Owned{values.shape()[0], values.shape().without_first()} {
    ops::from_tensor(values.view(), batch);
  }
  Tensor<T> tensor() const {
    Tensor<T> result{batch.shape()};
    ops::to_tensor(batch, result.view());
    return result;
  }
};

template <class T>
Tensor<T> counting(const Shape& shape) {
  Tensor<T> result{shape};
  for (Index i = 0; i < result.size(); ++i) result[i] = static_cast<T>(i + 1);
  return result;
}

}  // namespace

TEMPLATE_TEST_CASE("A batch gives back the tensor that it was filled from", "[ops][copy]", float, double) {
  for (const Index count : {1, 3, 5, 17, 33})
    for (const Shape& sample : {Shape{}, Shape{7}, Shape{5, 3, 9}}) {
      const auto x = counting<TestType>(sample.prepend(count));
      Owned<TestType> a{x}, b{count, sample};
      CHECK(support::same_bits(a.tensor(), x));
      ops::copy(a.batch, b.batch);
      CHECK(support::same_bits(b.tensor(), x));
    }
}

TEST_CASE("Unused lanes repeat the last sample, in gradients they are zero", "[ops][copy]") {
  Owned<float> x{counting<float>({17, 3})};
  const auto& batch = x.batch;
  const Index last = batch.groups() - 1;
  const int used = batch.used_lanes(last), lanes = batch.lanes();
  for (Index element = 0; element < 3; ++element)
    for (int lane = used; lane < lanes; ++lane)
      CHECK(batch.group(last)[element * lanes + lane] == static_cast<float>(16 * 3 + element + 1));
  ops::clear_unused_lanes(x.batch);
  CHECK(support::same_bits(x.tensor(), counting<float>({17, 3})));
  for (Index element = 0; element < 3; ++element)
    for (int lane = used; lane < lanes; ++lane) CHECK(batch.group(last)[element * lanes + lane] == 0);
}

TEST_CASE("Gathering picks rows of any stored type, scaled", "[ops][copy]") {
  Tensor<std::uint8_t> bytes{{4, 2}, {0, 51, 102, 153, 204, 255, 1, 2}};
  Tensor<std::int32_t> words{{4, 2}, {0, 51, 102, 153, 204, 255, 1, 2}};
  const std::vector<std::uint32_t> rows{2, 0, 2};
  for (const Samples& samples : {Samples{bytes}, Samples{words}}) {
    Owned<double> y{3, {2}};
    ops::gather(samples.scaled(2, -1), rows, y.batch);
    CHECK(support::doubles(y.tensor()) == std::vector<double>{407, 509, -1, 101, 407, 509});
  }
}

TEMPLATE_TEST_CASE("Bytes gathered in lanes are scaled in double and rounded once", "[ops][copy]", float, double) {
  using T = TestType;
  const auto [scale, offset] = GENERATE(table<double, double>({{1, 0}, {1 / 255.0, 0}, {1 / 127.5, -1}, {-3.7, 1e-3}}));
  for (const Index elements : {1, 3, 7, 8, 16, 31, 32, 63, 64, 65, 130, 784})
    for (const Index count : {1, 5, 16, 17, 33}) {
      Tensor<std::uint8_t> bytes{Shape{40, elements}};
      for (Index i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
      std::vector<std::uint32_t> rows;
      for (Index i = 0; i < count; ++i) rows.push_back(static_cast<std::uint32_t>(39 - i));
      Owned<T> y{count, {elements}};
      ops::gather(Samples{bytes}.scaled(scale, offset), rows, y.batch);
      const auto& batch = y.batch;
      Index wrong = 0;
      for (Index group = 0; group < batch.groups(); ++group)
        for (Index element = 0; element < elements; ++element)
          for (int lane = 0; lane < batch.lanes(); ++lane) {
            const Index row = 39 - std::min(group * batch.lanes() + lane, count - 1);  // unused lanes repeat the last sample
            const volatile double product = scale * static_cast<double>(bytes[row * elements + element]);
            wrong += batch.group(group)[element * batch.lanes() + lane] != static_cast<T>(product + offset);
          }
      INFO(elements << " elements, " << count << " samples, times " << scale << " plus " << offset);
      CHECK(wrong == 0);
    }
}

TEST_CASE("Bytes go through float only where all 256 have the bits of double", "[ops][copy]") {
  const auto in_float = [](double scale, double offset, Index count) {
    return ops::detail::byte_scale<float>(scale, offset, count).in_float;
  };
  CHECK(in_float(1 / 255.0, 0, 100000));
  CHECK(in_float(1, 0, 100000));
  CHECK_FALSE(in_float(1 / 255.0, 0, 100));  // too few to be worth looking
  CHECK_FALSE(in_float(1 / 127.5, -1, 100000));
  for (const double scale : {std::numeric_limits<double>::quiet_NaN(), 1e-40, 1e40, 0.0}) CHECK_FALSE(in_float(scale, 0, 100000));
  CHECK_FALSE(ops::detail::byte_scale<double>(1, 0, 100000).in_float);
}

TEST_CASE("Copies between tensors and batches check shapes", "[ops][copy]") {
  Owned<float> x{5, {2, 2}};
  const Tensor<float> wrong{Shape{5, 4}};
  Tensor<float> out{Shape{4, 2, 2}};
  CHECK(error_of<ShapeError>([&] { ops::from_tensor(wrong.view(), x.batch); }) ==
        "from_tensor: tensor is [5, 4], expected [5, 2, 2]");
  CHECK(error_of<ShapeError>([&] { ops::to_tensor(x.batch, out.view()); }) ==
        "to_tensor: tensor is [4, 2, 2], expected [5, 2, 2]");
  if (cpu::lanes<float>() == 1) return;  // few samples and others have one layout
  const Batch<float> few{out.data(), 4, {2, 2}, 1};
  Batch<float> many = x.batch;
  const Batch<float> four{many.data(), 4, {2, 2}};
  CHECK(error_of<ShapeError>([&] { ops::copy(few, many = four); }) ==
        "copy: y has " + std::to_string(cpu::lanes<float>()) +
            " lanes, expected 1; give a batch beside another that one's lanes()");
}

TEMPLATE_TEST_CASE("A map applies a user's function to elements and channels", "[ops][map]", float, double) {
  using T = TestType;
  for (const Index count : {1, 5, 33}) {
    const auto a = counting<T>({count, 2, 3});
    Owned<T> x{a}, y{count, {2, 3}};
    const Tensor<T> channel{{3}, {10, 20, 30}};
    ops::map(
        y.batch, [](T value, T offset, T again) { return value * again + offset; }, x.batch, channel.view(), x.batch);
    const auto result = y.tensor();
    for (Index i = 0; i < result.size(); ++i) REQUIRE(result[i] == a[i] * a[i] + channel[i % 3]);
    ops::map(
        x.batch, [](T value) { return -value; }, x.batch);  // in place
    CHECK(x.tensor()[1] == -2);
  }
}

TEMPLATE_TEST_CASE("A reduce sums a user's function over the batch for each channel", "[ops][reduce]", float, double) {
  using T = TestType;
  for (const Index count : {1, 3, 16, 33, 300}) {
    Tensor<T> a{Shape{count, 2, 3}};
    double expected[3] = {};
    const Tensor<T> weights{{3}, {1, 2, 4}};
    for (Index i = 0; i < a.size(); ++i) {
      a[i] = static_cast<T>(i * 7 % 11);
      expected[i % 3] += static_cast<double>(a[i] * a[i] * weights[i % 3]);
    }
    Owned<T> x{a};
    Tensor<T> sums{Shape{3}}, scratch{Shape{ops::reduce_scratch(3)}};
    ops::reduce(
        sums.view(), [](T u, T v, T w) { return u * v * w; }, scratch.view(), x.batch, x.batch, weights.view());
    for (Index c = 0; c < 3; ++c) CHECK(static_cast<double>(sums[c]) == expected[c]);  // whole numbers below 2^24
  }
}

TEST_CASE("Map and reduce check shapes", "[ops][map][reduce]") {
  Owned<float> x{4, {2, 3}}, y{4, {3, 2}};
  Tensor<float> two{Shape{2}}, scratch{Shape{ops::reduce_scratch(3)}};
  const auto id = [](float a, float) { return a; };
  CHECK(error_of<ShapeError>([&] { ops::map(x.batch, id, x.batch, y.batch); }) == "map: input [4, 3, 2], expected [4, 2, 3]");
  CHECK(error_of<ShapeError>([&] { ops::map(x.batch, id, x.batch, two.view()); }) ==
        "map: 2 values, expected one for each of the 3 channels of [4, 2, 3]");
  CHECK(error_of<ShapeError>([&] {
          ops::reduce(
              two.view(), [](float a) { return a; }, scratch.view(), x.batch);
        }) == "reduce: 2 values, expected one for each of the 3 channels of [4, 2, 3]");
}

TEMPLATE_TEST_CASE("Whether all is finite is found at every position", "[ops][optimizers]", float, double) {
  for (const Index size : {0, 1, 7, 16, 35, 40001}) {  // the last one is looked at by several threads
    Tensor<TestType> values{Shape{size}};
    for (Index i = 0; i < size; ++i) values[i] = std::numeric_limits<TestType>::max();
    CHECK(ops::all_finite(std::as_const(values).view()));
    for (const TestType bad : {std::numeric_limits<TestType>::infinity(), -std::numeric_limits<TestType>::infinity(),
                               std::numeric_limits<TestType>::quiet_NaN()})
      for (Index i = 0; i < size; i += 1 + size / 40) {
        Tensor<TestType> copy = values;
        copy[i] = bad;
        REQUIRE_FALSE(ops::all_finite(std::as_const(copy).view()));
      }
  }
}
