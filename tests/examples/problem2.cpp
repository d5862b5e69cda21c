// SPDX-License-Identifier: MIT
#include <cmath>
#include <set>

#include "program.hpp"

using namespace support;

namespace {

Json reference() { return Json::parse(read(fs::path{TARN_TESTS} / "reference/problem2_seeded.json"))["settings"]; }

/// The largest magnitude among what the reference tells of a layer.
double largest(const Json& layer) {
  double result = 0;
  for (const char* list : {"first_five", "quantiles"})
    for (const Json& value : layer[list]) result = std::max(result, std::abs(value.get<double>()));
  return result;
}

double value(const Json& tree, const std::string& pointer) { return tree.at(Json::json_pointer{pointer}).get<double>(); }

}  // namespace

TEST_CASE("problem2_initialization reproduces the seeded activations of all thirteen settings", "[examples][problem2]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem2_initialization", "--quick --only 2.1 --form published --seed 77");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  const Json result = support::result(folder, "problem2"), ours = result["published"]["problem2"]["initialization"];
  const Json expected_all = reference();
  check_has_form_of(expected_all, ours);
  REQUIRE(ours.size() == 13);
  for (const auto& [setting, expected] : expected_all.items()) {
    CHECK(ours[setting]["activation"] == expected["activation"]);
    for (std::size_t i = 0; i < 5; ++i) {
      INFO(setting << ", layer " << i + 1);
      const Json &layer = ours[setting]["layers"][i], &known = expected["layers"][i];
      CHECK(layer["layer"] == known["layer"]);
      // The reference is rounded to six decimals.
      const double tolerance = 1e-5 * largest(known) + 0.5e-6;
      for (std::size_t k = 0; k < 5; ++k) {
        CHECK(std::abs(layer["first_five"][k].get<double>() - known["first_five"][k].get<double>()) <= tolerance);
        CHECK(std::abs(layer["quantiles"][k].get<double>() - known["quantiles"][k].get<double>()) <= tolerance);
      }
      for (const char* figure : {"mean", "standard_deviation"})
        CHECK(std::abs(layer[figure].get<double>() - known[figure].get<double>()) <= tolerance);
      // Shares of 50,000 values: one may lie on the other side of a border.
      for (const char* figure : {"zero_share", "saturated_share"})
        CHECK(std::abs(layer[figure].get<double>() - known[figure].get<double>()) <= 2.5 / 50000);
    }
  }
  constexpr double published[] = {0.471986, 0.217645, -0.019485, -0.011170, -0.464690};
  for (std::size_t k = 0; k < 5; ++k)
    CHECK(std::abs(ours["normal_0.05_tanh"]["layers"][0]["first_five"][k].get<double>() - published[k]) < 1e-6);
  CHECK(result["findings"]["same_kernels"].get<std::string>().find("is 0: ") != std::string::npos);
  CHECK(result["run"]["only"] == "2.1");
  CHECK(result["agreement"].empty());
  check_files(folder, result);
}

TEST_CASE("problem2_initialization --quick answers all parts in both forms", "[examples][problem2]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem2_initialization", "--quick --seed 4");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.error.empty());
  CHECK(outcome.out.find("QUICK RUN") != std::string::npos);
  const Json result = support::result(folder, "problem2");
  const Json ours = result["published"]["problem2"], corrected = result["corrected"]["problem2"];
  check_has_form_of(published("problem2"), ours);
  check_has_form_of(published("problem2"), corrected);
  CHECK(ours["simulations"] == 1000);

  // 2.1: each layer multiplies the gradient by about (deviation of the kernel) x 10 x (slope, root mean square).
  CHECK(corrected["initialization"].size() == 13);
  for (const auto& [setting, factor] : corrected["gradient_factors"].items()) {
    INFO(setting);
    CHECK(factor["draws"] == 5);
    CHECK(factor["mean"].get<double>() == Approx(factor["expected"].get<double>()).epsilon(0.15));
  }
  const Json& factors = corrected["gradient_factors"];
  CHECK(value(factors, "/normal_0.05_tanh/mean") == Approx(0.5).margin(0.06));
  CHECK(value(factors, "/he_normal_relu/mean") == Approx(1).margin(0.12));
  CHECK(value(factors, "/glorot_normal_relu/mean") == Approx(std::sqrt(0.5)).margin(0.09));
  CHECK(value(factors, "/normal_0.05_sigmoid/mean") == Approx(0.125).margin(0.02));

  // 2.2, 2.3: shares of 1000 networks, four standard deviations wide.
  CHECK(value(ours, "/relu/collapsed") == Approx(0.964).margin(0.026));
  CHECK(value(ours, "/leaky_relu/collapsed") == Approx(0.945).margin(0.03));
  CHECK(value(ours, "/relu/seconds") > 0);
  REQUIRE(result["agreement"].size() == 2);
  for (const char* rectifier : {"relu", "leaky_relu"}) {
    INFO(rectifier);
    const Json& classes = corrected[rectifier]["classes"];
    REQUIRE(classes.size() == 4);
    double alive = 0;
    Json epochs = Json::array();
    for (const Json& moment : classes) {
      epochs.push_back(moment["epochs"]);
      CHECK(moment["networks"] == 1000);
      CHECK(value(moment, "/dead_at_birth/share") + value(moment, "/constant_since/share") + value(moment, "/flat/share") ==
            Approx(value(moment, "/collapsed/share")));
      CHECK(value(moment, "/collapsed/share") + value(moment, "/alive/share") == Approx(1));
      for (const char* name : {"collapsed", "dead_at_birth", "constant_since", "flat", "alive"}) {
        CHECK(value(moment[name], "/low") <= value(moment[name], "/share") + 1e-12);
        CHECK(value(moment[name], "/share") <= value(moment[name], "/high") + 1e-12);
      }
      CHECK(value(moment, "/alive/share") >= alive - 0.01);
      alive = value(moment, "/alive/share");
    }
    CHECK(epochs == Json{0, 2, 5, 10});
    CHECK(classes[1]["collapsed"]["share"] == ours[rectifier]["collapsed"]);  // one training for both forms
    CHECK(classes[3]["collapsed"]["share"] == corrected[rectifier]["collapsed"]);
  }
  CHECK(value(corrected, "/relu/classes/0/dead_at_birth/share") == Approx(0.907).margin(0.036));  // the bounds are 0.890, 0.925
  CHECK(value(corrected, "/leaky_relu/classes/0/dead_at_birth/share") == 0);
  CHECK(value(corrected, "/leaky_relu/collapsed") < value(corrected, "/relu/collapsed") - 0.1);

  const Json& grid = corrected["depth_and_width"];
  REQUIRE(grid.size() == 40);
  std::set<std::pair<int, int>> places;
  for (const Json& cell : grid) {
    INFO(cell.dump());
    places.insert({cell["depth"].get<int>(), cell["width"].get<int>()});
    // Wilson's interval is that of two standard deviations; of 40 cells some may lie further out.
    CHECK(value(cell, "/dead_at_birth/low") <= value(cell, "/upper_bound") + 0.1);
    CHECK(value(cell, "/dead_at_birth/high") >= value(cell, "/lower_bound") - 0.1);
    CHECK(value(cell, "/dead_at_birth/share") <= value(cell, "/collapsed/share"));
  }
  CHECK(places.size() == 40);
  CHECK(places.count({30, 8}) == 1);
  // Ten layers of width 2, worked by hand: q = 3/4, 1 - 2 q^10 + q^18 / 2 and 1 - q^9.
  for (const Json& cell : grid)
    if (cell["depth"] == 10 && cell["width"] == 2) {
      CHECK(value(cell, "/lower_bound") == Approx(1 - 2 * std::pow(0.75, 10) + 0.5 * std::pow(0.75, 18)));
      CHECK(value(cell, "/upper_bound") == Approx(1 - std::pow(0.75, 9)));
    }

  REQUIRE(result["repeats"].size() == 1);
  CHECK(result["repeats"][0]["published"]["problem2"] == ours);
  CHECK(result["run"]["complete"] == true);
  CHECK(result["run"]["fingerprints"].size() == 28);
  CHECK(result["figures"].size() == 11);
  CHECK(result["tables"].size() == 10);
  check_files(folder, result);
}

TEST_CASE("problem2_initialization gives the same networks for the same seed on one thread and on three, others for another",
          "[examples][problem2]") {
  const Folder folder;
  Json fingerprints[3], shares[3];
  int i = 0;
  for (const std::string arguments : {"--seed 5 --threads 1", "--seed 5 --threads 3", "--seed 6 --threads 3"}) {
    REQUIRE(run(folder, "problem2_initialization", "--quick --only 2.2 --form published --repeats 2 " + arguments).code == 0);
    const Json result = support::result(folder, "problem2");
    fingerprints[i] = result["run"]["fingerprints"];
    for (const Json& repeat : result["repeats"]) shares[i].push_back(repeat["published"]["problem2"]["relu"]["collapsed"]);
    CHECK(result["repeats"].size() == 2);
    CHECK_FALSE(result.contains("corrected"));
    ++i;
  }
  CHECK(fingerprints[0] == fingerprints[1]);
  CHECK(shares[0] == shares[1]);
  CHECK(fingerprints[0] != fingerprints[2]);
  CHECK(shares[0][1] == shares[2][0]);  // repeat r has seed + r
}

TEST_CASE("problem2_initialization ends with 130 on Ctrl-C, after writing what is finished", "[examples][problem2]") {
  const Folder folder;
  const Outcome outcome =
      run(folder, "problem2_initialization", "--only 2.3 --epochs 100000", "timeout --preserve-status --signal=INT 3");
  CHECK(outcome.code == 130);
  const Json result = support::result(folder, "problem2");
  CHECK(result["run"]["complete"] == false);
  CHECK(result["repeats"].empty());
}

TEST_CASE("problem2_initialization takes signals that come together for one Ctrl-C", "[examples][problem2]") {
  const Folder folder;
  const Outcome outcome =
      run(folder, "problem2_initialization", "--only 2.3 --epochs 100000",
          R"(timeout -s KILL 60 sh -c '"$@" & sleep 2; for signal in $(seq 99); do kill -INT $!; done; wait $!' sh)");
  CHECK(outcome.code == 130);
  CHECK(support::result(folder, "problem2")["run"]["complete"] == false);
}
