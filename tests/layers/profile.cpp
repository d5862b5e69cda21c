// SPDX-License-Identifier: MIT
#include <tarn/layers/profile.hpp>

#include <chrono>
#include <thread>

#include <tarn/tarn.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/profiled.hpp"

using namespace tarn;
using support::error_of;
using support::seconds_of_training;
using support::striped_images;

namespace {

/// y = x, slowly.
struct Sleep {
  static constexpr const char* name = "sleep";
  int forward_ms, backward_ms;

  template <class T, class D>
  class Layer;
};

template <class T, class D>
class Sleep::Layer final : public tarn::Layer<T, D> {
 public:
  Layer(const Sleep& spec, const Shape& input, Setup<T, D>&) : spec_{spec}, output_{input} {}
  Shape output_shape() const override { return output_; }
  Reads backward_reads(const Step<T, D>&) const override { return {false, false}; }
  void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>&) const override { copy(x, y, spec_.forward_ms); }
  void backward(const Batch<T, D>&, const Batch<T, D>&, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>&) const override {
    if (dx) copy(dy, *dx, spec_.backward_ms);
  }

 private:
  static void copy(const Batch<T, D>& from, Batch<T, D>& to, int ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds{ms});
    ops::copy(from, to);
  }

  Sleep spec_;
  Shape output_;
};

/// Everything that neighbours spare each other: sums, a pair, derivatives, no dx.
Sequential<> small() {
  return Sequential{
      Input{8, 8, 1},   BatchNorm{},  Conv2D{.filters = 4, .kernel = 3, .padding = Padding::same, .activation = Tanh{}},
      BatchNorm{},      AvgPool2D{2}, Flatten{},
      Dense{.units = 3}};
}
constexpr double conv_flops = 2 * 64 * 9 * 4, dense_flops = 2 * 64 * 3;  // of a sample, forward

}  // namespace

TEST_CASE("A profile has a row for each layer and for what is beside them", "[layers][profile]") {
  Profile profile;
  CHECK(profile.rows().empty());
  CHECK(profile.table().empty());
  auto model = small();
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.momentum = 0.9}, {.profile = &profile}};
  trainer.fit(striped_images(40), {.epochs = 2, .batch_size = 16, .validation_split = 0.2});
  std::string names;
  for (const auto& row : profile.rows()) names += row.name + " ";
  CHECK(names == "gather batch_norm conv2d batch_norm_1 avg_pool2d flatten dense loss optimizer rest ");
  CHECK(profile.training().passes == 4);
  CHECK(profile.training().samples == 64);
  CHECK(profile.inference().passes == 2);
  CHECK(profile.inference().samples == 16);
  CHECK(profile.training().seconds == Approx(seconds_of_training(profile)));

  const auto& conv = profile.row("conv2d");
  CHECK(conv.type == "Conv2D");
  CHECK(conv.output == Shape{8, 8, 4});
  CHECK(conv.forward.passes == 4);
  CHECK(conv.forward.flops == 64 * conv_flops);
  CHECK(conv.inference.flops == 16 * conv_flops);
  CHECK(conv.backward.flops == 64 * conv_flops);  // dW alone
  CHECK(conv.forward.bytes == 4.0 * (64 * (64 + 256) + 4 * 40));
  CHECK(profile.row("dense").backward.flops == 2 * 64 * dense_flops);
  CHECK(profile.row("optimizer").forward.bytes == 4.0 * 4 * 5 * static_cast<double>(model.parameters().trainable_count()));
  CHECK(profile.row("optimizer").inference.passes == 0);
  CHECK(profile.row("flatten").forward.passes == 0);
}

TEST_CASE("A profile says what neighbouring layers spare each other", "[layers][profile]") {
  Profile profile;
  auto model = small();
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}, {.profile = &profile}};
  trainer.train_on_batch(striped_images(32));
  const auto shares = [&](const char* name) { return profile.row(name).sharing; };
  CHECK(shares("avg_pool2d").with_below);
  CHECK(profile.row("avg_pool2d").forward.passes == 0);
  CHECK(profile.row("avg_pool2d").below == "batch_norm_1");
  CHECK(shares("batch_norm_1").derivative);
  CHECK(shares("conv2d").no_dx);
  CHECK(shares("batch_norm").takes_sums);
  CHECK(profile.row("batch_norm").backward.bytes == 4.0 * 2);  // the gradients of gamma and beta
  CHECK_FALSE(shares("dense").no_dx);

  model.freeze("batch_norm_1");
  trainer.train_on_batch(striped_images(32));
  CHECK_FALSE(shares("avg_pool2d").with_below);
  CHECK(profile.row("avg_pool2d").forward.passes == 1);
}

TEST_CASE("Time is booked where it is spent, and rows add up to no more than the clock shows", "[layers][profile]") {
  Profile profile;
  Sequential model{Input{4}, Dense{.units = 4}, Named{"slow", Sleep{20, 30}}, Dense{.units = 3}};
  Trainer trainer{model, MeanSquaredError{}, SGD{}, {.profile = &profile}};
  const Dataset data{Tensor<float>{Shape{6, 4}}, Tensor<float>{Shape{6, 3}}};
  const auto start = std::chrono::steady_clock::now();
  trainer.fit(data, {.epochs = 2, .batch_size = 6});
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto& slow = profile.row("slow");
  CHECK(slow.forward.seconds >= 0.04);
  CHECK(slow.backward.seconds >= 0.06);
  CHECK(slow.backward.bytes == 2 * 4.0 * 2 * 6 * 4);
  CHECK(profile.training().seconds >= slow.forward.seconds + slow.backward.seconds);
  CHECK(profile.training().seconds <= elapsed);
}

TEST_CASE("Predictions go into a profile, and a look inside does not", "[layers][profile]") {
  Profile profile;
  auto model = small();
  model.predict(striped_images(300).inputs, &profile);
  CHECK(profile.inference().passes == 2);
  CHECK(profile.inference().samples == 300);
  CHECK(profile.row("batch_norm_1").inference.passes == 2);
  CHECK(profile.row("avg_pool2d").inference.passes == 0);
  CHECK(profile.row("avg_pool2d").sharing.inference_with_below);
  CHECK(profile.table().find("in batch_norm_1\n") != std::string::npos);
  CHECK_FALSE(profile.row("avg_pool2d").sharing.with_below);
  CHECK(profile.training().passes == 0);
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}, {.profile = &profile}};
  trainer.diagnose(striped_images(8));
  CHECK(profile.training().passes == 0);
  profile.reset();
  CHECK(profile.rows().empty());
}

TEST_CASE("The weights are those of a training without a profile", "[layers][profile]") {
  Profile profile;
  auto with = small(), without = small();
  Trainer first{with, CategoricalCrossEntropy{.from_logits = true}, SGD{}, {.profile = &profile}};
  Trainer second{without, CategoricalCrossEntropy{.from_logits = true}, SGD{}};
  first.fit(striped_images(40), {.batch_size = 16});
  second.fit(striped_images(40), {.batch_size = 16});
  for (const char* name : {"conv2d/kernel", "dense/kernel", "batch_norm_1/gamma"})
    CHECK(support::doubles(with.weights(name)) == support::doubles(without.weights(name)));
}

TEST_CASE("A profile takes models of the same layers only", "[layers][profile]") {
  Profile profile;
  CHECK(error_of<ArgumentError>([&] { profile.row("dense"); }) ==
        "Profile: no row 'dense', there are: none before the first pass");
  const Tensor<float> x{Shape{2, 4}};
  Sequential{Input{4}, Dense{.units = 3}}.predict(x, &profile);
  Sequential{Input{4}, Dense{.units = 3}}.predict(x, &profile);
  CHECK(profile.inference().passes == 2);
  CHECK(error_of<ArgumentError>([&] { profile.row("conv2d"); }) ==
        "Profile: no row 'conv2d', there are: gather, dense, loss, optimizer, rest");
  CHECK(error_of<ArgumentError>([&] {
          Sequential{Input{4}, Dense{.units = 5}}.predict(x, &profile);
        }) ==
        "Profile: a model whose layer 0 is dense [5] after one where it is dense [3]; give each its own profile, or reset it");
  CHECK(error_of<ArgumentError>([&] {
          Sequential{Input{4}, Dense{.units = 3}, Tanh{}}.predict(x, &profile);
        }) == "Profile: a model of 2 layers after one of 1; give each its own profile, or reset it");
  CHECK(profile.inference().passes == 2);
}

TEST_CASE("A profile's table has means of a step, speeds, shares and notes", "[layers][profile]") {
  Profile profile;
  auto model = small();
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{}, {.profile = &profile}};
  for (int i = 0; i < 3; ++i) trainer.train_on_batch(striped_images(32));
  trainer.evaluate(striped_images(20));
  const std::string table = profile.table(100);
  CHECK_THAT(table, Catch::Contains("Training: 3 steps of 32 samples, ") && Catch::Contains("each; the peak is 100 GFLOP/s\n") &&
                        Catch::Contains("  in batch_norm_1\n") && Catch::Contains("  f' of conv2d\n") &&
                        Catch::Contains("  from sums\n") && Catch::Contains("  no dx\n") && Catch::Contains("   100.0%") &&
                        Catch::Contains("\n\nInference: 1 passes of 20 samples, "));
  CHECK_THAT(table, !Catch::Contains("flatten"));
  CHECK_THAT(profile.table(), !Catch::Contains("the peak is"));
}
