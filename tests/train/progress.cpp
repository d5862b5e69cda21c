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
