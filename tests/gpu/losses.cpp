// SPDX-License-Identifier: MIT
#include <tarn/cpu/plain/losses.hpp>
#include <tarn/cpu/plain/softmax.hpp>

#include "../support/compare.hpp"
#include "emulator/buffer.hpp"
#include "emulator/kernels.hpp"

using namespace tarn;
using emulator::Buffer;
using emulator::Mode;
using emulator::random_values;
namespace kernels = gpu::kernels;

namespace {

constexpr std::size_t samples = 7;

/// Weights of the samples, one of them 0; or none.
std::vector<double> weights_of(bool weighted) {
  return weighted ? std::vector<double>{1, 0.5, 0, 2, 1, 3, 1} : std::vector<double>(samples, 1.0);
}
double total(Buffer<double>& losses) {
  Buffer<double> sum{1};
  emulator::launch({1}, 64, Mode::fibres, [&] { kernels::sum_of_losses<double>(losses.data(), sum.data(), samples); });
  return sum[0];
}

}  // namespace

TEMPLATE_TEST_CASE("Softmax and its gradient on the GPU agree with the definition, for few classes and for many",
                   "[gpu][kernels]", float, double) {
  for (const std::size_t classes : {1U, 2U, 10U, 32U, 33U, 257U}) {
    const auto x = random_values(samples * classes, 30), gradient = random_values(samples * classes, 1, 1);
    std::vector<double> y(x.size()), dx(x.size());
    cpu::plain::softmax(x.data(), y.data(), samples, static_cast<Index>(classes));
    cpu::plain::softmax_gradient(y.data(), gradient.data(), dx.data(), samples, static_cast<Index>(classes));
    Buffer<TestType> in{x}, out{x.size()}, dy{gradient}, back{x.size()};
    const auto count = static_cast<unsigned>(classes);
    emulator::launch({2}, 64, Mode::fibres, [&] { kernels::softmax<TestType>(in.data(), out.data(), samples, count); });
    CHECK(support::relative_error(out, y) < support::reference_tolerance<TestType>);
    emulator::launch({1}, 96, Mode::fibres,
                     [&] { kernels::softmax_gradient<TestType>(out.data(), dy.data(), back.data(), samples, count); });
    CHECK(support::relative_error(back, dx) < support::reference_tolerance<TestType>);
    emulator::launch({1}, 32, Mode::fibres, [&] { kernels::softmax<TestType>(in.data(), in.data(), samples, count); });
    CHECK(std::equal(in.begin(), in.end(), out.begin()));
  }
}

TEMPLATE_TEST_CASE("Losses of one output each on the GPU agree with the definition, value and gradient", "[gpu][kernels]", float,
                   double) {
  for (int kind = 0; kind <= static_cast<int>(ElementwiseLoss::binary_cross_entropy_from_logits); ++kind)
    for (const std::size_t elements : {1U, 5U, 70U})
      for (const bool weighted : {false, true}) {
        const auto loss = static_cast<ElementwiseLoss>(kind);
        const bool probabilities = loss == ElementwiseLoss::binary_cross_entropy;
        const double parameter = loss == ElementwiseLoss::huber ? 0.7 : kind > static_cast<int>(ElementwiseLoss::huber) ? 0.1 : 0;
        auto y = random_values(samples * elements, probabilities ? 0.45 : 2), t = random_values(y.size(), 1, 1);
        for (double& value : y) value = static_cast<float>(value + (probabilities ? 0.5 : 0));
        for (double& value : t) value = value > 0;
        const auto weights = weights_of(weighted);
        std::vector<double> dy(y.size());
        double sum = 0;
        for (std::size_t s = 0; s < samples; ++s) {
          const double scale = weights[s] / static_cast<double>(samples * elements);
          double value = 0;
          cpu::plain::elementwise_loss(loss, parameter, y.data() + s * elements, t.data() + s * elements,
                                       dy.data() + s * elements, static_cast<Index>(elements), &scale, &value);
          sum += weights[s] * value / static_cast<double>(elements);
        }
        Buffer<TestType> outputs{y}, targets{t}, weight{weights}, gradient{y.size()};
        Buffer<double> losses{samples}, again{samples};
        const auto run = [&](TestType* gradients, Buffer<double>& into) {
          emulator::launch({2}, 64, Mode::fibres, [&] {
            kernels::elementwise_loss<TestType>(loss, static_cast<TestType>(parameter), outputs.data(), targets.data(),
                                                weighted ? weight.data() : nullptr, static_cast<TestType>(1.0 / samples),
                                                gradients, into.data(), samples, static_cast<unsigned>(elements));
          });
        };
        run(gradient.data(), losses);
        run(nullptr, again);
        CHECK(total(losses) == Approx(sum).epsilon(support::reference_tolerance<TestType>));
        CHECK(std::equal(losses.begin(), losses.end(), again.begin()));
        CHECK(support::relative_error(gradient, dy) < support::reference_tolerance<TestType>);
      }
}

TEMPLATE_TEST_CASE("Cross entropy on the GPU agrees with the definition, of labels and vectors, logits and probabilities",
                   "[gpu][kernels]", float, double) {
  for (const bool from_logits : {true, false})
    for (const bool labelled : {true, false})
      for (const double smoothing : {0.0, 0.2})
        for (const std::size_t classes : {2U, 10U, 45U}) {
          auto y = random_values(samples * classes, 5), t = random_values(y.size(), 1, 1);
          std::vector<std::int32_t> label(samples);
          for (std::size_t s = 0; s < samples; ++s) label[s] = static_cast<std::int32_t>(s % classes);
          for (double& value : t) value = std::abs(value) / static_cast<double>(classes);
          if (!from_logits) cpu::plain::softmax(y.data(), y.data(), samples, static_cast<Index>(classes));
          for (double& value : y) value = static_cast<float>(value);
          const auto weights = weights_of(true);
          std::vector<double> dy(y.size());
          double sum = 0;
          for (std::size_t s = 0; s < samples; ++s) {
            const double scale = weights[s] / static_cast<double>(samples);
            double value = 0;
            cpu::plain::cross_entropy(from_logits, smoothing, y.data() + s * classes, &label[s],
                                      labelled ? nullptr : t.data() + s * classes, dy.data() + s * classes,
                                      static_cast<Index>(classes), &scale, &value);
            sum += weights[s] * value;
          }
          Buffer<TestType> outputs{y}, vectors{t}, weight{weights}, gradient{y.size()};
          Buffer<double> losses{samples};
          emulator::launch({2}, 64, Mode::fibres, [&] {
            const auto kernel = from_logits ? &kernels::cross_entropy_from_logits<TestType>
                                            : &kernels::cross_entropy_from_probabilities<TestType>;
            kernel(outputs.data(), labelled ? label.data() : nullptr, vectors.data(), static_cast<TestType>(smoothing),
                   weight.data(), static_cast<TestType>(1.0 / samples), gradient.data(), losses.data(), samples,
                   static_cast<unsigned>(classes));
          });
          CHECK(total(losses) == Approx(sum).epsilon(support::reference_tolerance<TestType>));
          CHECK(support::relative_error(gradient, dy) < 2 * support::reference_tolerance<TestType>);
        }
}

TEST_CASE("A sample of weight 0 counts for nothing on the GPU, whatever its outputs are", "[gpu][kernels]") {
  Buffer<float> outputs{2}, weights{std::vector<double>{0, 1}}, gradient{2};
  outputs[1] = 1;
  std::vector<std::int32_t> labels{0, 0};
  Buffer<double> losses{2};
  emulator::launch({1}, 64, Mode::fibres, [&] {
    kernels::cross_entropy_from_logits<float>(outputs.data(), labels.data(), nullptr, 0, weights.data(), 1, gradient.data(),
                                              losses.data(), 2, 1);
  });
  CHECK(losses[0] == 0);
  CHECK(gradient[0] == 0);
  CHECK(std::isfinite(losses[1]));
}

TEMPLATE_TEST_CASE("Correct samples are counted on the GPU: the first of equals, never NaN", "[gpu][kernels]", float, double) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::size_t classes : {4U, 40U}) {
    std::vector<double> y(5 * classes, -1.0), t(5 * classes);
    std::vector<std::int32_t> labels(5, 2);
    y[2] = 3;                                          // right
    y[classes + 3] = 3;                                // wrong
    y[2 * classes + 2] = 1, y[2 * classes + 3] = 1;    // right: the first of two
    y[3 * classes] = nan, labels[3] = 0;               // nothing is larger, but it is not a number
    y[4 * classes + 1] = nan, y[4 * classes + 2] = 0;  // right
    for (std::size_t s = 0; s < 5; ++s) t[s * classes + static_cast<std::size_t>(labels[s])] = 1;
    Buffer<TestType> outputs{y}, vectors{t};
    for (const bool labelled : {true, false}) {
      Buffer<unsigned> correct{1};
      correct[0] = 10;
      emulator::launch({2}, 64, Mode::fibres, [&] {
        kernels::count_correct<TestType>(outputs.data(), labelled ? labels.data() : nullptr, vectors.data(), correct.data(), 5,
                                         static_cast<unsigned>(classes));
      });
      CHECK(correct[0] == 13);
    }
  }
}
