// SPDX-License-Identifier: MIT
#include <cstring>
#include <thread>

#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::from_logits;
using support::same_bits;

namespace {

Sequential<float> small_lenet() { return support::model<float>(Input{12, 12, 1}, support::small_lenet()); }

/// All weights and statistics after an epoch or two.
std::vector<float> trained(const Dataset& data, const BatchSize& batch_size, Index epochs = 2) {
  auto model = small_lenet();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.05, .momentum = 0.9}, {.seed = 7}};
  trainer.fit(data, {.epochs = epochs, .batch_size = batch_size});
  const auto trainable = std::as_const(model).parameters().trainable(), state = std::as_const(model).parameters().state();
  std::vector<float> values(trainable.begin(), trainable.end());
  values.insert(values.end(), state.begin(), state.end());
  return values;
}

}  // namespace

TEST_CASE("Training gives the same bits on any number of threads", "[train][determinism][concurrency]") {
  const Dataset data = support::byte_images(300, 12, 1);
  const std::pair<const char*, BatchSize> sizes[] = {
      {"37", 37}, {"128", 128}, {"changing", [](Index i) { return 1 + i * 29 % 90; }}};
  for (const auto& [name, batch_size] : sizes) {
    INFO("batch size " << name);
    std::vector<float> reference;
    for (const int threads : {1, 2, 3, 8}) {
      const support::Threads scope{threads};
      const auto values = trained(data, batch_size);
      if (reference.empty()) reference = values;
      INFO(threads << " threads");
      CHECK(same_bits(values, reference));
      for (float value : values) REQUIRE(std::isfinite(value));
    }
  }
}

TEST_CASE("One model predicts from several threads at once, with the same bits", "[train][concurrency]") {
  const support::Threads scope{3};
  const auto model = small_lenet();
  const Dataset data = support::byte_images(300, 12, 2);
  const auto expected = model.predict(data.inputs);
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (std::size_t caller = 0; caller < right.size(); ++caller)
    threads.emplace_back([&, caller] {
      for (int round = 0; round < 3; ++round) right[caller] += support::same_bits(expected, model.predict(data.inputs));
    });
  for (auto& thread : threads) thread.join();
  CHECK(right == std::vector<int>(4, 3));
}

TEST_CASE("Two models train at once as they would alone", "[train][concurrency]") {
  const support::Threads scope{3};
  const Dataset first = support::byte_images(200, 12, 3), second = support::byte_images(200, 12, 4);
  const auto alone_first = trained(first, 32, 1), alone_second = trained(second, 20, 1);
  std::vector<float> beside_first, beside_second;
  std::thread other{[&] { beside_second = trained(second, 20, 1); }};
  beside_first = trained(first, 32, 1);
  other.join();
  CHECK(same_bits(alone_first, beside_first));
  CHECK(same_bits(alone_second, beside_second));
  CHECK_FALSE(same_bits(alone_first, alone_second));
}
