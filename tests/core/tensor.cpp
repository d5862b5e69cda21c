// SPDX-License-Identifier: MIT
#include <tarn/core/tensor.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "../catch.hpp"
#include "../support/compare.hpp"

using support::error_of;
using tarn::Index;
using tarn::Shape;
using tarn::Storage;
using tarn::Tensor;
using tarn::TensorView;

TEST_CASE("Storage is aligned, zeroed and copied deeply", "[core][storage]") {
  for (const Index size : {1, 3, 64, 1001, 1'048'559, 1'048'560, 3'000'000}) {
    Storage<float> a{size};
    CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % tarn::alignment == 0);
    CHECK(std::all_of(a.data(), a.data() + size, [](float value) { return value == 0; }));
    a.data()[size - 1] = 5;
    Storage<float> b = a;
    CHECK(b.data() != a.data());
    CHECK(b.data()[size - 1] == 5);
    b.data()[size - 1] = 6;
    CHECK(a.data()[size - 1] == 5);

    const float* before = a.data();
    const Storage<float> c = std::move(a);
    CHECK(c.data() == before);
    CHECK(c.size() == size);
    CHECK(a.size() == 0);  // NOLINT: the state after a move is part of the contract
    CHECK(a.data() == nullptr);
  }
}

TEST_CASE("Storage survives assignment to itself and from an empty one", "[core][storage]") {
  Storage<double> a{4};
  a.data()[2] = 7;
  const Storage<double>& same = a;
  a = same;
  CHECK(a.size() == 4);
  CHECK(a.data()[2] == 7);
  a = Storage<double>{};
  CHECK(a.size() == 0);
  CHECK(a.data() == nullptr);
  CHECK_THROWS_AS(Storage<double>{Index{1} << 62}, std::bad_alloc);
#if !TARN_SANITIZED  // which end the program
  CHECK_THROWS_AS(Storage<char>{Index{1} << 62}, std::bad_alloc);
#endif
}

TEST_CASE("A tensor holds zeros, or the values that it is given", "[core][tensor]") {
  const Tensor<double> zeros{Shape{2, 3}};
  CHECK(zeros.size() == 6);
  for (double value : zeros) CHECK(value == 0);

  const Tensor<float> t{{2, 2}, {1, 2, 3, 4}};
  CHECK(t.shape() == Shape{2, 2});
  CHECK(t[2] == 3);
  CHECK(std::vector<float>(t.begin(), t.end()) == std::vector<float>{1, 2, 3, 4});
  CHECK(Tensor<float>{}.size() == 0);
  CHECK(Tensor<float>{Shape{}}.size() == 1);

  CHECK(error_of<tarn::ShapeError>([] { Tensor<float>{{2, 2}, {1, 2, 3}}; }) == "Tensor: 3 values for shape [2, 2], expected 4");
}

TEST_CASE("Copies of a tensor are independent, views are not", "[core][tensor]") {
  Tensor<int> a{{3}, {1, 2, 3}};
  Tensor<int> b = a;
  b[0] = 10;
  CHECK(a[0] == 1);
  const TensorView<int> view = a;
  view[1] = 20;
  CHECK(a[1] == 20);
  const TensorView<const int> constant = view;
  CHECK(constant.data() == a.data());
  CHECK(constant.shape() == a.shape());
  CHECK(TensorView<int>{}.size() == 0);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<TensorView<const int>, TensorView<int>>);
}

TEST_CASE("A tensor is an Eigen matrix or array at no cost", "[core][tensor]") {
  Tensor<double> t{{2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
  auto m = tarn::matrix(t);
  CHECK(m.rows() == 4);
  CHECK(m.cols() == 3);
  CHECK(m.data() == t.data());
  CHECK(m(2, 1) == 8);
  m(3, 2) = -1;
  CHECK(t[11] == -1);
  CHECK(tarn::array(t).size() == 12);
  CHECK(tarn::array(std::as_const(t)).head(3).sum() == 6);
  const Tensor<double> vector{{3}, {1, 2, 3}};
  CHECK(tarn::matrix(vector).rows() == 1);
  CHECK(tarn::matrix(vector).cols() == 3);
  CHECK(tarn::matrix(Tensor<double>{Shape{}}.view()).size() == 1);
  CHECK(tarn::matrix(Tensor<double>{Shape{4, 0}}.view()).size() == 0);
}
