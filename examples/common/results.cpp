// SPDX-License-Identifier: MIT
#include "common/results.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <thread>

#include <zlib.h>
#include <nlohmann/json.hpp>

#include <tarn/core/devices.hpp>
#include <tarn/core/parallel.hpp>
#include <tarn/layers/sequential.hpp>
#include <tarn/train/history.hpp>
#include <tarn/version.hpp>
#include "common/statistics.hpp"

namespace examples {

// What is known of runs -------------------------------------------------------------------------------------------------

namespace {

std::string between(const Interval& interval, const std::function<std::string(double)>& text) {
  return text(interval.low) + " to " + text(interval.high);
}

std::string processor() {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(std::min(line.find(':') + 2, line.size()));
  return "unknown";
}

Json machine() {
  utsname system{};
  ::uname(&system);
  const double pages = static_cast<double>(::sysconf(_SC_PHYS_PAGES)), page = static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  return {{"processor", processor()},
          {"cores", std::thread::hardware_concurrency()},
          {"memory_gib", std::round(pages * page / (1 << 30))},
          {"system", std::string{system.sysname} + ' ' + system.release + ' ' + system.machine}};
}

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", std::gmtime(&seconds));
  return text;
}

}  // namespace

Agreement Agreement::of_runs(const std::string& figure, double published, const std::vector<double>& ours, int decimals,
                             const std::string& why) {
  const auto text = [&](double value) { return fixed(value, decimals); };
  const auto interval = prediction_interval(ours);
  const bool within = interval && interval->contains(published);
  return {figure,
          text(published),
          text(examples::median(ours)),
          ours.size() > 1 ? text(deviation(ours)) : "-",
          interval ? between(*interval, text) : "-",
          !interval ? "no judgement"
          : within  ? "yes"
                    : "no",
          interval && !within ? why : ""};
}

Agreement Agreement::of_shares(const std::string& figure, double published, double published_n, double count, double n,
                               const std::string& why) {
  const auto text = [](double share) { return percent(share); };
  const Interval interval = share_interval(count, n, published, published_n);
  const bool within = interval.contains(published);
  return {figure,
          text(published),
          text(count / n),
          between(wilson_interval(count, n), text),
          between(interval, text),
          within ? "yes" : "no",
          within ? "" : why};
}

// Results ---------------------------------------------------------------------------------------------------------------

struct Results::State {
  Options options;
  std::string problem;
  std::vector<Json> published, corrected;  // by repeat
  Json tables = Json::array(), figures = Json::array(), agreements = Json::array(), findings = Json::object(),
       fingerprints = Json::object(), seconds = Json::object(), info = Json::object();

  std::string not_drawn;  // errors

  std::vector<Json>& trees(Form form) { return form == Form::published ? published : corrected; }
  const std::vector<Json>& trees(Form form) const { return form == Form::published ? published : corrected; }
};

Results::Results(const Options& options, const std::string& problem, const std::string& heading)
    : state_{std::make_unique<State>()} {
  state_->options = options;
  state_->problem = problem;
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error || !std::filesystem::is_directory(options.out))
    throw tarn::ArgumentError("--out: ", options.out.string(), " is not a folder and cannot be made",
                              error ? ": " + error.message() : "");
  std::cout << heading << '\n';
  for (const auto& device : tarn::devices()) std::cout << device.to_string() << '\n';
  if (options.quick) std::cout << "QUICK RUN: a sample, or less training; the figures say little about the problem.\n";
  if (!gnuplot_there()) std::cout << "gnuplot is not on this machine: there will be no pictures, but all tables and numbers.\n";
}
Results::~Results() = default;

void Results::part(const std::string& part, const std::string& title, const std::function<void()>& body) {
  if (interrupted() || !state_->options.wants(part)) return;
  std::cout << '\n' << part << "  " << title << '\n' << std::string(part.size() + 2 + title.size(), '=') << std::endl;
  const auto start = std::chrono::steady_clock::now();
  body();
  state_->seconds[part] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Json& Results::at(Form form, int repeat) {
  auto& trees = state_->trees(form);
  if (trees.size() <= static_cast<std::size_t>(repeat)) trees.resize(static_cast<std::size_t>(repeat) + 1, Json::object());
  return trees[static_cast<std::size_t>(repeat)];
}

Json Results::median(Form form) const {
  const auto& trees = state_->trees(form);
  return trees.empty() ? Json::object() : median_tree(trees);
}

void Results::table(const std::string& name, const std::string& title, const Rows& rows) {
  std::cout << '\n' << title << (state_->options.quick ? " (QUICK RUN)" : "") << '\n';
  print_table(std::cout, rows);
  std::cout.flush();
  std::string csv;
  if (state_->options.quick) csv += "# quick run\n";
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) csv += (i ? "," : "") + tarn::detail::csv_field(row[i]);
    csv += '\n';
  }
  write_text(state_->options.out / (name + ".csv"), csv);
  state_->tables.push_back({{"name", name}, {"title", title}, {"rows", rows}});
}

void Results::data(const std::string& name, const std::vector<std::string>& header,
                   const std::vector<std::vector<double>>& rows) {
  std::string csv;
  if (state_->options.quick) csv += "# quick run\n";
  for (std::size_t i = 0; i < header.size(); ++i) csv += (i ? "," : "") + tarn::detail::csv_field(header[i]);
  csv += '\n';
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i) csv += ',';
      if (!std::isnan(row[i])) tarn::detail::append_number(csv, row[i]);
    }
    csv += '\n';
  }
  write_text(state_->options.out / (name + ".csv"), csv);
}

void Results::agreement(const std::string& name, const std::string& title, std::vector<Agreement> rows, bool as_published) {
  if (state_->options.quick || !as_published)
    for (Agreement& row : rows) row.interval = "-", row.verdict = "no judgement", row.why.clear();
  Rows table_rows{{"figure", "published", "ours", "spread", "95 % for one more run", "published within"}};
  for (const auto& row : rows) {
    table_rows.push_back({row.figure, row.published, row.ours, row.spread, row.interval, row.verdict});
    state_->agreements.push_back({{"figure", row.figure},
                                  {"published", row.published},
                                  {"ours", row.ours},
                                  {"spread", row.spread},
                                  {"interval", row.interval},
                                  {"verdict", row.verdict},
                                  {"why", row.why}});
  }
  table(name, title, table_rows);
  for (const auto& row : rows)
    if (!row.why.empty()) std::cout << row.figure << ": " << row.why << '\n';
}

void Results::figure(const Figure& figure) {
  if (!gnuplot_there() || interrupted()) return;
  try {
    if (!figure.draw(state_->options.out)) return;
  } catch (const std::runtime_error& error) {  // the numbers, which may have taken long, are written all the same
    state_->not_drawn += std::string{state_->not_drawn.empty() ? "" : "\n"} + error.what();
    return;
  }
  state_->figures.push_back(
      {{"name", figure.name()}, {"file", figure.name() + ".svg"}, {"title", figure.title()}, {"caption", figure.caption()}});
}

void Results::finding(const std::string& name, const std::string& sentence) {
  std::cout << "-> " << sentence << '\n';
  state_->findings[name] = sentence;
}

void Results::fingerprint(const std::string& training, const tarn::Sequential<float, tarn::Cpu>& model) {
  std::vector<float> weights;
  for (const auto& values : {model.parameters().trainable(), model.parameters().state()})
    weights.insert(weights.end(), values.begin(), values.end());
  fingerprint(training, weights);
}

void Results::fingerprint(const std::string& training, const std::vector<float>& weights) {
  char text[16];
  std::snprintf(text, sizeof text, "%08lx",
                crc32(0, reinterpret_cast<const Bytef*>(weights.data()), static_cast<uInt>(weights.size() * sizeof(float))));
  state_->fingerprints[training] = text;
}

Json& Results::run_info() { return state_->info; }

void Results::write() {
  const State& s = *state_;
  Json result{{"quick", s.options.quick}};
  for (const Form form : {Form::published, Form::corrected})
    if (s.options.wants(form)) result[form == Form::published ? "published" : "corrected"][s.problem] = median(form);
  result["repeats"] = Json::array();
  for (std::size_t i = 0; i < std::max(s.published.size(), s.corrected.size()); ++i) {
    Json repeat = Json::object();
    if (i < s.published.size()) repeat["published"][s.problem] = s.published[i];
    if (i < s.corrected.size()) repeat["corrected"][s.problem] = s.corrected[i];
    result["repeats"].push_back(repeat);
  }
  result["agreement"] = s.agreements;
  result["findings"] = s.findings;
  result["tables"] = s.tables;
  result["figures"] = s.figures;
  result["run"] = {{"seed", s.options.seed},
                   {"repeats", result["repeats"].size()},
                   {"complete", !interrupted()},
                   {"gnuplot", gnuplot_there()},
                   {"form", s.options.form},
                   {"only", s.options.only},
                   {"threads", tarn::parallel::threads()},
                   {"device", tarn::Cpu::name},
                   {"instruction_set", tarn::cpu::to_string(tarn::cpu::instruction_set())},
                   {"seconds", s.seconds},
                   {"machine", machine()},
                   {"finished", now()},
                   {"versions", {{"tarn", tarn::version}, {"compiler", __VERSION__}}},
                   {"fingerprints", s.fingerprints}};
  result["run"].update(s.info);
  const auto file = s.options.out / (s.problem + ".json");
  write_json(file, result);
  std::cout << "\nWritten: " << file.string() << ", " << s.tables.size() << " tables, " << s.figures.size() << " pictures"
            << (s.options.quick ? " (QUICK RUN)" : "") << (interrupted() ? "; interrupted, what was finished is there" : "")
            << std::endl;
  if (!s.not_drawn.empty()) throw std::runtime_error(s.not_drawn);
}

// Files and text --------------------------------------------------------------------------------------------------------

Json published(const std::string& problem) {
  return read_json(std::filesystem::path{TARN_EXAMPLES_DATA}.parent_path() / "published.json").at(problem);
}

Json read_json(const std::filesystem::path& file) {
  std::ifstream in{file};
  if (!in) throw tarn::IoError(file.string(), ": cannot be read");
  try {
    return Json::parse(in);
  } catch (const Json::exception& error) {
    throw tarn::IoError(file.string(), ": ", error.what());
  }
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  const std::filesystem::path unfinished = file.string() + ".part";
  {
    std::ofstream out{unfinished, std::ios::binary};
    out << text;
    out.close();
    if (!out) {
      std::error_code ignored;
      std::filesystem::remove(unfinished, ignored);
      throw std::runtime_error(file.string() + ": cannot be written");
    }
  }
  std::filesystem::rename(unfinished, file);
}

void write_json(const std::filesystem::path& file, const Json& value) { write_text(file, value.dump(1) + '\n'); }

Json median_tree(const std::vector<Json>& trees) {
  const Json& first = trees.at(0);
  if (first.is_number()) {
    if (first.is_number_integer() && std::all_of(trees.begin(), trees.end(), [&](const Json& tree) { return tree == first; }))
      return first;
    std::vector<double> values;
    for (const Json& tree : trees)
      if (tree.is_number() && std::isfinite(tree.get<double>())) values.push_back(tree.get<double>());
    return values.empty() ? Json{nullptr} : Json(median(values));
  }
  if (first.is_array()) {
    Json joined = Json::array();
    for (std::size_t i = 0; i < first.size(); ++i) {
      std::vector<Json> children;
      for (const Json& tree : trees)
        if (i < tree.size()) children.push_back(tree[i]);
      joined.push_back(median_tree(children));
    }
    return joined;
  }
  if (!first.is_object()) return first;
  Json joined = Json::object();
  for (const Json& tree : trees)
    for (const auto& [key, value] : tree.items()) {
      if (joined.contains(key)) continue;
      std::vector<Json> children;
      for (const Json& other : trees)
        if (other.contains(key)) children.push_back(other[key]);
      joined[key] = median_tree(children);
    }
  return joined;
}

void print_table(std::ostream& out, const Rows& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (widths.size() <= column) widths.push_back(0);
      widths[column] = std::max(widths[column], row[column].size());
    }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t column = 0; column < rows[i].size(); ++column) {
      out << (column ? "  " : "") << (column ? std::right : std::left) << std::setw(static_cast<int>(widths[column]))
          << rows[i][column];
    }
    out << '\n';
    if (i > 0) continue;
    for (std::size_t column = 0; column < widths.size(); ++column)
      out << (column ? "  " : "") << std::string(widths[column], '-');
    out << '\n';
  }
}

std::string fixed(double value, int decimals) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
  return buffer;
}

std::string percent(double share, int decimals) { return fixed(100 * share, decimals) + " %"; }

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

}  // namespace examples
