// SPDX-License-Identifier: MIT
#include <tarn/train/callbacks.hpp>

#include "../catch.hpp"

using namespace tarn;

namespace {

/// A history of so many epochs.
History of_epochs(std::size_t count) {
  History history;
  history.epochs.resize(count);
  return history;
}

/// Calls every hook once.
std::pair<Training, Training> call_all(const Callback& callback) {
  callback.fit_begin({.epochs = 7});
  callback.epoch_begin(3);
  const Training after_step = callback.step_end({.iteration = 5}), after_epoch = callback.epoch_end({.epoch = 4});
  callback.fit_end(of_epochs(2));
  return {after_step, after_epoch};
}

}  // namespace

TEST_CASE("A function can stand at any hook", "[train][callbacks]") {
  std::vector<Index> seen;
  for (const Callback& callback :
       {Callback{AtFitBegin{[&](const FitInfo& info) { seen.push_back(info.epochs); }}},
        Callback{AtEpochBegin{[&](Index epoch) { seen.push_back(epoch); }}},
        Callback{AtStepEnd{[&](const StepInfo& step) { seen.push_back(step.iteration); }}},
        Callback{AtEpochEnd{[&](const EpochRecord& record) { seen.push_back(record.epoch); }}},
        Callback{AtFitEnd{[&](const History& history) { seen.push_back(static_cast<Index>(history.epochs.size())); }}}})
    CHECK(call_all(callback) == std::pair{Training::go_on, Training::go_on});
  CHECK(seen == std::vector<Index>{7, 3, 5, 4, 2});
}

TEST_CASE("A hook that returns nothing goes on, what one returns counts", "[train][callbacks]") {
  CHECK(call_all(AtStepEnd{[](const StepInfo&) { return Training::stop; }}) == std::pair{Training::stop, Training::go_on});
  CHECK(call_all(AtEpochEnd{[](const EpochRecord&) { return Training::stop; }}) == std::pair{Training::go_on, Training::stop});
  CHECK(call_all(AtEpochEnd{[](const EpochRecord&) { return Training::go_on; }}) == std::pair{Training::go_on, Training::go_on});
}

TEST_CASE("An object may have any of the hooks, and keeps its state through copies of the callback", "[train][callbacks]") {
  struct Two {
    std::vector<std::string>* log;
    int calls = 0;
    void on_epoch_begin(Index) { log->push_back("begin " + std::to_string(++calls)); }
    Training on_epoch_end(const EpochRecord&) {
      log->push_back("end " + std::to_string(++calls));
      return calls >= 4 ? Training::stop : Training::go_on;
    }
  };
  std::vector<std::string> log;
  const Two object{&log};
  const Callback first = object, second = first;
  CHECK(call_all(first).second == Training::go_on);
  CHECK(call_all(second).second == Training::stop);
  CHECK(log == std::vector<std::string>{"begin 1", "end 2", "begin 3", "end 4"});
  CHECK(object.calls == 0);
}

TEST_CASE("An object that cannot be copied is moved in, or referred to", "[train][callbacks]") {
  struct Unique {
    std::unique_ptr<int> count = std::make_unique<int>(0);
    void on_step_end(const StepInfo&) { ++*count; }
  };
  Unique mine, other;
  int* const counted = other.count.get();
  const Callback moved{std::move(other)}, referred = std::ref(mine);
  for (int i = 0; i < 3; ++i) {
    call_all(referred);
    call_all(moved);
  }
  CHECK(*mine.count == 3);
  CHECK(*counted == 3);
}

TEST_CASE("A constant object is a callback where its hooks are constant", "[train][callbacks]") {
  struct Watch {
    int* steps;
    void on_step_end(const StepInfo&) const { ++*steps; }
  };
  int steps = 0;
  const Watch watch{&steps};
  call_all(std::cref(watch));
  call_all(watch);
  CHECK(steps == 2);
}
