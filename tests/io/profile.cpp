// SPDX-License-Identifier: MIT
#include <tarn/io/profile.hpp>

#include <tarn/tarn.hpp>

#include "../catch.hpp"

using namespace tarn;

TEST_CASE("A profile becomes JSON with its rows, without what did not happen", "[io][profile]") {
  Profile profile;
  CHECK(io::to_json(profile).dump() == R"({"rows":[]})");
  Sequential model{Input{2}, Dense{.units = 3}, Flatten{}};
  Trainer trainer{model, MeanSquaredError{}, SGD{}, {.profile = &profile}};
  trainer.train_on_batch({Tensor<float>{Shape{4, 2}}, Tensor<float>{Shape{4, 3}}});
  const auto json = io::to_json(profile);
  CHECK(json["training"]["passes"] == 1);
  CHECK(json["training"]["samples"] == 4);
  CHECK(json["training"]["seconds"] == profile.training().seconds);
  CHECK_FALSE(json.contains("inference"));
  REQUIRE(json["rows"].size() == 6);
  CHECK(json["rows"][0]["name"] == "gather");
  CHECK_FALSE(json["rows"][0].contains("type"));
  const auto& dense = json["rows"][1];
  CHECK(dense["type"] == "Dense");
  CHECK(dense["output"].dump() == "[3]");
  CHECK(dense["forward"]["flops"] == 4 * 2 * 6);
  CHECK(dense["backward"]["flops"] == 4 * 2 * 6);
  CHECK(dense["sharing"].dump() == R"(["no_dx"])");
  CHECK(json["rows"][2].dump() == R"({"name":"flatten","type":"Flatten","output":[3]})");
}
