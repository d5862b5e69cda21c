// SPDX-License-Identifier: MIT
#include "../support/compare.hpp"
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

namespace {

struct Statistics {
  std::vector<double> mean, variance;
};
Statistics statistics(const std::vector<double>& x, std::size_t channels) {
  Statistics s{std::vector<double>(channels), std::vector<double>(channels)};
  const double rows = static_cast<double>(x.size() / channels);
  for (std::size_t i = 0; i < x.size(); ++i) s.mean[i % channels] += x[i] / rows;
  for (std::size_t i = 0; i < x.size(); ++i) s.variance[i % channels] += std::pow(x[i] - s.mean[i % channels], 2) / rows;
  return s;
}

template <class T>
void measure(Buffer<T>& x, unsigned rows, unsigned channels, Buffer<T>& mean, Buffer<T>& variance) {
  constexpr unsigned size = 128, count = 3;
  Buffer<kernels::Moments<T>> parts{count * channels};
  emulator::launch({count, (channels + size - 1) / size}, size, Mode::fibres,
                   [&] { kernels::moments_parts<T>(x.data(), rows, channels, parts.data()); });
  emulator::launch({2}, 64, Mode::loop,
                   [&] { kernels::moments<T>(x.data(), parts.data(), count, mean.data(), variance.data(), channels); });
}

}  // namespace

TEMPLATE_TEST_CASE("Mean and variance on the GPU agree with the definition, for few channels and for many", "[gpu][kernels]",
                   float, double) {
  for (const unsigned channels : {1U, 6U, 33U, 200U})
    for (const unsigned rows : {1U, 2U, 67U, 900U}) {
      const auto values = random_values(rows * channels);
      const auto expected = statistics(values, channels);
      Buffer<TestType> x{values}, mean{channels}, variance{channels};
      measure(x, rows, channels, mean, variance);
      CHECK(support::relative_error(mean, expected.mean) < support::reference_tolerance<TestType>);
      CHECK(support::relative_error(variance, expected.variance) < support::reference_tolerance<TestType>);
    }
}

TEST_CASE("Neither a mean of a million deviations nor an outlier costs the variance its digits on the GPU", "[gpu][kernels]") {
  auto values = random_values(600);
  for (double& value : values) value = static_cast<float>(1e4 + 0.01 * value);
  Buffer<float> x{values}, mean{2}, variance{2};
  measure(x, 300, 2, mean, variance);
  CHECK(support::relative_error(variance, statistics(values, 2).variance) < 1e-3);
  values = random_values(600);
  values[0] = 1e4;
  Buffer<float> outlier{values};
  measure(outlier, 300, 2, mean, variance);
  CHECK(support::relative_error(variance, statistics(values, 2).variance) < 1e-5);
}

TEST_CASE("Mean and variance of what holds NaN or infinity are not finite on the GPU", "[gpu][kernels]") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto values = random_values(50);
    values[8] = bad;
    Buffer<float> x{values}, mean{2}, variance{2};
    measure(x, 25, 2, mean, variance);
    CHECK(!std::isfinite(mean[0]));
    CHECK(!std::isfinite(variance[0]));
    CHECK(std::isfinite(variance[1]));
  }
}

TEMPLATE_TEST_CASE("Batch normalisation and its gradients on the GPU agree with the definition", "[gpu][kernels]", float,
                   double) {
  const double epsilon = 1e-3;
  for (const unsigned channels : {1U, 6U, 150U})
    for (const unsigned rows : {2U, 53U}) {
      const std::size_t size = rows * channels;
      const auto x = random_values(size), dy = random_values(size, 1, 1), gamma = random_values(channels, 2, 2),
                 beta = random_values(channels, 1, 3);
      const auto s = statistics(x, channels);
      std::vector<double> y(size), xhat(size), dgamma(channels), dbeta(channels), dx(size), constant(size);
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t c = i % channels;
        xhat[i] = (x[i] - s.mean[c]) / std::sqrt(s.variance[c] + epsilon);
        y[i] = xhat[i] * gamma[c] + beta[c];
        dbeta[c] += dy[i];
        dgamma[c] += dy[i] * xhat[i];
        constant[i] = dy[i] * gamma[c] / std::sqrt(s.variance[c] + epsilon);
      }
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t c = i % channels;
        dx[i] = gamma[c] / std::sqrt(s.variance[c] + epsilon) * (dy[i] - dbeta[c] / rows - xhat[i] * dgamma[c] / rows);
      }

      using T = TestType;
      Buffer<T> in{x}, gradient{dy}, mean{s.mean}, variance{s.variance}, factor{gamma}, term{beta}, out{size};
      Buffer<T> factor_gradient{channels}, term_gradient{channels}, back{size};
      Buffer<kernels::GradientSums<T>> parts{2 * channels}, totals{channels};
      const auto count = static_cast<unsigned>(size);
      const T e = static_cast<T>(epsilon);
      emulator::launch({2}, 64, Mode::loop, [&] {
        kernels::normalize<T>(in.data(), mean.data(), variance.data(), e, factor.data(), term.data(), out.data(), count,
                              channels);
      });
      CHECK(support::relative_error(out, y) < support::reference_tolerance<T>);
      emulator::launch({2, (channels + 63) / 64}, 64, Mode::fibres, [&] {
        kernels::normalize_gradient_parts<T>(in.data(), gradient.data(), mean.data(), rows, channels, parts.data());
      });
      emulator::launch({1}, 64, Mode::loop, [&] {
        kernels::normalize_parameter_gradients<T>(parts.data(), 2, variance.data(), e, factor_gradient.data(),
                                                  term_gradient.data(), totals.data(), channels);
      });
      CHECK(support::relative_error(factor_gradient, dgamma) < 2 * support::reference_tolerance<T>);
      CHECK(support::relative_error(term_gradient, dbeta) < 2 * support::reference_tolerance<T>);
      emulator::launch({3}, 32, Mode::loop, [&] {
        kernels::normalize_gradient<T>(in.data(), gradient.data(), mean.data(), variance.data(), e, factor.data(), totals.data(),
                                       back.data(), count, channels);
      });
      CHECK(support::relative_error(back, dx) < 4 * support::reference_tolerance<T>);
      emulator::launch({1}, 32, Mode::loop, [&] {
        kernels::normalize<T>(gradient.data(), nullptr, variance.data(), e, factor.data(), nullptr, back.data(), count, channels);
      });
      CHECK(support::relative_error(back, constant) < support::reference_tolerance<T>);
    }
}
