// SPDX-License-Identifier: MIT
// A training step allocates nothing: operator new counts in this program.
#include <atomic>
#include <cstdlib>
#include <new>
#include <sstream>

#include <tarn/train/csv_logger.hpp>
#include <tarn/train/early_stopping.hpp>
#include <tarn/train/progress.hpp>
#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "../support/models.hpp"

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t size, std::size_t alignment) {
  ++allocations;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = alignment <= alignof(std::max_align_t) ? std::malloc(size ? size : 1)
                                                        : std::aligned_alloc(alignment, rounded ? rounded : alignment);
  if (!memory) throw std::bad_alloc{};
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new[](std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) { return counted(size, static_cast<std::size_t>(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return counted(size, static_cast<std::size_t>(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size ? size : 1);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace tarn;

namespace {

/// Allocations between the ends of the first and the last step of a run of `steps`.
struct Count {
  Index steps;
  long at_first = 0, at_last = 0;
  void on_step_end(const StepInfo& step) {
    if (step.iteration == 0) at_first = allocations;
    if (step.iteration == steps - 1) at_last = allocations;
  }
};

template <class T>
long allocations_of_steps(const Dataset& data, const BatchSize& batch_size) {
  auto model = support::model<T>(Input{12, 12, 1}, support::small_lenet());
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01, .momentum = 0.9}};
  Count count{101};
  trainer.fit(data, {.epochs = 2, .batch_size = batch_size, .callbacks = {std::ref(count)}});
  REQUIRE(trainer.iterations() >= count.steps);
  REQUIRE(count.at_first > 0);
  REQUIRE(count.at_last > 0);
  return count.at_last - count.at_first;
}

}  // namespace

TEST_CASE("The counter counts", "[allocations]") {
  const long before = allocations;
  { const Tensor<float> tensor{Shape{100}}; }
  CHECK(allocations == before + 1);
  delete new int{3};
  CHECK(allocations == before + 2);
}

TEMPLATE_TEST_CASE("A hundred training steps allocate nothing, whatever the batch size", "[allocations][trainer]", float,
                   double) {
  for (const int threads : {1, 3}) {
    const support::Threads scope{threads};
    const Dataset data = support::byte_images(620, 12, 1);
    CHECK(allocations_of_steps<TestType>(data, 7) == 0);
    CHECK(allocations_of_steps<TestType>(data, [](Index i) { return 1 + i * 29 % 19; }) == 0);
    Tensor<float> soft{Shape{620, 10}};
    for (float& value : soft) value = 0.1F;
    CHECK(allocations_of_steps<TestType>(Dataset{data.inputs, soft}, [](Index i) { return i % 2 ? 9 : 3; }) == 0);
  }
}

TEMPLATE_TEST_CASE("Nor with metrics, weights, callbacks, records of steps, frozen layers and a profile",
                   "[allocations][trainer]", float, double) {
  const Dataset data = support::byte_images(620, 12, 1);
  auto model = support::model<TestType>(Input{12, 12, 1}, support::small_lenet());
  model.freeze("batch_norm_1");
  Profile profile;
  Trainer trainer{model,
                  CategoricalCrossEntropy{.from_logits = true},
                  SGD{.learning_rate = 0.01},
                  {.metrics = {TopK{3}, SampleMetric{"label", [](auto, auto t) { return t[0]; }}}, .profile = &profile}};
  std::ostringstream out;
  EarlyStopping stopping{model, {.patience = 9}};
  Count count{101};
  const SampleWeights weights(620, 0.5);
  trainer.fit(data, {.steps = 101,
                     .batch_size = 3,
                     .sample_weights = weights,
                     .class_weights = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                     .record_steps = true,
                     .callbacks = {std::ref(count), CsvLogger{out}, ProgressBar{{.out = &out}}, std::ref(stopping)}});
  REQUIRE(count.at_first > 0);
  CHECK(count.at_last - count.at_first == 0);

  const Dataset batch = data.take(0, 16);
  const SampleWeights few(16, 2.0);
  trainer.train_on_batch(batch, few);
  const long before = allocations;
  for (int i = 0; i < 5; ++i) trainer.train_on_batch(batch, few);
  CHECK(allocations == before);
}

TEST_CASE("A batch given by hand allocates where it is larger than any before", "[allocations][trainer]") {
  auto model = support::model<float>(Input{12, 12, 1}, support::small_lenet());
  Trainer trainer{model, CategoricalCrossEntropy{.from_logits = true}, SGD{.learning_rate = 0.01}};
  const Dataset large = support::byte_images(64, 12, 1), small = support::byte_images(5, 12, 1);
  trainer.train_on_batch(large);
  const long before = allocations;
  for (int i = 0; i < 5; ++i) {
    trainer.train_on_batch(small);
    trainer.train_on_batch(large);
  }
  CHECK(allocations == before);
}
