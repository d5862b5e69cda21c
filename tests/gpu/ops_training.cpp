// SPDX-License-Identifier: MIT
#include <tarn/gpu.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;

#if TARN_GPU_HEADERS

#include "fake/parity.hpp"

using fake::TensorTwin;
using fake::Twin;
using support::reference_tolerance;

TEMPLATE_TEST_CASE("Batch normalisation and its gradients are those of the CPU", "[gpu][ops][card]", float, double) {
  fake::Device device;
  for (const Index channels : {1, 7, 300}) {
    const Shape sample{3, channels}, vector{channels};
    Twin<TestType> x{5, sample, 1}, y{5, sample, 2}, dy{5, sample, 3}, dx{5, sample, 4};
    TensorTwin<TestType> mean{vector, 5}, variance{vector, 6}, gamma{vector, 7, 0.5, 1.5}, beta{vector, 8};
    TensorTwin<TestType> dgamma{vector, 9}, dbeta{vector, 10}, scratch{Shape{ops::norm_scratch(channels)}, 11};
    ops::moments(x.cpu, mean.on_cpu(), variance.on_cpu(), scratch.on_cpu());
    ops::moments(x.gpu, mean.on_gpu(), variance.on_gpu(), scratch.on_gpu());
    CHECK(mean.difference() < reference_tolerance<TestType>);
    CHECK(variance.difference() < reference_tolerance<TestType>);
    ops::normalize(x.cpu, mean.in_cpu(), variance.in_cpu(), 1e-3, gamma.in_cpu(), beta.in_cpu(), y.cpu, scratch.on_cpu());
    ops::normalize(x.gpu, mean.in_gpu(), variance.in_gpu(), 1e-3, gamma.in_gpu(), beta.in_gpu(), y.gpu, scratch.on_gpu());
    CHECK(y.difference() < reference_tolerance<TestType>);
    for (const Activation& below : {Activation{}, Activation{Tanh{}}}) {
      ops::normalize_gradient(x.cpu, dy.cpu, mean.in_cpu(), variance.in_cpu(), 1e-3, gamma.in_cpu(), dgamma.on_cpu(),
                              dbeta.on_cpu(), &dx.cpu, scratch.on_cpu(), below);
      ops::normalize_gradient(x.gpu, dy.gpu, mean.in_gpu(), variance.in_gpu(), 1e-3, gamma.in_gpu(), dgamma.on_gpu(),
                              dbeta.on_gpu(), &dx.gpu, scratch.on_gpu(), below);
      CHECK(dgamma.difference() < reference_tolerance<TestType>);
      CHECK(dbeta.difference() < reference_tolerance<TestType>);
      CHECK(dx.difference() < reference_tolerance<TestType>);
    }
    ops::normalize_input_gradient(dy.cpu, variance.in_cpu(), 1e-3, gamma.in_cpu(), dx.cpu, scratch.on_cpu());
    ops::normalize_input_gradient(dy.gpu, variance.in_gpu(), 1e-3, gamma.in_gpu(), dx.gpu, scratch.on_gpu());
    CHECK(dx.difference() < reference_tolerance<TestType>);
    ops::move_towards(mean.on_cpu(), beta.in_cpu(), 0.1), ops::move_towards(mean.on_gpu(), beta.in_gpu(), 0.1);
    CHECK(mean.difference() < reference_tolerance<TestType>);
  }
}

TEMPLATE_TEST_CASE("Losses, their gradients and right answers are those of the CPU, with weights and without", "[gpu][ops][card]",
                   float, double) {
  fake::Device device;
  const Index samples = 37, classes = 5;
  TensorTwin<TestType> weights{Shape{samples}, 1, 0, 2};
  Twin<TestType> z{samples, {classes}, 2}, p{samples, {classes}, 2}, t{samples, {classes}, 3}, gradient{samples, {classes}, 4};
  ops::softmax(p.cpu, p.cpu), ops::softmax(p.gpu, p.gpu);
  ops::softmax(t.cpu, t.cpu), ops::softmax(t.gpu, t.gpu);
  Tensor<std::int32_t> labels{Shape{samples}};
  Tensor<std::int32_t, Gpu> labels_on_gpu{Shape{samples}};
  for (Index i = 0; i < samples; ++i) labels[i] = static_cast<std::int32_t>(3 * i % classes);
  ops::upload<std::int32_t>(labels.view(), labels_on_gpu.view());
  for (const bool weighted : {false, true})
    for (const bool labelled : {false, true}) {
      Targets<TestType, Cpu> targets;
      Targets<TestType, Gpu> on_gpu;
      if (weighted) targets.weights = weights.in_cpu(), on_gpu.weights = weights.in_gpu();
      labelled ? void((targets.labels = labels.view(), on_gpu.labels = labels_on_gpu.view()))
               : void((targets.vectors = t.cpu, on_gpu.vectors = t.gpu));
      for (const bool logits : {false, true}) {
        const auto& y = logits ? z : p;
        const double expected = ops::cross_entropy(logits, 0.1, y.cpu, targets, Reduction::mean, &gradient.cpu);
        const double loss = ops::cross_entropy(logits, 0.1, y.gpu, on_gpu, Reduction::mean, &gradient.gpu);
        CHECK(std::abs(loss - expected) < reference_tolerance<TestType> * expected);
        CHECK(gradient.difference() < reference_tolerance<TestType>);
        CHECK(ops::count_correct(y.gpu, on_gpu) == ops::count_correct(y.cpu, targets));
      }
      if (labelled) continue;
      for (const auto kind : {ElementwiseLoss::squared_error, ElementwiseLoss::huber, ElementwiseLoss::hinge}) {
        const double expected = ops::elementwise_loss(kind, 0.7, z.cpu, targets, Reduction::sum, &gradient.cpu);
        const double loss = ops::elementwise_loss(kind, 0.7, z.gpu, on_gpu, Reduction::sum, &gradient.gpu);
        CHECK(std::abs(loss - expected) < reference_tolerance<TestType> * expected);
        CHECK(gradient.difference() < reference_tolerance<TestType>);
      }
    }
  Targets<TestType, Gpu> few;
  few.vectors = Batch<TestType, Gpu>{t.gpu.data(), 3, {classes}};
  CHECK_THROWS_WITH((ops::cross_entropy<TestType>(true, 0, z.gpu, few, Reduction::mean, nullptr)),
                    "cross_entropy: targets is [3, 5], expected [37, 5]");
}

TEMPLATE_TEST_CASE("Updates are those of the CPU, where a range is frozen and where gradients are clipped", "[gpu][ops][card]",
                   float, double) {
  fake::Device device;
  const Shape shape{1000};
  const std::vector<Range> ranges{{3, 400}, {517, 1000}};
  UpdateTerms<double> terms;
  terms.rate = 0.05, terms.keep = 0.99, terms.scale = 0.5, terms.limit = 0.3;
  TensorTwin<TestType> w{shape, 1}, g{shape, 2}, a{shape, 3, 0, 1}, b{shape, 4, 0.5, 1}, c{shape, 5, 0, 1};
  const TensorView<TestType, Cpu> no;
  const TensorView<TestType, Gpu> none;
  const auto check = [&] {
    for (const auto* twin : {&w, &a, &b, &c}) CHECK(twin->difference() < reference_tolerance<TestType>);
  };
  ops::sgd(w.on_cpu(), g.in_cpu(), ranges, terms), ops::sgd(w.on_gpu(), g.in_gpu(), ranges, terms);
  check();
  for (const bool nesterov : {false, true}) {
    ops::sgd_momentum(w.on_cpu(), a.on_cpu(), g.in_cpu(), ranges, terms, 0.9, nesterov);
    ops::sgd_momentum(w.on_gpu(), a.on_gpu(), g.in_gpu(), ranges, terms, 0.9, nesterov);
    check();
  }
  ops::adam(w.on_cpu(), a.on_cpu(), b.on_cpu(), c.on_cpu(), g.in_cpu(), ranges, terms, 0.9, 0.99, 1e-7);
  ops::adam(w.on_gpu(), a.on_gpu(), b.on_gpu(), c.on_gpu(), g.in_gpu(), ranges, terms, 0.9, 0.99, 1e-7);
  check();
  ops::adam(w.on_cpu(), a.on_cpu(), b.on_cpu(), no, g.in_cpu(), ranges, terms, 0.9, 0.99, 1e-7);
  ops::adam(w.on_gpu(), a.on_gpu(), b.on_gpu(), none, g.in_gpu(), ranges, terms, 0.9, 0.99, 1e-7);
  check();
  ops::rmsprop(w.on_cpu(), b.on_cpu(), no, c.on_cpu(), g.in_cpu(), ranges, terms, 0.9, 0.5, 1e-3);
  ops::rmsprop(w.on_gpu(), b.on_gpu(), none, c.on_gpu(), g.in_gpu(), ranges, terms, 0.9, 0.5, 1e-3);
  check();
  const std::vector<Range> wrong{{3, 1001}};
  CHECK_THROWS_WITH(ops::sgd(w.on_gpu(), g.in_gpu(), wrong, terms),
                    "sgd: range [3, 1001) after 0, expected sorted and disjoint ranges within [0, 1000)");
  const double expected = ops::sum_of_squares(g.in_cpu(), ranges);
  CHECK(std::abs(ops::sum_of_squares(g.in_gpu(), ranges) - expected) < 1e-6 * expected);
  CHECK(ops::all_finite(g.in_gpu()));
  g.cpu[999] = std::numeric_limits<TestType>::infinity();
  ops::upload<TestType>(g.in_cpu(), g.on_gpu());
  CHECK_FALSE(ops::all_finite(g.in_gpu()));
}

#else

TEST_CASE("Training's operations on the GPU need the headers of the CUDA toolkit", "[gpu][ops][card]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
