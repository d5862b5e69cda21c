// SPDX-License-Identifier: MIT
#include <tarn/io/history.hpp>

#include <limits>

#include "../data/files.hpp"
#include "../support/compare.hpp"

using namespace tarn;
using nlohmann::ordered_json;

namespace {

/// Two epochs, the second validated, and a step.
History recorded() {
  History history;
  history.metrics = {"top 5"};
  Metrics metrics{10, 0.1 + 0.2, 0.5};
  metrics.values[0] = 0.75;
  history.epochs.push_back({1, 3, metrics, {}, 0.01, 1.5});
  history.epochs.push_back({2, 2, Metrics{10, 0.25, {}}, metrics, 0.001, 2});
  history.steps.push_back({1, 7, 32, 0.01, 1e-300, metrics});
  return history;
}

}  // namespace

TEST_CASE("A history becomes JSON with its keys in order, without what was not measured", "[io][history]") {
  CHECK(io::to_json(recorded()).dump() ==
        R"({"epochs":[{"epoch":1,"steps":3,"learning_rate":0.01,"seconds":1.5,)"
        R"("training":{"samples":10,"loss":0.30000000000000004,"accuracy":0.5,"top 5":0.75}},)"
        R"({"epoch":2,"steps":2,"learning_rate":0.001,"seconds":2.0,"training":{"samples":10,"loss":0.25,"top 5":0.0},)"
        R"("validation":{"samples":10,"loss":0.30000000000000004,"accuracy":0.5,"top 5":0.75}}],)"
        R"("steps":[{"iteration":7,"epoch":1,"batch":32,"learning_rate":0.01,"loss":1e-300,)"
        R"("running":{"samples":10,"loss":0.30000000000000004,"accuracy":0.5,"top 5":0.75}}]})");
  CHECK(io::to_json({}).dump() == R"({"epochs":[]})");
}

TEST_CASE("Numbers that are not finite become null", "[io][history]") {
  History history = recorded();
  history.epochs[0].training.loss = std::numeric_limits<double>::quiet_NaN();
  history.epochs[1].learning_rate = std::numeric_limits<double>::infinity();
  const auto read = ordered_json::parse(io::to_json(history).dump());
  CHECK(read["epochs"][0]["training"]["loss"].is_null());
  CHECK(read["epochs"][1]["learning_rate"].is_null());
}

TEST_CASE("A history's file is replaced whole and reads back as it was", "[io][history]") {
  files::TemporaryFolder folder;
  const auto path = folder / "history.json";
  io::write_history(path, {});
  History history = recorded();
  io::write_history(path, history);
  std::ifstream in{path};
  const auto read = ordered_json::parse(in);
  CHECK(read == io::to_json(history));
  CHECK(read["epochs"][0]["training"]["loss"] == 0.1 + 0.2);
  CHECK(read["steps"][0]["loss"] == 1e-300);
  CHECK(std::distance(files::fs::directory_iterator{folder.path()}, {}) == 1);

  history.metrics = {"\xff"};  // not UTF-8
  io::write_history(path, history);
  std::ifstream again{path};
  CHECK(ordered_json::parse(again)["epochs"][0]["training"]["\xef\xbf\xbd"] == 0.75);

  const auto missing = folder / "none" / "history.json";
  CHECK(support::error_of<IoError>([&] { io::write_history(missing, history); }) ==
        "file \"" + missing.string() + "\": cannot be written (No such file or directory)");
}
