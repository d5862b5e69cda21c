// SPDX-License-Identifier: MIT
// The program as its callers see it: TARN_BENCHMARKS is where it was built.
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "../../catch.hpp"

namespace {

using Json = nlohmann::json;

struct Outcome {
  int code;
  std::string text;  // both streams
};
Outcome run(const std::string& arguments) {
  std::FILE* pipe = ::popen(("'" TARN_BENCHMARKS "' " + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

}  // namespace

TEST_CASE("A network in words is timed, one JSON line", "[benchmarks]") {
  const std::string mode = GENERATE("", "--predict", "--cpu-time");
  const Outcome outcome =
      run("model --input 6x6x1 --layers 'conv 4 3 same relu; avgpool 2; flatten; dense 3' --batch 5 "
          "--optimizer adam --threads 1 --repeat 3 --json " +
          mode);
  INFO(outcome.text);
  REQUIRE(outcome.code == 0);
  CHECK(std::count(outcome.text.begin(), outcome.text.end(), '\n') == 1);
  const Json line = Json::parse(outcome.text);
  for (const char* key : {"ms", "gflops", "peak_gflops", "peak_share", "peak_mib", "loss"}) {
    INFO(key);
    REQUIRE(line.contains(key));
    CHECK(line[key].get<double>() >= (std::string{key} == "loss" ? 0 : 1e-9));  // labels learnt by heart cost nothing
  }
  const double forward = 2.0 * 36 * 9 * 4, product = 2.0 * 36 * 3;
  const double flops = 5 * (mode != "--predict" ? 2 * forward + 3 * product : forward + product);
  CHECK(std::abs(line["gflops"].get<double>() * line["ms"].get<double>() * 1e6 / flops - 1) < 1e-9);
  CHECK(line["work"] == "model");
  CHECK(line["threads"] == 1);
  CHECK(line["ms_of_each"].size() == 3);
  CHECK(line["batch"] == 5);
  CHECK(line["predict"] == (mode == "--predict"));
}

TEST_CASE("The machine's peak can be asked for alone", "[benchmarks]") {
  const Outcome outcome = run("peak --threads 1 --json");
  INFO(outcome.text);
  REQUIRE(outcome.code == 0);
  const Json line = Json::parse(outcome.text);
  CHECK(line["threads"] == 1);
  CHECK(line["peak_gflops"].get<double>() > 0);
  CHECK_FALSE(line.contains("handover_ns"));
  CHECK(Json::parse(run("peak --threads 2 --json").text)["handover_ns"].get<double>() > 0);
  CHECK(run("peak --profile").code == 2);
}

TEST_CASE("Works are timed in processes of their own, or listed", "[benchmarks]") {
  const Outcome timed = run("W8 --threads 2 --repeat 1 --json");
  INFO(timed.text);
  REQUIRE(timed.code == 0);
  const auto end = timed.text.find('\n');
  CHECK(Json::parse(timed.text.substr(0, end))["batch"] == 1);
  CHECK(Json::parse(timed.text.substr(end))["batch"] == 1000);

  const Outcome listed = run("W2 --list --json");
  REQUIRE(listed.code == 0);
  const Json line = Json::parse(listed.text);
  CHECK(line["work"] == "W2");
  CHECK(line["optimizer"] == "rmsprop");
  CHECK(line["batch"] == 128);
}

TEST_CASE("A command line that says nothing sensible ends with 2", "[benchmarks]") {
  const Outcome word = run("model --input 6 --layers 'dense 3; blur 2'");
  CHECK(word.code == 2);
  CHECK(word.text ==
        "benchmarks: layer 1 (blur 2): type is 'blur', expected conv, dense, avgpool, maxpool, batchnorm, dropout, flatten or an "
        "activation\n");
  CHECK(run("W9").code == 2);
  CHECK(run("model --input 6").code == 2);
  CHECK(run("model --input 6 --layers 'dense 3' --optimizer adagrad").code == 2);
  CHECK(run("model --input 6x6x1 --layers 'conv 3 3 same'").code == 2);
  CHECK(run("model --input 6 --layers 'dense 3' --threads 0").code == 2);
  CHECK(run("model --input 6 --layers 'dense 3' --threads 2 --cpu-time").code == 2);
  CHECK(run("W3 --profile").code == 2);
  CHECK(run("growth --profile").code == 2);
}

TEST_CASE("Missing data end with 3", "[benchmarks]") {
  const Outcome outcome = run("W1 --data /nowhere");
  CHECK(outcome.code == 3);
  CHECK(outcome.text.find("/nowhere") != std::string::npos);
}
