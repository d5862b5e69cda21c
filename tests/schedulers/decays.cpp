// SPDX-License-Identifier: MIT
#include <tarn/schedulers/decays.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using support::error_of;

TEST_CASE("Decays by hand", "[schedulers]") {
  const LearningRate step = StepDecay{.initial = 8, .factor = 0.5, .steps = 3};
  CHECK(step(0) == 8);
  CHECK(step(2) == 8);
  CHECK(step(3) == 4);
  CHECK(step(8) == 2);
  const LearningRate pieces = PiecewiseConstant{.boundaries = {2, 5}, .values = {3, 2, 1}};
  CHECK(pieces(2) == 3);
  CHECK(pieces(3) == 2);
  CHECK(pieces(5) == 2);
  CHECK(pieces(6) == 1);
  CHECK(LearningRate{PiecewiseConstant{.values = {0.5}}}(7) == 0.5);
  const LearningRate growing = ExponentialDecay{.initial = 1, .factor = 4, .steps = 2};
  CHECK(growing(1) == 2);
  CHECK(growing(4) == 16);
  const LearningRate inverse = InverseTimeDecay{.initial = 1, .rate = 1, .steps = 2};
  CHECK(inverse(2) == 0.5);
  CHECK(inverse(6) == 0.25);
  const LearningRate line = PolynomialDecay{.initial = 5, .end = 1, .steps = 4};
  CHECK(line(1) == 4);
  CHECK(line(4) == 1);
  CHECK(line(100) == 1);
  const LearningRate wave = CosineDecay{.initial = 2, .steps = 4, .alpha = 0.5};
  CHECK(wave(0) == 2);
  CHECK(std::abs(wave(2) - 1.5) < 1e-15);
  CHECK(wave(4) == 1);
  CHECK(wave(9) == 1);
}

TEST_CASE("Cosine restarts begin anew exactly where a run ends", "[schedulers]") {
  for (const double length_factor : {1.0, 2.0, 3.0, 10.0}) {
    const LearningRate rate = CosineRestarts{.initial = 1, .steps = 7, .length_factor = length_factor, .rate_factor = 0.5};
    double length = 7, start = 0;
    for (int run = 0; run < 9; ++run) {
      INFO("factor " << length_factor << ", run " << run);
      CHECK(rate(static_cast<Index>(start)) == std::ldexp(1, -run));
      CHECK(rate(static_cast<Index>(start + length) - 1) < std::ldexp(0.06, -run));
      start += length;
      length *= length_factor;
    }
  }
}

TEST_CASE("A decay may set the batch size, rounded to the nearest", "[schedulers]") {
  const BatchSize growing = ExponentialDecay{.initial = 32, .factor = 2, .steps = 2};
  CHECK(growing(0) == 32);
  CHECK(growing(1) == 45);  // 45.25
  CHECK(growing(3) == 91);  // 90.51
  CHECK(growing(4) == 64 * 2);
  CHECK_FALSE(growing.is_constant());
  CHECK(error_of<ArgumentError>([&] { growing(1000); }) == "batch size: 1.0474849945267654e+152, expected a number below 2^62");
}

TEST_CASE("Decays check their options when they are set", "[schedulers]") {
  const auto made = [](auto schedule) { return [=] { LearningRate{schedule}; }; };
  CHECK(error_of<ArgumentError>(made(StepDecay{.steps = 0})) == "StepDecay: steps is 0, expected at least 1");
  CHECK(error_of<ArgumentError>(made(StepDecay{.factor = 0})) == "StepDecay: factor is 0, expected above 0 and finite");
  CHECK(error_of<ArgumentError>(made(ExponentialDecay{.initial = -1})) ==
        "ExponentialDecay: initial is -1, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made(ExponentialDecay{.factor = NAN})) ==
        "ExponentialDecay: factor is nan, expected above 0 and finite");
  CHECK(error_of<ArgumentError>(made(InverseTimeDecay{.rate = -1})) ==
        "InverseTimeDecay: rate is -1, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made(PolynomialDecay{.power = 0})) == "PolynomialDecay: power is 0, expected above 0 and finite");
  CHECK(error_of<ArgumentError>(made(PolynomialDecay{.end = INFINITY})) ==
        "PolynomialDecay: end is inf, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made(CosineDecay{.steps = -5})) == "CosineDecay: steps is -5, expected at least 1");
  CHECK(error_of<ArgumentError>(made(CosineDecay{.alpha = -1})) == "CosineDecay: alpha is -1, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>(made(CosineRestarts{.length_factor = 0.5})) ==
        "CosineRestarts: length_factor is 0.5, expected at least 1 and finite");
  CHECK(error_of<ArgumentError>(made(PiecewiseConstant{.boundaries = {1}, .values = {1}})) ==
        "PiecewiseConstant: 1 boundaries and 1 values, expected 2 values");
  CHECK(error_of<ArgumentError>(made(PiecewiseConstant{})) == "PiecewiseConstant: 0 boundaries and 0 values, expected 1 values");
  CHECK(error_of<ArgumentError>(made(PiecewiseConstant{.boundaries = {3, 3}, .values = {1, 2, 3}})) ==
        "PiecewiseConstant: boundary 3 after 3, expected increasing ones from 0 on");
  CHECK(error_of<ArgumentError>(made(PiecewiseConstant{.boundaries = {3}, .values = {1, -2}})) ==
        "PiecewiseConstant: a value is -2, expected at least 0 and finite");
  CHECK(error_of<ArgumentError>([] { StepDecay{.steps = 0}(Progress{}); }) == "StepDecay: steps is 0, expected at least 1");
}
