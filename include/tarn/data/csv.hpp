// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tarn/data/csv_reader.hpp>
#include <tarn/data/dataset.hpp>

namespace tarn::data {

/// A column by its name in the header, or by its position, counted from 0.
class CsvColumn {
 public:
  template <std::integral Position>
  CsvColumn(Position position) : position_{static_cast<Index>(position)} {}
  CsvColumn(const char* name) : name_{name}, named_{true} {}
  CsvColumn(std::string name) : name_{std::move(name)}, named_{true} {}

  bool named() const { return named_; }
  const std::string& name() const { return name_; }
  Index position() const { return position_; }

 private:
  std::string name_;
  Index position_ = 0;
  bool named_ = false;
};

struct CsvOptions {
  char delimiter = ',';                    ///< ';' or '\t', for instance
  bool header = true;                      ///< whether the first line names the columns
  std::vector<CsvColumn> inputs{};         ///< numbers; empty: all columns that are no targets
  std::vector<CsvColumn> targets{};        ///< numbers, or one column of labels; empty: the last column
  bool classes = false;                    ///< whether the target is a label, text or number, that becomes a class 0, 1, ...
  std::vector<std::string> class_names{};  ///< with `classes`, label by class; empty: those of the file, in order
};

struct CsvContent {
  Dataset data;                           ///< inputs T [n, columns]; targets T [n, columns], or classes int32 [n]
  std::vector<std::string> input_names;   ///< by column; empty without a header
  std::vector<std::string> target_names;  ///< by column; empty without a header
  std::vector<std::string> class_names;   ///< label by class; empty without `classes`
};

namespace detail {

/// The positions that columns stand for. Throws ArgumentError.
inline std::vector<std::size_t> csv_positions(const std::vector<CsvColumn>& columns, const CsvReader& file, std::size_t width) {
  std::vector<std::size_t> positions;
  for (const CsvColumn& column : columns) {
    if (!column.named()) {
      if (column.position() < 0 || column.position() >= static_cast<Index>(width))
        throw ArgumentError("read_csv: column ", column.position(), " of ", quoted(file.path()), ", expected 0 to ", width - 1);
      positions.push_back(static_cast<std::size_t>(column.position()));
      continue;
    }
    const auto& names = file.names();
    const auto count = std::count(names.begin(), names.end(), column.name());
    if (count != 1) {
      std::string known;
      for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
      throw ArgumentError("read_csv: column \"", column.name(), "\" of ", quoted(file.path()), " comes ", count,
                          " times, expected once in the header (", known.empty() ? "there is none" : known, ")");
    }
    positions.push_back(static_cast<std::size_t>(std::find(names.begin(), names.end(), column.name()) - names.begin()));
  }
  return positions;
}

/// A finite number, with blanks around it or not. Throws IoError.
template <std::floating_point T>
T csv_number(const CsvReader& file, const std::string& field, std::size_t column) {
  std::string_view text = field;
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.empty()) throw IoError(file.where(column), ": found no value, expected a number");
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  T value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range && digits.find_first_of("eE") != std::string_view::npos &&
      digits[digits.find_first_of("eE") + 1] == '-') {
    value = 0;  // too small for a T
    error = {};
  }
  if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value))
    throw IoError(file.where(column), ": found \"", text.substr(0, 40), "\", expected a ",
                  error == std::errc::result_out_of_range ? "number that fits" : "finite number");
  return value;
}

/// Labels as they come in, and the classes that they are.
class CsvLabels {
 public:
  explicit CsvLabels(const std::vector<std::string>& names) : fixed_{!names.empty()}, names_{names} {
    for (const std::string& name : names)
      if (!numbers_.emplace(name, static_cast<std::int32_t>(numbers_.size())).second)
        throw ArgumentError("read_csv: class name \"", name, "\" comes twice");
  }

  void add(const CsvReader& file, const std::string& label, std::size_t column) {
    if (label.empty()) throw IoError(file.where(column), ": found no value, expected a label");
    auto found = numbers_.find(label);
    if (found == numbers_.end()) {
      if (fixed_) throw IoError(file.where(column), ": found label \"", label.substr(0, 40), "\", expected ", known());
      found = numbers_.emplace(label, static_cast<std::int32_t>(numbers_.size())).first;
      names_.push_back(label);
    }
    labels_.push_back(found->second);
  }

  /// Puts the classes in order: by number if all labels are whole numbers, else by their bytes.
  void sort() {
    if (fixed_) return;
    std::vector<std::pair<long long, std::string>> order;
    bool whole = true;
    for (const std::string& name : names_) {
      long long number = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
      whole = whole && error == std::errc{} && end == name.data() + name.size();
      order.emplace_back(number, name);
    }
    if (!whole)
      for (auto& entry : order) entry.first = 0;
    std::sort(order.begin(), order.end());
    std::vector<std::int32_t> now(names_.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      names_[i] = order[i].second;
      now[static_cast<std::size_t>(numbers_.at(names_[i]))] = static_cast<std::int32_t>(i);
    }
    for (std::int32_t& label : labels_) label = now[static_cast<std::size_t>(label)];
  }

  const std::vector<std::int32_t>& labels() const { return labels_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::string known() const {
    std::string text;
    for (const std::string& name : names_) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  bool fixed_;
  std::vector<std::string> names_;
  std::map<std::string, std::int32_t> numbers_;
  std::vector<std::int32_t> labels_;
};

}  // namespace detail

/// Reads a data set from a text file of comma-separated values (RFC 4180: fields may stand in double quotes, and then hold delimiters,
/// line ends and doubled quotes; lines end in LF or CR LF; empty lines may stand at the end only). T is float or double.
/// Numbers are read alike in every locale: 1.5, -2e3, +4; blanks around them are ignored.
/// Throws IoError, with file, line (from 1) and column, for a file that is missing, unreadable, empty, gzip or HTML, a row of another
/// length than the first, broken quotes, and a field that is empty, no number, not finite or beyond T, or an unknown label.
/// Throws ArgumentError for columns that are not there or come twice, and for options that contradict each other.
template <std::floating_point T = float>
CsvContent read_csv(const std::filesystem::path& path, const CsvOptions& options = {}) {
  detail::CsvReader file{path, options.delimiter, options.header};
  const std::size_t width = file.width();
  std::vector<std::size_t> targets = detail::csv_positions(options.targets, file, width);
  if (targets.empty()) targets.push_back(width - 1);
  std::vector<std::size_t> inputs = detail::csv_positions(options.inputs, file, width);
  if (inputs.empty())
    for (std::size_t column = 0; column < width; ++column)
      if (std::find(targets.begin(), targets.end(), column) == targets.end()) inputs.push_back(column);
  std::vector<std::size_t> used = targets;
  used.insert(used.end(), inputs.begin(), inputs.end());
  std::sort(used.begin(), used.end());
  const auto twice = std::adjacent_find(used.begin(), used.end());
  if (twice != used.end()) throw ArgumentError("read_csv: column ", *twice, " of ", detail::quoted(path), " is asked for twice");
  if (inputs.empty())
    throw ArgumentError("read_csv: no column of ", detail::quoted(path), " is left for the inputs, expected at least one");
  if (options.classes && targets.size() != 1)
    throw ArgumentError("read_csv: ", targets.size(), " target columns, expected one where the target is a label");
  if (!options.classes && !options.class_names.empty()) throw ArgumentError("read_csv: class names without the option classes");

  std::vector<T> x, y;
  detail::CsvLabels labels{options.class_names};
  Index rows = 0;
  for (; file.next(); ++rows) {
    for (const std::size_t column : inputs) x.push_back(detail::csv_number<T>(file, file.fields()[column], column));
    for (const std::size_t column : targets) {
      if (options.classes)
        labels.add(file, file.fields()[column], column);
      else
        y.push_back(detail::csv_number<T>(file, file.fields()[column], column));
    }
  }
  if (rows == 0) throw IoError("CSV file ", detail::quoted(path), ": found no rows, expected at least one");
  labels.sort();

  const auto names = [&](const std::vector<std::size_t>& columns) {
    std::vector<std::string> result;
    if (options.header)
      for (const std::size_t column : columns) result.push_back(file.names()[column]);
    return result;
  };
  Samples seen = Tensor<T>{{rows, static_cast<Index>(inputs.size())}, x};
  Samples wanted = options.classes ? Samples{Tensor<std::int32_t>{{rows}, labels.labels()}}
                                   : Samples{Tensor<T>{{rows, static_cast<Index>(targets.size())}, y}};
  return {{std::move(seen), std::move(wanted)},
          names(inputs),
          names(targets),
          options.classes ? labels.names() : std::vector<std::string>{}};
}

}  // namespace tarn::data
