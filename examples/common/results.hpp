// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <tarn/fwd.hpp>
#include "common/figure.hpp"
#include "common/program.hpp"

/// What the example programs write: tables, pictures, findings and JSON.
namespace examples {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

/// A published figure beside ours.
struct Agreement {
  std::string figure;           ///< what it is, as in "test accuracy"
  std::string published, ours;  ///< as text; ours is the median over the runs, or a share
  std::string spread;           ///< standard deviation over the runs, or Wilson's interval
  std::string interval;         ///< where one more run falls with 95 % probability; "-" where there are too few
  std::string verdict;          ///< "yes", "no" or "no judgement": whether the published figure lies within
  std::string why = {};         ///< the reason, where it is known why it does not

  /// Of values of runs, by `prediction_interval`.
  static Agreement of_runs(const std::string& figure, double published, const std::vector<double>& ours, int decimals,
                           const std::string& why = {});
  /// Of shares: `count` of `n` against a published share of `published_n` trials, by `share_interval`.
  static Agreement of_shares(const std::string& figure, double published, double published_n, double count, double n,
                             const std::string& why = {});
};

/// All that one program finds. What is added is printed as it comes; `write` makes files of it.
class Results {
 public:
  /// `problem` as in "problem1". Makes the folder, prints the heading, and says so where the run is quick or gnuplot is missing.
  Results(const Options& options, const std::string& problem, const std::string& heading);
  ~Results();

  /// Runs a part of the assignment, if it is wanted and Ctrl-C was not pressed, and takes its time.
  void part(const std::string& part, const std::string& title, const std::function<void()>& body);

  /// The tree of one repeat of one form, to be filled: `at(Form::published, 0)["relu"]["collapsed"] = 0.964;` The JSON file holds all
  /// of them, and for each form their median.
  Json& at(Form form, int repeat);
  /// The median over the repeats so far.
  Json median(Form form) const;
  /// Prints a table, and writes it as `name`.csv; the first row is the header.
  void table(const std::string& name, const std::string& title, const Rows& rows);
  /// Writes a table that is too long to be looked at, as `name`.csv alone.
  void data(const std::string& name, const std::vector<std::string>& header, const std::vector<std::vector<double>>& rows);
  /// A table of published figures and ours. There is no judgement in a quick run, nor where the run was not `as_published`, as with
  /// fewer epochs.
  void agreement(const std::string& name, const std::string& title, std::vector<Agreement> rows, bool as_published = true);
  /// Draws a picture, if gnuplot is there.
  void figure(const Figure& figure);
  /// A sentence that the run has shown, under a name that is unique in the program.
  void finding(const std::string& name, const std::string& sentence);
  /// A sum over the weights and state a training ended with.
  void fingerprint(const std::string& training, const tarn::Sequential<float, tarn::Cpu>& model);
  void fingerprint(const std::string& training, const std::vector<float>& weights);
  /// Something to be told of the run, as in "epochs": 10.
  Json& run_info();

  /// Writes `problem`.json. Throws std::runtime_error after that where a picture could not be drawn.
  void write();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The published figures of one problem, from examples/published.json. Throws tarn::IoError.
Json published(const std::string& problem);

/// The JSON file that a program wrote. Throws tarn::IoError with the file's name and what is wrong.
Json read_json(const std::filesystem::path& file);
/// Writes a file whole or not at all. Throws std::runtime_error with the file's name.
void write_text(const std::filesystem::path& file, const std::string& text);
void write_json(const std::filesystem::path& file, const Json& value);

/// Trees joined into one: each number becomes the median of its values, over the trees that have it.
Json median_tree(const std::vector<Json>& trees);

/// Prints rows in columns as wide as they need; the first row is the header.
void print_table(std::ostream& out, const Rows& rows);

/// A number with this many decimals.
std::string fixed(double value, int decimals);
/// A share as a percentage: percent(0.964) is "96.4 %".
std::string percent(double share, int decimals = 1);
/// Text as it stands in HTML and SVG.
std::string escaped(const std::string& text);

}  // namespace examples
