// SPDX-License-Identifier: MIT
#include <tarn/core/devices.hpp>

#include "program.hpp"

using namespace support;

TEST_CASE("problem1_perceptron gives the published figures' structure in both forms, and the spread of the draws",
          "[examples][problem1]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem1_perceptron", "--seed 3");
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  const Json result = support::result(folder, "problem1");
  for (const char* form : {"published", "corrected"}) {
    const Json& ours = result[form]["problem1"];
    CHECK(ours["initial_weights"] == published("problem1")["initial_weights"]);
    for (const char* loss : {"perceptron", "hinge"}) {
      INFO(form << ", " << loss);
      CHECK(ours[loss]["final_weights"].size() == 2);
      CHECK(ours[loss]["test_accuracy"] > 0.4);
      CHECK(ours[loss]["test_accuracy"] <= 1);
      CHECK(ours[loss]["test_accuracy_of_all_draws"]["draws"] == 1000);
    }
  }
  check_has_form_of(published("problem1"), [&] {
    Json ours = result["published"]["problem1"];
    ours["hinge"]["final_weights"] = {0, 0};
    return ours;
  }());
  // Quantiles 2.5, 50 and 97.5 % over 400 draws of the published procedure, found independently: 0.78, 0.96, 1.00 and 0.56, 0.81, 0.98.
  const Json& perceptron = result["published"]["problem1"]["perceptron"]["test_accuracy_of_all_draws"];
  const Json& hinge = result["published"]["problem1"]["hinge"]["test_accuracy_of_all_draws"];
  CHECK(perceptron["quantile_2.5"].get<double>() == Approx(0.78).margin(0.08));
  CHECK(perceptron["median"].get<double>() == Approx(0.96).margin(0.02));
  CHECK(perceptron["quantile_97.5"].get<double>() == Approx(1.00).margin(0.01));
  CHECK(hinge["quantile_2.5"].get<double>() == Approx(0.56).margin(0.08));
  CHECK(hinge["median"].get<double>() == Approx(0.81).margin(0.03));
  CHECK(hinge["quantile_97.5"].get<double>() == Approx(0.98).margin(0.02));
  CHECK(result["published"]["problem1"]["hinge"]["test_loss"] == 1);  // the published maximum
  // The right losses: both find lines that are near the true one.
  for (const char* loss : {"perceptron", "hinge"}) {
    const Json& ours = result["corrected"]["problem1"][loss];
    CHECK(ours["test_accuracy_of_all_draws"]["mean"] > 0.95);
    CHECK(ours["mean_loss_by_epoch"].back() < ours["mean_loss_by_epoch"].front());
  }
  REQUIRE(result["repeats"].size() == 5);
  CHECK(result["repeats"][0]["published"]["problem1"]["perceptron"]["train_accuracy_by_epoch"].size() == 10);
  CHECK(result["run"]["seed"] == 3);
  CHECK(result["run"]["complete"] == true);
  CHECK(result["run"]["seconds"]["1"] > 0);
  CHECK(result["agreement"].size() == 9);
  check_files(folder, result);
}

TEST_CASE("problem1_perceptron --quick is marked as quick, and --form runs one form alone", "[examples][problem1]") {
  const Folder folder;
  const Outcome outcome = run(folder, "problem1_perceptron", "--quick --form published");
  REQUIRE(outcome.code == 0);
  CHECK(outcome.out.find("QUICK RUN") != std::string::npos);
  const Json result = support::result(folder, "problem1");
  CHECK(result["quick"] == true);
  CHECK(result["run"]["form"] == "published");
  CHECK(result.contains("published"));
  CHECK_FALSE(result.contains("corrected"));
  check_files(folder, result);
}

TEST_CASE("Without gnuplot a program says so once, and keeps tables and numbers", "[examples][problem1]") {
  const Folder folder;
  // A PATH that has what the program may call, but no gnuplot.
  const fs::path bin = folder.path / "bin";
  fs::create_directories(bin);
  fs::create_symlink("/bin/sh", bin / "sh");
  const Outcome outcome = run(folder, "problem1_perceptron", "--quick", "PATH=" + bin.string());
  INFO(outcome.error);
  REQUIRE(outcome.code == 0);
  const auto first = outcome.out.find("gnuplot is not on this machine");
  REQUIRE(first != std::string::npos);
  CHECK(outcome.out.find("gnuplot", first + 1) == std::string::npos);
  check_files(folder, support::result(folder, "problem1"), false);
}

TEST_CASE("Ctrl-C while a picture is drawn ends the program with 130, and leaves no half of anything", "[examples][problem1]") {
  const Folder folder;
  const fs::path bin = folder.path / "bin";
  fs::create_directories(bin);
  std::ofstream{bin / "gnuplot"}
      << "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nkill -INT $$\n";  // as the terminal's Ctrl-C ends it
  fs::permissions(bin / "gnuplot", fs::perms::owner_all);
  const Outcome outcome = run(folder, "problem1_perceptron", "--quick", "PATH=" + bin.string() + ":$PATH");
  INFO(outcome.error);
  CHECK(outcome.code == 130);
  const Json result = support::result(folder, "problem1");
  CHECK(result["run"]["complete"] == false);
  CHECK(result["figures"].empty());
  for (const auto& file : fs::directory_iterator(folder.results())) CHECK(file.path().extension() != ".gnuplot");
}

TEST_CASE("A picture that gnuplot refuses is an error, but the numbers are written", "[examples][problem1]") {
  const Folder folder;
  const fs::path bin = folder.path / "bin";
  fs::create_directories(bin);
  std::ofstream{bin / "gnuplot"} << "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\nexit 1\n";
  fs::permissions(bin / "gnuplot", fs::perms::owner_all);
  const Outcome outcome = run(folder, "problem1_perceptron", "--quick", "PATH=" + bin.string() + ":$PATH");
  CHECK(outcome.code == 1);
  CHECK(outcome.error.find("problem1_curves.svg: gnuplot could not draw it") != std::string::npos);
  CHECK(support::result(folder, "problem1")["run"]["complete"] == true);
}

TEST_CASE("The programs refuse a wrong option or value with 2 and one line that names it", "[examples]") {
  const Folder folder;
  const auto wrong = [&](const std::string& program, const std::string& arguments) {
    const Outcome outcome = run(folder, program, arguments);
    INFO(program << ' ' << arguments << ": " << outcome.error);
    CHECK(outcome.code == 2);
    CHECK(std::count(outcome.error.begin(), outcome.error.end(), '\n') == 1);
    return outcome.error;
  };
  for (const std::string program : {"problem1_perceptron", "problem2_initialization", "problem3_lenet", "problem4_schedules"}) {
    CHECK(wrong(program, "--nonsense") == program + ": The following argument was not expected: --nonsense\n");
    CHECK(wrong(program, "--threads 0") == program + ": --threads: Value 0 not in range 1 to 256\n");
    CHECK(wrong(program, "--epochs none").find("--epochs") != std::string::npos);
    CHECK(wrong(program, "--device tpu").find("--device") != std::string::npos);
    CHECK(wrong(program, "--form both,published").find("--form") != std::string::npos);
    CHECK(wrong(program, "--only 7").find("--only") != std::string::npos);
    CHECK(wrong(program, "--seed -1").find("--seed") != std::string::npos);
    CHECK(wrong(program, "--repeats 0").find("--repeats") != std::string::npos);
  }
  CHECK(wrong("problem1_perceptron", "--repeats 1001") ==
        "problem1_perceptron: --repeats: 1001 of 1000 draws, expected at most as many\n");
  CHECK(wrong("report", "--nonsense").find("--nonsense") != std::string::npos);
}

TEST_CASE("Programs of the CPU alone end with 4 and the reason where a GPU is asked for", "[examples]") {
  const Folder folder;
  for (const auto& [program, what] : {std::pair<std::string, std::string>{"problem1_perceptron", "ensembles run"},
                                      {"problem2_initialization", "ensembles, and networks that are not trained, run"},
                                      {"own_data", "this program runs"}}) {
    const Outcome outcome = run(folder, program, "--device gpu");
    CHECK(outcome.code == 4);
    CHECK(outcome.error == program + ": --device gpu: " + what + " on the CPU alone; use --device cpu or auto\n");
  }
}

TEST_CASE("Programs of either device take the CPU and say why where no GPU is to be had, and end with 4 where one is asked for",
          "[examples]") {
  if (tarn::devices().size() > 1) return support::skip("this machine has a GPU");
  const Folder folder;
  for (const auto& [program, part] :
       {std::pair<std::string, std::string>{"problem3_lenet", "--epochs 1"}, {"problem4_schedules", "--only 4.5"}}) {
    const Outcome asked = run(folder, program, "--device gpu");
    CHECK(asked.code == 4);
    CHECK(asked.error.starts_with(program + ": gpu: "));
    CHECK(std::count(asked.error.begin(), asked.error.end(), '\n') == 1);
    const Outcome found = run(folder, program, "--quick --form published --device auto " + part);
    if (found.code == 3) continue;  // its data are not on this machine
    CHECK(found.code == 0);
    CHECK(found.out.find("On the CPU (gpu: ") != std::string::npos);
    CHECK(run(folder, program, "--quick --form published --device cpu " + part).out.find("On the CPU.") != std::string::npos);
    CHECK(result(folder, program.substr(0, 8))["run"]["device"] == "cpu");
  }
}

TEST_CASE("A folder for results that cannot be made is a wrong value", "[examples]") {
  const Folder folder;
  std::ofstream{folder.path / "new"} << "a file in the place of the folder";
  const Outcome outcome = run(folder, "problem1_perceptron", "--quick");
  CHECK(outcome.code == 2);
  CHECK(outcome.error.find("--out: " + folder.results().string()) != std::string::npos);
}
