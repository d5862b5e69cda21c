// SPDX-License-Identifier: MIT
#include "common/results.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <ostream>

#include <nlohmann/json.hpp>

#include <tarn/error.hpp>
#include "common/statistics.hpp"

namespace examples {

Json published(const std::string& problem) {
  const std::filesystem::path file = std::filesystem::path{TARN_EXAMPLES_DATA}.parent_path() / "published.json";
  std::ifstream in{file};
  if (!in) throw tarn::IoError(file.string() + ": cannot be read");
  try {
    return Json::parse(in).at(problem);
  } catch (const Json::exception& error) {
    throw tarn::IoError(file.string() + ": " + error.what());
  }
}

void write_json(const std::filesystem::path& file, const Json& value) {
  const std::filesystem::path unfinished = file.string() + ".unfinished";
  {
    std::ofstream out{unfinished};
    out << value.dump(1) << '\n';
    out.close();
    if (!out) {
      std::error_code ignored;
      std::filesystem::remove(unfinished, ignored);
      throw std::runtime_error(file.string() + ": cannot be written");
    }
  }
  std::filesystem::rename(unfinished, file);
}

Json median_tree(const std::vector<Json>& trees) {
  const Json& first = trees.at(0);
  if (first.is_number_integer()) {
    const bool equal = std::all_of(trees.begin(), trees.end(), [&](const Json& tree) { return tree == first; });
    if (equal) return first;
  }
  if (first.is_number()) {
    std::vector<double> values;
    for (const Json& tree : trees) values.push_back(tree.get<double>());
    return median(values);
  }
  if (!first.is_structured()) return first;
  Json joined = first;
  for (auto item = first.begin(); item != first.end(); ++item) {
    std::vector<Json> children;
    for (const Json& tree : trees)
      children.push_back(first.is_object() ? tree.at(item.key()) : tree.at(static_cast<std::size_t>(item - first.begin())));
    (first.is_object() ? joined.at(item.key()) : joined.at(static_cast<std::size_t>(item - first.begin()))) =
        median_tree(children);
  }
  return joined;
}

void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
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

}  // namespace examples
