// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <tarn/core/shape.hpp>

namespace tarn::detail {

/// One line of a model's summary.
struct SummaryRow {
  std::string name, type;
  Shape output;
  Index parameters;
};

/// 62610 as "62,610".
[[gnu::cold]] inline std::string grouped(Index value) {
  std::string text = std::to_string(value);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

/// The table of a model whose rows these are, `trained` of whose parameters are trained.
[[gnu::cold]] inline std::string summary_table(const std::vector<SummaryRow>& rows, Index trained) {
  std::size_t names = 22, types = 14;
  for (const auto& row : rows) {
    names = std::max(names, row.name.size() + 2);
    types = std::max(types, row.type.size() + 2);
  }
  std::string out;
  const auto left = [&](const std::string& text, std::size_t columns) {
    out += text + std::string(text.size() < columns ? columns - text.size() : 1, ' ');
  };
  const auto line = [&](const std::string& name, const std::string& type, const std::string& shape, const std::string& count) {
    left(name, names);
    left(type, types);
    left(shape, 22);
    out += std::string(count.size() < 12 ? 12 - count.size() : 0, ' ') + count + '\n';
  };
  const std::string rule(names + types + 34, '-');
  Index total = 0;
  line("Layer", "Type", "Output shape", "Parameters");
  out += rule + '\n';
  for (const auto& row : rows) {
    line(row.name, row.type, row.output.to_string(), grouped(row.parameters));
    total += row.parameters;
  }
  out += rule + '\n';
  out += "Total parameters: " + grouped(total) + '\n';
  out += "Trainable: " + grouped(trained) + '\n';
  out += "Not trainable: " + grouped(total - trained) + '\n';
  return out;
}

}  // namespace tarn::detail
