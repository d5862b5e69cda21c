// SPDX-License-Identifier: MIT
#pragma once

// Runs the example programs as a user runs them; TARN_EXAMPLES is the folder they were built in.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <nlohmann/json.hpp>

#include "../catch.hpp"
#include "../skip.hpp"

namespace support {

using Json = nlohmann::json;
namespace fs = std::filesystem;

/// An empty folder of one test, removed in the end.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("tarn-examples-" + std::to_string(::getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  /// Where `run` has the program write.
  fs::path results() const { return path / "new/the results"; }
};

inline std::string read(const fs::path& file) {
  std::ifstream in{file};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Outcome {
  int code;
  std::string out, error;
};

/// Runs a program; `before` is what stands before it on the command line, as in "VARIABLE=value".
inline Outcome run(const Folder& folder, const std::string& program, const std::string& arguments = "",
                   const std::string& before = "") {
  const fs::path out = folder.path / "out.txt", error = folder.path / "error.txt";
  const auto quoted = [](const fs::path& path) { return "'" + path.string() + "'"; };
  const std::string command = before + " " + quoted(fs::path{TARN_EXAMPLES} / program) + " " + arguments + " --out " +
                              quoted(folder.results()) + " > " + quoted(out) + " 2> " + quoted(error);
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(out), read(error)};
}

/// The JSON file that the program of a problem has left, as in "problem3".
inline Json result(const Folder& folder, const std::string& problem) {
  return Json::parse(read(folder.results() / (problem + ".json")));
}
inline Json published(const std::string& problem) {
  return Json::parse(read(fs::path{TARN_EXAMPLES_DATA} / "../published.json"))[problem];
}

/// Whether a tree has all keys of another, arrays as long, and numbers where that has numbers.
inline void check_has_form_of(const Json& expected, const Json& tree, const std::string& where = "") {
  INFO(where);
  if (expected.is_object()) {
    REQUIRE(tree.is_object());
    for (const auto& [key, value] : expected.items()) {
      INFO(where + "/" + key);
      REQUIRE(tree.contains(key));
      check_has_form_of(value, tree[key], where + "/" + key);
    }
  } else if (expected.is_array()) {
    REQUIRE(tree.is_array());
    REQUIRE(tree.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) check_has_form_of(expected[i], tree[i], where + "/" + std::to_string(i));
  } else {
    CHECK(tree.is_number() == expected.is_number());
  }
}

/// Every picture that the JSON names is there and drawn, every table is in a CSV file, and the run is marked as quick where it was.
inline void check_files(const Folder& folder, const Json& result, bool gnuplot = true) {
  CHECK(result["figures"].empty() != gnuplot);
  for (const Json& figure : result["figures"]) {
    INFO(figure["name"]);
    const std::string svg = read(folder.results() / figure["file"].get<std::string>());
    CHECK(svg.find("</svg>") != std::string::npos);
    CHECK(svg.size() > 3000);
    CHECK_FALSE(figure["title"].get<std::string>().empty());
    CHECK_FALSE(figure["caption"].get<std::string>().empty());
  }
  CHECK_FALSE(result["tables"].empty());
  for (const Json& table : result["tables"]) {
    INFO(table["name"]);
    const std::string csv = read(folder.results() / (table["name"].get<std::string>() + ".csv"));
    CHECK((csv.rfind("# quick run\n", 0) == 0) == result["quick"]);
    CHECK(csv.find('\n') != std::string::npos);
  }
  for (const auto& file : fs::directory_iterator(folder.results())) {
    INFO(file.path());
    CHECK((file.path().extension() == ".svg" || file.path().extension() == ".csv" || file.path().extension() == ".json" ||
           file.path().extension() == ".html" || file.path().extension() == ".safetensors"));
  }
}

/// The number behind these words.
inline double number_after(const std::string& text, const std::string& words) {
  const auto at = text.find(words);
  REQUIRE(at != std::string::npos);
  return std::atof(text.c_str() + at + words.size());
}

}  // namespace support
