// SPDX-License-Identifier: MIT
// Runs by steps, splits, early stopping in a run, and exact resume.
#include <cstring>
#include <deque>
#include <tarn/optim/adam.hpp>
#include <tarn/train/early_stopping.hpp>
#include <tarn/train/trainer.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using namespace tarn;
using support::error_of;
using support::from_logits;
using support::same_bits;

namespace {

using Model = Sequential<float>;

/// Numbers with labels that follow from them.
Dataset numbered(Index n, std::uint64_t seed = 1) {
  Tensor<float> x = support::numbers<float>({n, 3}, seed);
  Tensor<std::int32_t> labels{Shape{n}};
  for (Index i = 0; i < n; ++i) labels[i] = x[3 * i] + x[3 * i + 1] > 0 ? (x[3 * i + 2] > 0 ? 1 : 2) : 0;
  return {x, labels};
}
Model with_everything() {
  return support::model<float>(Input{3}, {BatchNorm{}, Dense{.units = 6, .activation = Tanh{}}, Dropout{0.3}, Dense{.units = 3}});
}

/// All bits of a training but its position.
std::vector<float> bits(Model& model, std::vector<Slot<float, Cpu>> slots = {}) {
  std::vector<float> all;
  const auto add = [&](const auto& values) { all.insert(all.end(), values.begin(), values.end()); };
  add(model.parameters().trainable());
  add(model.parameters().state());
  for (const auto& slot : slots) add(slot.values);
  return all;
}

using AdamTrainer = Trainer<float, Cpu, CategoricalCrossEntropy, Adam>;
const Adam adam{.learning_rate = [](Progress p) { return 0.02 / static_cast<double>(1 + p.iteration + 5 * p.epoch); }};

/// A model and trainer as fresh objects, set to where another training stands.
struct Resumed {
  Model model = with_everything();
  std::unique_ptr<AdamTrainer> trainer = std::make_unique<AdamTrainer>(model, from_logits, adam);

  Resumed(const Model& from, std::vector<Slot<float, Cpu>> slots, const TrainingPosition& position) {
    model.initialize(99);
    for (const auto& entry : from.parameters().entries())
      ops::copy(from.parameters()[entry.parameter], model.weights(entry.name));
    for (const auto& slot : trainer->slots())
      for (const auto& saved : slots)
        if (std::string{saved.name} == slot.name) ops::copy(TensorView<const float>{saved.values}, slot.values);
    trainer->set_position(position);
  }
};

}  // namespace

TEST_CASE("A run by steps goes through epochs and ends in the middle of one", "[train][trainer]") {
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{}};
  std::vector<Index> planned, sizes;
  const auto plan = [&](const FitInfo& info) { planned = {info.epochs, info.steps, info.samples}; };
  const auto watch = [&](const StepInfo& step) { sizes.push_back(step.batch); };
  const History history =
      trainer.fit(numbered(37), {.steps = 5, .batch_size = 16, .callbacks = {AtFitBegin{plan}, AtStepEnd{watch}}});
  CHECK(planned == std::vector<Index>{2, 5, 37});
  CHECK(sizes == std::vector<Index>{16, 16, 5, 16, 16});
  REQUIRE(history.epochs.size() == 2);
  CHECK(history.epochs[0].steps == 3);
  CHECK(history.epochs[1].steps == 2);
  CHECK(history.epochs[1].training.samples == 32);
  CHECK(trainer.position() == TrainingPosition{5, 1, 32, 0});
}

TEST_CASE("Whichever of epochs and steps comes first ends a run", "[train][trainer]") {
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{}};
  const Dataset data = numbered(37);
  trainer.fit(data, {.epochs = 1, .steps = 100, .batch_size = 16});
  CHECK(trainer.position() == TrainingPosition{3, 1, 0, 0});
  trainer.fit(data, {.epochs = 9, .steps = 4, .batch_size = 16});  // a run that counts epochs leaves none open
  CHECK(trainer.position() == TrainingPosition{7, 3, 0, 0});
  trainer.fit(data, {.batch_size = 16});
  CHECK(trainer.position() == TrainingPosition{10, 4, 0, 0});
}

TEST_CASE("Without short batches the rest of an epoch is dropped, in runs by steps too", "[train][trainer]") {
  const Dataset data = numbered(37);
  auto a = with_everything(), b = with_everything();
  Trainer once{a, from_logits, SGD{.learning_rate = 0.1}}, twice{b, from_logits, SGD{.learning_rate = 0.1}};
  const History history = once.fit(data, {.epochs = 2, .batch_size = 16, .drop_last = true, .record_steps = true});
  CHECK(history.epochs[0].training.samples == 32);
  REQUIRE(history.steps.size() == 4);
  CHECK(history.steps[3].iteration == 3);
  CHECK(history.steps[3].epoch == 2);
  CHECK(history.steps[3].batch == 16);
  CHECK(history.steps[3].running.loss == history.epochs[1].training.loss);
  twice.fit(data, {.steps = 2, .batch_size = 16, .drop_last = true});  // what remains of the epoch is no batch
  CHECK(twice.fit(data, {.steps = 2, .batch_size = 16, .drop_last = true}).epochs.size() == 1);
  CHECK(same_bits(bits(a), bits(b)));
  CHECK(error_of<ArgumentError>([&] { once.fit(data, {.batch_size = 38, .drop_last = true}); }) ==
        "fit: the batch size is 38 at iteration 4 for 37 samples; without short batches (drop_last) no step can be made");
}

TEST_CASE("A split trains on the first samples and validates with the last", "[train][trainer]") {
  const Dataset data = numbered(40), first = data.take(0, 30), last = data.take(30, 10);
  auto a = with_everything(), b = with_everything();
  Trainer split{a, from_logits, SGD{.learning_rate = 0.1}}, given{b, from_logits, SGD{.learning_rate = 0.1}};
  Index samples = 0;
  const auto plan = [&](const FitInfo& info) { samples = info.samples; };
  const auto found = split.fit(data, {.epochs = 2, .batch_size = 8, .validation_split = 0.25, .callbacks = {AtFitBegin{plan}}});
  const auto expected = given.fit(first, {.epochs = 2, .batch_size = 8, .validation = &last});
  CHECK(samples == 30);
  CHECK(same_bits(bits(a), bits(b)));
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(found.epochs[i].training.loss == expected.epochs[i].training.loss);
    CHECK(found.epochs[i].validation->samples == 10);
    CHECK(found.epochs[i].validation->loss == expected.epochs[i].validation->loss);
    CHECK(found.epochs[i].validation->accuracy == expected.epochs[i].validation->accuracy);
  }
}

TEST_CASE("N and then M steps are N + M steps, at whatever step the run was cut", "[train][trainer][resume]") {
  const Dataset data = numbered(37);
  const FitOptions all{.steps = 11, .batch_size = [](Progress p) { return 9 + p.iteration % 3 + p.epoch; }};
  auto whole = with_everything();
  AdamTrainer reference{whole, from_logits, adam};
  reference.fit(data, all);
  for (Index cut = 1; cut < 11; ++cut) {
    INFO("cut after " << cut);
    FitOptions first = all, second = all;
    first.steps = cut;
    second.steps = 11 - cut;
    auto model = with_everything();
    AdamTrainer trainer{model, from_logits, adam};
    trainer.fit(data, first);
    Resumed resumed{model, trainer.slots(), trainer.position()};
    resumed.trainer->fit(data, second);
    CHECK(same_bits(bits(resumed.model, resumed.trainer->slots()), bits(whole, reference.slots())));
    trainer.fit(data, second);  // nor does the same trainer notice
    CHECK(same_bits(bits(model, trainer.slots()), bits(whole, reference.slots())));
    CHECK(resumed.trainer->position() == reference.position());
  }
}

TEST_CASE("A run by epochs goes on from what a callback saw at any step", "[train][trainer][resume]") {
  const Dataset data = numbered(37);
  auto model = with_everything();
  AdamTrainer trainer{model, from_logits, adam};
  std::deque<Resumed> saved;
  std::vector<Index> epochs_left;
  const auto save = [&](const StepInfo& step) {
    saved.emplace_back(model, trainer.slots(), trainer.position());
    epochs_left.push_back(4 - step.epoch - (trainer.position().sample == 37));
  };
  trainer.fit(data, {.epochs = 3, .batch_size = 16, .callbacks = {AtStepEnd{save}}});
  REQUIRE(saved.size() == 9);
  for (std::size_t i = 0; i < 8; ++i) {
    INFO("from step " << i);
    saved[i].trainer->fit(data, {.epochs = epochs_left[i], .batch_size = 16});
    CHECK(same_bits(bits(saved[i].model, saved[i].trainer->slots()), bits(model, trainer.slots())));
    CHECK(saved[i].trainer->position() == trainer.position());
  }
}

TEST_CASE("Dropout and the order of samples follow the seed of the position", "[train][trainer][resume]") {
  const Dataset data = numbered(37);
  auto a = with_everything(), b = with_everything(), c = with_everything();
  AdamTrainer seeded{a, from_logits, adam, {.seed = 5}}, positioned{b, from_logits, adam}, other{c, from_logits, adam};
  positioned.set_position({.seed = 5});
  for (AdamTrainer* trainer : {&seeded, &positioned, &other}) trainer->fit(data, {.batch_size = 16});
  CHECK(same_bits(bits(a), bits(b)));
  CHECK_FALSE(same_bits(bits(a), bits(c)));
}

TEST_CASE("An open epoch ends where the data have no more samples", "[train][trainer]") {
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{}};
  trainer.fit(numbered(37), {.steps = 2, .batch_size = 16});
  CHECK(trainer.position().sample == 32);
  CHECK(trainer.fit(numbered(20), {.epochs = 1, .batch_size = 16}).epochs[0].training.samples == 20);
  CHECK(trainer.position() == TrainingPosition{4, 2, 0, 0});
  const std::string expected = ", expected numbers of at least 0";
  CHECK(error_of<ArgumentError>([&] {
          trainer.set_position({-1, 0, 0, 0});
        }) == "set_position: iteration -1, epoch 0, sample 0" + expected);
  CHECK(error_of<ArgumentError>([&] {
          trainer.set_position({0, -2, 0, 0});
        }) == "set_position: iteration 0, epoch -2, sample 0" + expected);
  CHECK(error_of<ArgumentError>([&] {
          trainer.set_position({0, 0, -3, 0});
        }) == "set_position: iteration 0, epoch 0, sample -3" + expected);
  CHECK(trainer.position() == TrainingPosition{4, 2, 0, 0});
}

TEST_CASE("A run that is stopped early ends with the bits of its best epoch", "[train][trainer][early_stopping]") {
  const Dataset data = numbered(60), other = numbered(60, 2);
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{.learning_rate = [](Progress p) { return p.epoch < 3 ? 0.1 : 8.0; }, .momentum = 0.5}};
  EarlyStopping stopping{model, {.patience = 2}};
  std::vector<std::vector<float>> after;
  const auto keep = [&](const EpochRecord&) { after.push_back(bits(model)); };
  const auto history = trainer.fit(
      data, {.epochs = 50, .batch_size = 16, .validation = &other, .callbacks = {AtEpochEnd{keep}, std::ref(stopping)}});
  const auto best = static_cast<std::size_t>(stopping.best_epoch());
  REQUIRE(best >= 1);
  CHECK(history.epochs.size() == best + 2);
  CHECK(same_bits(bits(model), after[best - 1]));
  CHECK_FALSE(same_bits(bits(model), after.back()));
  CHECK(stopping.best() == history.epochs[best - 1].validation->loss);
  CHECK(trainer.evaluate(other).loss == stopping.best());
}

TEST_CASE("An epoch that was left open is not continued on data of another size", "[train][trainer]") {
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1}};
  trainer.fit(numbered(100, 1), {.steps = 2, .batch_size = 10});
  const History history = trainer.fit(numbered(200, 2), {.epochs = 1, .batch_size = 10});
  CHECK(history.epochs[0].training.samples == 200);
}

TEST_CASE("A run by epochs that ends by an exception closes its epoch and tells the callbacks", "[train][trainer]") {
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1}};
  bool ended = false;
  const auto broken = [](const StepInfo& step) {
    if (step.iteration == 3) throw StateError("enough");
  };
  const auto end = [&](const History&) { ended = true; };
  CHECK_THROWS_AS(trainer.fit(numbered(100, 1), {.epochs = 1, .batch_size = 10, .callbacks = {AtStepEnd{broken}, AtFitEnd{end}}}),
                  StateError);
  CHECK(ended);
  CHECK(trainer.fit(numbered(100, 1), {.epochs = 1, .batch_size = 10}).epochs[0].training.samples == 100);
}

TEST_CASE("As many steps as there are numbers end with the epochs", "[train][trainer]") {
  auto model = with_everything();
  Trainer trainer{model, from_logits, SGD{.learning_rate = 0.1}};
  trainer.fit(numbered(20, 1), {.epochs = 1, .batch_size = 10});
  const auto history = trainer.fit(numbered(20, 1), {.epochs = 2, .steps = std::numeric_limits<Index>::max(), .batch_size = 10});
  CHECK(history.epochs.size() == 2);
}
