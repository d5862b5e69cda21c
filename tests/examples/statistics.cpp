// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "../catch.hpp"
#include "common/results.hpp"
#include "common/statistics.hpp"

using namespace examples;

TEST_CASE("Mean, median and deviation of worked values", "[examples][statistics]") {
  const std::vector<double> values{4, 1, 3, 2};
  CHECK(mean(values) == 2.5);
  CHECK(median(values) == 2.5);
  CHECK(median({5, 1, 9}) == 5);
  CHECK(deviation(values) == Approx(1.2909944487));
  CHECK(deviation({7}) == 0);
}

TEST_CASE("The prediction interval is mean +- t s sqrt(1 + 1/n), and there is none below five values", "[examples][statistics]") {
  CHECK_FALSE(prediction_interval({1, 2, 3, 4}));
  const auto interval = prediction_interval({1, 2, 3, 4, 5});  // s = sqrt(2.5), t = 2.776 for 4 degrees of freedom
  REQUIRE(interval);
  CHECK(interval->low == Approx(3 - 2.776 * 1.5811388301 * 1.0954451150));
  CHECK(interval->high == Approx(3 + 2.776 * 1.5811388301 * 1.0954451150));
  CHECK(interval->contains(3));
  CHECK_FALSE(interval->contains(8));
}

TEST_CASE("Trees of one structure are joined by the median of each number", "[examples][results]") {
  const Json joined = median_tree({Json::parse(R"({"a": [1, 2.5], "b": {"n": 7, "t": "x"}})"),
                                   Json::parse(R"({"a": [3, 0.5], "b": {"n": 7, "t": "x"}})"),
                                   Json::parse(R"({"a": [2, 1.5], "b": {"n": 7, "t": "x"}})")});
  CHECK(joined == Json::parse(R"({"a": [2.0, 1.5], "b": {"n": 7, "t": "x"}})"));
}

TEST_CASE("A file that cannot be written is named, and no half of it is left", "[examples][results]") {
  CHECK_THROWS_WITH(write_json("/nonexistent/folder/x.json", Json::object()), "/nonexistent/folder/x.json: cannot be written");
}
