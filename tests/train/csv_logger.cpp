// SPDX-License-Identifier: MIT
#include <tarn/train/csv_logger.hpp>

#include <sstream>

#include "../catch.hpp"
#include "../support/compare.hpp"

using namespace tarn;

namespace {

History two_epochs() {
  History history;
  history.metrics = {"top 5"};
  for (Index epoch = 1; epoch <= 2; ++epoch)
    history.epochs.push_back({epoch, 3, Metrics{10, 0.5, 0.25}, Metrics{5, 1, 0}, 0.1, 2});
  return history;
}

}  // namespace

TEST_CASE("A logger has written an epoch's line when the epoch ends", "[train][csv_logger]") {
  const History history = two_epochs();
  std::ostringstream out;
  const Callback logger = CsvLogger{out};
  logger.fit_begin({.epochs = 2, .samples = 10, .metrics = history.metrics});
  CHECK(out.str() == epochs_csv({{}, {}, history.metrics}));
  CHECK(logger.epoch_end(history.epochs[0]) == Training::go_on);
  CHECK(out.str() == epochs_csv({{history.epochs[0]}, {}, history.metrics}));
  logger.epoch_end(history.epochs[1]);
  CHECK(out.str() == epochs_csv(history));
}

TEST_CASE("A logger that appends leaves the header out", "[train][csv_logger]") {
  const History history = two_epochs();
  std::ostringstream out;
  for (const bool append : {false, true}) {
    const Callback logger = CsvLogger{out, append};
    logger.fit_begin({.metrics = history.metrics});
    logger.epoch_end(history.epochs[append]);
  }
  CHECK(out.str() == epochs_csv(history));
}

TEST_CASE("A logger tells that its stream takes no more", "[train][csv_logger]") {
  std::ostringstream out;
  const Callback logger = CsvLogger{out};
  logger.fit_begin({});
  out.setstate(std::ios::badbit);
  CHECK(support::error_of<IoError>([&] { logger.epoch_end({.epoch = 3}); }) == "CsvLogger: epoch 3 could not be written");
}
