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

TEST_CASE("The confidence interval of the mean is mean +- t s / sqrt(n), and there is none of one value",
          "[examples][statistics]") {
  CHECK_FALSE(confidence_interval({1}));
  const auto interval = confidence_interval({1, 2, 3, 4, 5});
  REQUIRE(interval);
  CHECK(interval->low == Approx(3 - 2.776 * 1.5811388301 / 2.2360679775));
  CHECK(interval->high == Approx(3 + 2.776 * 1.5811388301 / 2.2360679775));
}

TEST_CASE("Kinds of run are compared by the differences of those that share a seed, and their mean decides",
          "[examples][statistics]") {
  CHECK(paired({}, {1}).runs == 0);
  CHECK_FALSE(paired({2}, {1}).interval);
  CHECK_FALSE(paired({2}, {1}).told_apart());
  const Paired mixed = paired({1, 5, 3}, {2, 4, 3});  // differences -1, 1, 0
  CHECK(mixed.difference == 0);
  CHECK_FALSE(mixed.told_apart());
  CHECK_FALSE(mixed.first_is_higher());
  // The first difference has the other sign than all the rest.
  const Paired higher = paired({0.9, 3, 3, 3, 3, 3, 3, 99}, {1, 1, 1, 1, 1, 1, 1});
  CHECK(higher.runs == 7);
  CHECK(higher.first == Approx(18.9 / 7));
  CHECK(higher.second == 1);
  CHECK(higher.told_apart());
  CHECK(higher.first_is_higher());
  const Paired lower = paired({1, 1.1, 1, 0.9}, {2, 2, 2.1, 2});
  CHECK(lower.told_apart());
  CHECK_FALSE(lower.first_is_higher());
}

TEST_CASE("Quantiles lie in a line between neighbours", "[examples][statistics]") {
  CHECK(quantile({4, 1, 3, 2}, 0) == 1);
  CHECK(quantile({4, 1, 3, 2}, 0.5) == 2.5);
  CHECK(quantile({4, 1, 3, 2}, 0.25) == 1.75);
  CHECK(quantile({4, 1, 3, 2}, 1) == 4);
  CHECK(quantile({7}, 0.3) == 7);
}

TEST_CASE("Student's t falls to the normal distribution's value", "[examples][statistics]") {
  CHECK(student_t(1) == 12.706);
  CHECK(student_t(30) == 2.042);
  CHECK(student_t(100) == Approx(1.984).margin(0.001));
  CHECK(student_t(999) == Approx(1.962).margin(0.001));
}

TEST_CASE("Wilson's interval and that of two shares, worked", "[examples][statistics]") {
  const Interval wilson = wilson_interval(948, 1000);  // (0.948 + 0.0019207 -+ 0.0138928) / 1.0038415
  CHECK(wilson.low == Approx(0.93245).margin(2e-5));
  CHECK(wilson.high == Approx(0.96012).margin(2e-5));
  CHECK(wilson_interval(0, 10).low == 0);
  CHECK(wilson_interval(0, 10).high == Approx(0.2775).margin(1e-4));
  const Interval share = share_interval(948, 1000, 0.964, 1000);  // pooled 0.956, reach 1.96 sqrt(0.956 * 0.044 / 500)
  CHECK(share.low == Approx(0.948 - 0.017977).margin(1e-5));
  CHECK(share.high == Approx(0.948 + 0.017977).margin(1e-5));
  CHECK(share.contains(0.964));
  CHECK_FALSE(share.contains(0.967));
}

TEST_CASE("A smoothed density has its peak where the values are, and one of equal values is a line", "[examples][statistics]") {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(i % 10 == 0 ? 5 : 1 + 0.001 * (i % 7));
  const auto density = smoothed_density(values);
  REQUIRE(density.size() == 80);
  CHECK(density.front().value == 1);
  CHECK(density.back().value == Approx(5));
  CHECK(density.front().density == Approx(1).margin(0.1));
  CHECK(density[40].density < 0.01);
  CHECK(density.back().density < 0.4);
  CHECK(density.back().density > 0.01);
  const auto equal = smoothed_density({2, 2, 2});
  CHECK(equal.front().value == 2);
  CHECK(equal.back().value == 2);
}

TEST_CASE("A published figure agrees within the interval, and says why where it does not", "[examples][results]") {
  const auto inside = Agreement::of_runs("accuracy", 3.5, {1, 2, 3, 4, 5}, 1, "a reason");
  CHECK(inside.verdict == "yes");
  CHECK(inside.ours == "3.0");
  CHECK(inside.spread == "1.6");
  CHECK(inside.interval == "-1.8 to 7.8");
  CHECK(inside.why.empty());
  const auto outside = Agreement::of_runs("accuracy", 9, {1, 2, 3, 4, 5}, 1, "a reason");
  CHECK(outside.verdict == "no");
  CHECK(outside.why == "a reason");
  CHECK(Agreement::of_runs("accuracy", 9, {1, 2, 3, 4}, 1, "a reason").verdict == "no judgement");
  CHECK(Agreement::of_shares("collapsed", 0.964, 1000, 948, 1000).verdict == "yes");
  CHECK(Agreement::of_shares("collapsed", 0.99, 1000, 948, 1000, "a reason").why == "a reason");
}

TEST_CASE("A tree that is not in every repeat is joined over those that have it", "[examples][results]") {
  const Json joined =
      median_tree({Json::parse(R"({"a": 1, "b": [1, 2]})"), Json::parse(R"({"a": 3})"), Json::parse(R"({"a": 2, "c": 5})")});
  CHECK(joined == Json::parse(R"({"a": 2.0, "b": [1, 2], "c": 5})"));
}

TEST_CASE("Trees of one structure are joined by the median of each number", "[examples][results]") {
  const Json joined = median_tree({Json::parse(R"({"a": [1, 2.5], "b": {"n": 7, "t": "x"}})"),
                                   Json::parse(R"({"a": [3, 0.5], "b": {"n": 7, "t": "x"}})"),
                                   Json::parse(R"({"a": [2, 1.5], "b": {"n": 7, "t": "x"}})")});
  CHECK(joined == Json::parse(R"({"a": [2.0, 1.5], "b": {"n": 7, "t": "x"}})"));
}

TEST_CASE("A file that cannot be written is named, and no half of it is left", "[examples][results]") {
  CHECK_THROWS_WITH(write_json("/nonexistent/folder/x.json", Json::object()), "/nonexistent/folder/x.json: cannot be written");
  CHECK_THROWS_WITH(read_json("/nonexistent/folder/x.json"), "/nonexistent/folder/x.json: cannot be read");
}
