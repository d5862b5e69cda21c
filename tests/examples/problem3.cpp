// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "../catch.hpp"

// The program is run as a user runs it; TARN_EXAMPLES is the folder it was built in.
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

/// An empty folder of this test, removed in the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("tarn-problem3-" + std::to_string(::getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

struct Outcome {
  int code;
  std::string out, error;
};

std::string read(const fs::path& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

Outcome run(const Folder& folder, const std::string& arguments, const std::string& before = "") {
  const fs::path out = folder.path / "out.txt", error = folder.path / "error.txt";
  const std::string command =
      before + " " + TARN_EXAMPLES + "/problem3_lenet " + arguments + " > " + out.string() + " 2> " + error.string();
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(error)};
}

/// The keys and lengths of a tree, without its values.
Json form(const Json& tree) {
  if (tree.is_object()) {
    Json result = Json::object();
    for (const auto& [key, value] : tree.items()) result[key] = form(value);
    return result;
  }
  if (tree.is_array()) {
    Json result = Json::array();
    for (const auto& value : tree) result.push_back(form(value));
    return result;
  }
  return tree.is_number() ? "number" : tree.type_name();
}

}  // namespace

TEST_CASE("problem3_lenet --quick writes the published figures' structure and exact parameter counts", "[examples][problem3]") {
  const Folder folder;
  const Outcome outcome = run(folder, "--quick --epochs 10 --seed 3 --out " + (folder.path / "new/report").string());
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  CHECK(outcome.error.empty());
  CHECK(outcome.out.find("QUICK RUN") != std::string::npos);
  CHECK(outcome.out.find("no judgement") != std::string::npos);

  const Json result = Json::parse(read(folder.path / "new/report/problem3.json"));
  const Json published = Json::parse(read(fs::path{TARN_EXAMPLES_DATA} / "../published.json"))["problem3"];
  const Json ours = result["published"]["problem3"];
  CHECK(result["quick"] == true);
  CHECK(ours["parameters"] == published["parameters"]);
  CHECK(form(ours["input_batchnorm"]) == form(published["input_batchnorm"]));
  for (const char* variant :
       {"standard_input_batchnorm_hidden", "batchnorm_input_and_hidden", "dropout_only", "batchnorm_and_dropout"}) {
    INFO(variant);
    CHECK(form(ours[variant]["epochs"]) == form(published[variant]["epochs"]));
    const Json& last = ours[variant]["epochs"].back();
    CHECK(last["epoch"] == 10);
    CHECK(last["loss"].get<double>() < ours[variant]["epochs"].front()["loss"].get<double>());
    CHECK(last["val_accuracy"].get<double>() > 0.3);
    CHECK(last["val_accuracy"].get<double>() <= 1);
  }
  CHECK(form(ours["standard_input_batchnorm_hidden"]["batch_normalization"]) ==
        form(published["standard_input_batchnorm_hidden"]["batch_normalization"]));
  REQUIRE(result["repeats"].size() == 1);
  CHECK(result["repeats"][0]["published"]["problem3"] == ours);
  CHECK(result["run"]["seed"] == 3);
  CHECK(result["run"]["complete"] == true);
  CHECK(result["run"]["device"] == "cpu");
}

TEST_CASE("problem3_lenet gives the same weights for the same seed on one thread and on three", "[examples][problem3]") {
  const Folder folder;
  Json fingerprints[3];
  int i = 0;
  for (const char* arguments : {"--seed 5 --threads 1", "--seed 5 --threads 3", "--seed 6 --threads 3"}) {
    REQUIRE(run(folder, std::string{"--quick --epochs 1 --out "} + folder.path.string() + " " + arguments).code == 0);
    fingerprints[i++] = Json::parse(read(folder.path / "problem3.json"))["run"]["fingerprints"];
  }
  CHECK(fingerprints[0] == fingerprints[1]);
  REQUIRE(fingerprints[0].size() == 1);
  CHECK(fingerprints[0][0].size() == 4);
  for (const auto& [variant, fingerprint] : fingerprints[0][0].items()) {
    INFO(variant);
    CHECK(fingerprint != "00000000");
    CHECK(fingerprint != fingerprints[2][0][variant]);
  }
}

TEST_CASE("problem3_lenet ends with 2 and one line for a wrong option or value", "[examples][problem3]") {
  const Folder folder;
  const auto wrong = [&](const std::string& arguments) {
    const Outcome outcome = run(folder, arguments);
    INFO(arguments << ": " << outcome.error);
    CHECK(outcome.code == 2);
    CHECK(std::count(outcome.error.begin(), outcome.error.end(), '\n') == 1);
    return outcome.error;
  };
  CHECK(wrong("--nonsense") == "problem3_lenet: The following argument was not expected: --nonsense\n");
  CHECK(wrong("--threads 0") == "problem3_lenet: --threads: Value 0 not in range 1 to 256\n");
  CHECK(wrong("--epochs none").find("--epochs") != std::string::npos);
  CHECK(wrong("--device tpu").find("--device") != std::string::npos);
}

TEST_CASE("problem3_lenet ends with 4 and the reason where a GPU is asked for", "[examples][problem3]") {
  const Folder folder;
  const Outcome outcome = run(folder, "--device gpu");
  CHECK(outcome.code == 4);
  CHECK(outcome.error == "problem3_lenet: --device gpu: this release runs on the CPU alone; use --device cpu or auto\n");
}

TEST_CASE("problem3_lenet ends with 3 and names the broken file", "[examples][problem3]") {
  const Folder folder;
  const fs::path data = folder.path / "data";
  fs::create_directories(data);
  for (const auto& file : fs::directory_iterator(fs::path{TARN_EXAMPLES_DATA} / "mnist"))
    if (file.path().extension() == ".gz") fs::copy(file.path(), data / file.path().filename());
  const fs::path broken = data / "train-images-idx3-ubyte.gz";
  fs::resize_file(broken, fs::file_size(broken) / 2);
  Outcome outcome = run(folder, "--quick --data " + data.string());
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find(broken.string()) != std::string::npos);
  CHECK(outcome.error.find("found the end of the file, expected more compressed data") != std::string::npos);

  fs::remove(broken);
  outcome = run(folder, "--quick --data " + data.string());
  CHECK(outcome.code == 3);
  CHECK(outcome.error.find("lacks train-images-idx3-ubyte") != std::string::npos);
}

TEST_CASE("problem3_lenet ends with 130 on Ctrl-C, after writing what is finished", "[examples][problem3]") {
  const Folder folder;
  const Outcome outcome =
      run(folder, "--epochs 1000 --repeats 1000 --out " + folder.path.string(), "timeout --preserve-status --signal=INT 3");
  CHECK(outcome.code == 130);
  const Json result = Json::parse(read(folder.path / "problem3.json"));
  CHECK(result["run"]["complete"] == false);
  CHECK(result["repeats"].empty());
}
