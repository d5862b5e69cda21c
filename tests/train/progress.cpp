// SPDX-License-Identifier: MIT
#include <tarn/train/progress.hpp>

#include <regex>
#include <sstream>

#include "../catch.hpp"

using namespace tarn;

namespace {

/// Two epochs of three steps, told to a bar.
std::string shown(std::optional<bool> terminal, bool accuracy, bool validation) {
  std::ostringstream out;
  ProgressBar bar{{.out = &out, .terminal = terminal}};
  bar.on_fit_begin({.epochs = 2, .samples = 30});
  for (Index epoch = 1; epoch <= 2; ++epoch) {
    bar.on_epoch_begin(epoch);
    Metrics metrics{0, 1.25, {}};
    if (accuracy) metrics.accuracy = 0.5;
    for (Index i = 0; i < 3; ++i) {
      metrics.samples += 10;
      bar.on_step_end({.epoch = epoch, .iteration = i, .batch = 10, .learning_rate = 0.1, .loss = 1, .running = metrics});
    }
    EpochRecord record{.epoch = epoch, .steps = 3, .training = metrics, .validation = {}, .learning_rate = 0.1, .seconds = 1.5};
    if (validation) record.validation = Metrics{20, 0.75, 0.9};
    bar.on_epoch_end(record);
  }
  return out.str();
}

}  // namespace

TEST_CASE("Without a terminal progress is one plain line an epoch", "[train][progress]") {
  CHECK(shown({}, true, true) ==
        "Epoch 1/2: loss 1.2500, accuracy 0.5000; validation loss 0.7500, accuracy 0.9000; 1.50 s\n"
        "Epoch 2/2: loss 1.2500, accuracy 0.5000; validation loss 0.7500, accuracy 0.9000; 1.50 s\n");
  CHECK(shown(false, false, false) == "Epoch 1/2: loss 1.2500; 1.50 s\nEpoch 2/2: loss 1.2500; 1.50 s\n");
}

TEST_CASE("On a terminal a bar fills up and gives way to the epoch's line", "[train][progress]") {
  const std::string out = shown(true, true, false);
  const std::regex full{"\\rEpoch 1/2 \\[={14}\\] loss 1\\.2500, accuracy 0\\.5000, [0-9]+/s, 0 s left\x1b\\[K"};
  CHECK(std::regex_search(out, full));
  CHECK(out.find("\r\x1b[KEpoch 1/2: loss 1.2500, accuracy 0.5000; 1.50 s\n") != std::string::npos);
  CHECK(std::count(out.begin(), out.end(), '\n') == 2);
}

TEST_CASE("Other metrics are shown by name, in the epoch's line all of them", "[train][progress]") {
  std::ostringstream out;
  ProgressBar bar{{.out = &out}};
  bar.on_fit_begin({.epochs = 1, .samples = 10, .metrics = {"top 5", "mean absolute error"}});
  bar.on_epoch_begin(1);
  Metrics metrics{10, 1.25, {}};
  metrics.values[0] = 0.5;
  metrics.values[1] = 123456789;
  bar.on_epoch_end({.epoch = 1, .steps = 1, .training = metrics, .validation = Metrics{10, 2e-5, 1}, .seconds = 1});
  CHECK(out.str() ==
        "Epoch 1/1: loss 1.2500, top 5 0.5000, mean absolute error 1.2346e+08; "
        "validation loss 2.0000e-05, accuracy 1.0000, top 5 0.0000, mean absolute error 0.0000; 1.00 s\n");
}

TEST_CASE("A bar leaves out metrics that would not fit into 79 columns", "[train][progress]") {
  for (std::size_t count = 0; count <= max_metrics; ++count) {
    std::ostringstream out;
    ProgressBar bar{{.out = &out, .terminal = true}};
    bar.on_fit_begin({.epochs = 100, .samples = 10, .metrics = std::vector<std::string>(count, "top 5")});
    bar.on_epoch_begin(99);
    bar.on_step_end({.epoch = 99, .batch = 10, .running = Metrics{10, 1, 1}});
    const std::string line = out.str().substr(1, out.str().find('\x1b') - 1);  // after the carriage return
    INFO(line);
    CHECK(line.find("Epoch 99/100 [====") == 0);
    CHECK(line.find("=] loss 1.0000, accuracy 1.0000, ") != std::string::npos);
    CHECK(line.size() <= 79);
    CHECK(line.find(" s left") == line.size() - 7);
  }
}

TEST_CASE("Where the number of epochs is not known none is shown", "[train][progress]") {
  std::ostringstream out;
  ProgressBar bar{{.out = &out}};
  bar.on_fit_begin({.epochs = 0, .steps = 5'000'000, .samples = 10});
  bar.on_epoch_begin(1);
  bar.on_epoch_end({.epoch = 1, .steps = 1, .training = Metrics{10, 1, {}}, .seconds = 1});
  CHECK(out.str() == "Epoch 1: loss 1.0000; 1.00 s\n");
}

TEST_CASE("A bar is full when the steps of the run are made", "[train][progress]") {
  std::ostringstream out;
  ProgressBar bar{{.out = &out, .terminal = true}};
  bar.on_fit_begin({.epochs = 2, .steps = 5, .samples = 30});
  for (Index epoch = 1; epoch <= 2; ++epoch) {
    bar.on_epoch_begin(epoch);
    const Index steps = epoch == 1 ? 3 : 2;
    for (Index i = 1; i <= steps; ++i) bar.on_step_end({.epoch = epoch, .batch = 10, .running = Metrics{10 * i, 1, {}}});
    bar.on_epoch_end({.epoch = epoch, .steps = steps, .training = Metrics{10 * steps, 1, {}}, .seconds = 1});
  }
  CHECK(out.str().find("Epoch 1/2 [==============] loss 1.0000, ") != std::string::npos);
  CHECK(out.str().find("Epoch 2/2 [==============] loss 1.0000, ") != std::string::npos);
}
