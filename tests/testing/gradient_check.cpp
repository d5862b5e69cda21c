// SPDX-License-Identifier: MIT
#include <tarn/testing/gradient_check.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;

namespace {

enum class Mistake { none, kernel_scaled, no_bias_gradient, input_sign, not_a_number };

/// y = x k + b with one k and b a channel, right or wrong in one respect.
struct Affine {
  static constexpr const char* name = "affine";
  Mistake mistake = Mistake::none;
  template <class T, class D>
  class Layer;
};
template <class T, class D>
class Affine::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Affine& spec, const Shape& input, Setup<T, D>& setup)
      : mistake_{spec.mistake},
        output_{input},
        kernel_{setup.parameter("kernel", {input.back()}, Ones{})},
        bias_{setup.parameter("bias", {input.back()}, Zeros{})} {
    setup.scratch(ops::reduce_scratch(input.back()));
  }
  Shape output_shape() const override { return output_; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const override {
    ops::map(
        y, [](T a, T k, T b) { return a * k + b; }, x, step.value(kernel_), step.value(bias_));
  }
  void backward(const Batch<T, D>& x, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const override {
    const T factor = mistake_ == Mistake::kernel_scaled ? T(1.001) : mistake_ == Mistake::not_a_number ? T(NAN) : T(1);
    ops::reduce(
        step.gradient(kernel_), [=](T d, T a) { return factor * d * a; }, step.scratch(), dy, x);
    if (mistake_ != Mistake::no_bias_gradient)
      ops::reduce(
          step.gradient(bias_), [](T d) { return d; }, step.scratch(), dy);
    const T sign = mistake_ == Mistake::input_sign ? T(-1) : T(1);
    if (dx)
      ops::map(
          *dx, [=](T d, T k) { return sign * d * k; }, dy, step.value(kernel_));
  }

 private:
  Mistake mistake_;
  Shape output_;
  Parameter kernel_, bias_;
};

/// y = |x|.
struct Absolute {
  static constexpr const char* name = "absolute";
  template <class T, class D>
  class Layer;
};
template <class T, class D>
class Absolute::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Absolute&, const Shape& input, Setup<T, D>&) : output_{input} {}
  Shape output_shape() const override { return output_; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override {
    ops::map(
        y, [](T a) { return a > 0 ? a : -a; }, x);
  }
  void backward(const Batch<T, D>& x, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>&) const override {
    if (dx)
      ops::map(
          *dx, [](T d, T a) { return a > 0 ? d : -d; }, dy, x);
  }

 private:
  Shape output_;
};

testing::GradientReport check(Mistake mistake) { return testing::gradient_check(Input{3, 2}, {Affine{mistake}}); }

}  // namespace

TEST_CASE("Right gradients pass", "[testing][gradient_check]") {
  const auto report = check(Mistake::none);
  INFO(report);
  CHECK(report.passed());
  CHECK(report.worst_error < 1e-8);
  CHECK(report.checked == 5 * 6 + 2 + 2);
  CHECK(report.kinks == 0);
}

TEST_CASE("A kernel gradient that is wrong by a thousandth fails", "[testing][gradient_check]") {
  const auto report = check(Mistake::kernel_scaled);
  INFO(report);
  CHECK_FALSE(report.passed());
  CHECK(report.worst.rfind("affine/kernel[", 0) == 0);
  CHECK(std::abs(report.worst_error - 1e-3) < 1e-5);
  CHECK(std::abs(report.analytic / report.numeric - 1.001) < 1e-6);
}

TEST_CASE("A bias without its gradient fails", "[testing][gradient_check]") {
  const auto report = check(Mistake::no_bias_gradient);
  INFO(report);
  CHECK_FALSE(report.passed());
  CHECK(report.worst.rfind("affine/bias[", 0) == 0);
  CHECK(report.analytic == 0);
}

TEST_CASE("An input gradient of the wrong sign fails", "[testing][gradient_check]") {
  const auto report = check(Mistake::input_sign);
  INFO(report);
  CHECK_FALSE(report.passed());
  CHECK(report.worst.rfind("input[", 0) == 0);
  CHECK(report.worst_error > 1);
}

TEST_CASE("A gradient that is no number fails and stays the worst", "[testing][gradient_check]") {
  const auto report = check(Mistake::not_a_number);
  INFO(report);
  CHECK_FALSE(report.passed());
  CHECK(report.worst.rfind("affine/kernel[", 0) == 0);
  CHECK(std::isinf(report.worst_error));
  CHECK(std::isnan(report.analytic));
}

TEST_CASE("A difference across a kink is excluded, smooth ones are not", "[testing][gradient_check]") {
  using testing::detail::central_difference;
  const double h = 6e-6;
  const auto at = [](double x) { return [x](double by) { return std::abs(x + by); }; };
  CHECK(central_difference(at(0), 0.0, h).kink);
  CHECK(central_difference(at(h / 2), h / 2, h).kink);
  CHECK_FALSE(central_difference(at(3 * h), 3 * h, h).kink);
  CHECK_FALSE(central_difference(at(-1), 1.0, h).kink);
  CHECK(central_difference(at(-1), 1.0, h).value == Approx(-1));
  const auto smooth = [](double by) { return std::exp(3 * (1 + by)); };
  CHECK_FALSE(central_difference(smooth, smooth(0), h).kink);
  CHECK(central_difference(smooth, smooth(0), h).value == Approx(3 * std::exp(3)).epsilon(1e-8));
  const auto parabola = [](double by) { return 1e3 * by * by; };  // slope zero, curved
  CHECK_FALSE(central_difference(parabola, 0.0, h).kink);
}

TEST_CASE("Kinks in a layer are counted, and too many do not pass", "[testing][gradient_check]") {
  // All inputs within 1e-6 of the kink: every one of them is excluded; none is far from it.
  const auto all = testing::gradient_check(Input{4}, {Absolute{}}, {.batch = 3, .input_scale = 1e-6});
  INFO(all);
  CHECK(all.kinks == 12);
  CHECK(all.checked == 0);
  CHECK_FALSE(all.passed());

  const auto none = testing::gradient_check(Input{4}, {Absolute{}}, {.batch = 3, .input_offset = 3});
  CHECK(none.kinks == 0);
  CHECK(none.passed());

  // Behind an affine map the inputs' kinks stay, the parameters are kinks as soon as one of their samples is.
  const auto some =
      testing::gradient_check(Input{50}, {Absolute{}}, {.batch = 20, .input_scale = 1e-4, .largest_kink_share = 0.2});
  INFO(some);
  CHECK(some.kinks > 10);  // about h / 1e-4 = 6 % of 1000
  CHECK(some.kinks < 120);
  CHECK(some.passed());
  auto strict = some;
  strict.largest_kink_share = 0.001;
  CHECK_FALSE(strict.passed());
}

TEST_CASE("The report says what was checked, what was worst and where", "[testing][gradient_check]") {
  testing::GradientReport report;
  report.worst_error = 0.5;
  report.worst = "dense/kernel[3]";
  report.analytic = 1.5;
  report.numeric = 1;
  report.checked = 10;
  report.kinks = 2;
  report.tolerance = 1e-6;
  report.largest_kink_share = 0.2;
  CHECK(report.to_string() ==
        "FAILED: 10 entries checked, 2 kinks excluded; worst error 0.5 (tolerance 1e-06) at dense/kernel[3]: analytic 1.5, "
        "numeric 1");
  report.worst_error = 1e-9;
  std::ostringstream out;
  out << report;
  CHECK(out.str() ==
        "passed: 10 entries checked, 2 kinks excluded; worst error 1e-09 (tolerance 1e-06) at dense/kernel[3]: analytic 1.5, "
        "numeric 1");
  report.checked = 7;
  CHECK_FALSE(report.passed());  // 2 of 9 are kinks
}

TEST_CASE("A check leaves the caller's model as it was", "[testing][gradient_check]") {
  const auto model = support::model<double>(Input{3}, {Dense{.units = 2}, BatchNorm{}});
  const auto before = support::doubles(model.parameters().trainable()), state = support::doubles(model.parameters().state());
  const auto objective = [](const Batch<double>& y, Batch<double>* gradient) {
    Tensor<double> values{y.shape()};
    ops::to_tensor(y, values.view());
    double sum = 0;
    for (double& value : values) sum += value * value, value *= 2;
    if (gradient) ops::from_tensor(std::as_const(values).view(), *gradient);
    return sum;
  };
  const auto report = testing::gradient_check(model, objective);
  CHECK(report.passed());
  CHECK(support::doubles(model.parameters().trainable()) == before);
  CHECK(support::doubles(model.parameters().state()) == state);
}
