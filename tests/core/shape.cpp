// SPDX-License-Identifier: MIT
#include <tarn/core/shape.hpp>

#include <sstream>

#include "../catch.hpp"
#include "../support/compare.hpp"

using support::error_of;
using tarn::Index;
using tarn::Shape;
using tarn::ShapeError;

TEST_CASE("A shape knows its extents, its rank and its size", "[core][shape]") {
  const Shape shape{2, 3, 4};
  CHECK(shape.rank() == 3);
  CHECK(shape[0] == 2);
  CHECK(shape[2] == 4);
  CHECK(shape.back() == 4);
  CHECK(shape.size() == 24);
  CHECK(shape.to_string() == "[2, 3, 4]");
  std::ostringstream out;
  out << Shape{7};
  CHECK(out.str() == "[7]");
}

TEST_CASE("A shape without extents is a scalar of size 1", "[core][shape]") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.to_string() == "[]");
  CHECK(Shape{0}.size() == 0);
  CHECK(Shape{5, 0, 3}.size() == 0);
}

TEST_CASE("Shapes are equal where rank and extents are", "[core][shape]") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{6} != Shape{6, 1});
  CHECK(Shape{} != Shape{1});
  CHECK(Shape{2, 3, 4}.without_first() == Shape{3, 4});
  CHECK(Shape{4}.without_first() == Shape{});
  CHECK(Shape{28, 28, 1}.prepend(128) == Shape{128, 28, 28, 1});
}

TEST_CASE("A shape refuses what cannot be", "[core][shape]") {
  CHECK(error_of<ShapeError>([] { Shape{1, 2, 3, 4, 5, 6, 7}; }) == "Shape: more than 6 extents");
  CHECK(error_of<ShapeError>([] { Shape{3, -1}; }) == "Shape: extent -1 of axis 1 is negative");
  const Index large = Index{1} << 62;
  CHECK(error_of<ShapeError>([&] { Shape{large, 2}; }) == "Shape: [4611686018427387904] with 2 more has too many elements");
  CHECK(error_of<ShapeError>([] { Shape{1, 2, 3, 4, 5, 6}.prepend(1); }) == "Shape: more than 6 extents");
}
