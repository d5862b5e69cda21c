// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tarn/data/input_file.hpp>

namespace tarn::data::detail {

/// The rows of a file of comma-separated values, one after the other; RFC 4180, and line ends without a carriage return too.
class CsvReader {
 public:
  /// Reads the header, if there is one. Throws IoError, and ArgumentError for a delimiter that cannot be one.
  CsvReader(const Path& path, char delimiter, bool header) : path_{path}, delimiter_{delimiter}, text_{read_all(path)} {
    if (delimiter == '"' || delimiter == '\n' || delimiter == '\r' || delimiter == '\0')
      throw ArgumentError("read_csv: the delimiter is a quote, a line end or a zero byte, expected another character");
    if (text_.starts_with("\xef\xbb\xbf")) position_ = 3;  // byte order mark of UTF-8
    refuse_other_formats();
    while (text_.size() > position_ && (text_.back() == '\n' || text_.back() == '\r')) text_.pop_back();
    if (text_.size() == position_) throw IoError("CSV file ", quoted(path_), ": found no text, expected rows");
    if (header) {
      read_row();
      names_ = fields_;
      width_ = names_.size();
    } else {
      const std::size_t start = position_;
      read_row();
      width_ = fields_.size();
      position_ = start;
      next_line_ = 1;
    }
  }

  /// Reads the next row; false at the end. Throws IoError where its number of fields is not that of the first.
  bool next() {
    if (position_ >= text_.size()) return false;
    read_row();
    if (fields_.size() != width_)
      throw IoError(at_line(line_), ": found ", fields_.size(), (fields_.size() == 1 ? " field" : " fields"), ", expected ",
                    width_);
    return true;
  }

  const Path& path() const { return path_; }
  const std::vector<std::string>& names() const { return names_; }
  std::size_t width() const { return width_; }
  const std::vector<std::string>& fields() const { return fields_; }
  /// The present row and this column, for errors.
  std::string where(std::size_t column) const {
    const std::string name = names_.empty() ? "" : join({" (\"", names_[column], "\")"});
    return join({at_line(line_), ", column ", column, name});
  }

 private:
  std::string at_line(Index line) const { return join({"CSV file ", quoted(path_), ", line ", line}); }

  void refuse_other_formats() const {
    if (text_.starts_with("\x1f\x8b")) throw IoError(at_line(1), ": found gzip, expected text; unpack it first");
    const std::size_t zero = text_.find('\0');
    if (zero != std::string::npos)
      throw IoError("CSV file ", quoted(path_), ", byte ", zero, ": found a zero byte, expected text");
    std::string opening = text_.substr(std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size()), 9);
    std::transform(opening.begin(), opening.end(), opening.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (opening == "<!doctype" || opening.starts_with("<html") || opening.starts_with("<?xml"))
      throw IoError(at_line(1), ": found \"", opening, "\", which looks like an HTML page, expected rows; fetch the file again");
  }

  /// Reads the fields up to the end of the row, of which the text has at least one character.
  void read_row() {
    line_ = next_line_;
    std::size_t count = 0;
    while (true) {
      if (fields_.size() == count) fields_.emplace_back();
      fields_[count].clear();
      const bool more = read_field(fields_[count++]);
      if (!more) break;
    }
    fields_.resize(count);
    ++next_line_;
  }

  /// Reads one field and what ends it: true for the delimiter, false for the end of the row.
  bool read_field(std::string& field) {
    const bool is_quoted = position_ < text_.size() && text_[position_] == '"';
    if (is_quoted) read_quoted(field);
    while (position_ < text_.size()) {
      const char character = text_[position_++];
      if (character == delimiter_) return true;
      if (character == '\n') return false;
      if (character == '\r') {
        if (position_ < text_.size() && text_[position_++] == '\n') return false;
        throw IoError(at_line(next_line_), ": found a carriage return, expected a line feed after it");
      }
      if (is_quoted)
        throw IoError(at_line(next_line_), ": found text after a closing quote, expected the delimiter or the end of the line");
      if (character == '"')
        throw IoError(at_line(next_line_),
                      ": found a quote within a field, expected the whole field in quotes and this one doubled");
      field += character;
    }
    return false;
  }

  void read_quoted(std::string& field) {
    const Index opened = next_line_;
    ++position_;
    while (true) {
      const std::size_t end = text_.find('"', position_);
      if (end == std::string::npos) throw IoError(at_line(opened), ": found a quote that is not closed");
      next_line_ += std::count(text_.begin() + static_cast<Index>(position_), text_.begin() + static_cast<Index>(end), '\n');
      field.append(text_, position_, end - position_);
      position_ = end + 1;
      if (position_ >= text_.size() || text_[position_] != '"') return;
      field += '"';
      ++position_;
    }
  }

  Path path_;
  char delimiter_;
  std::string text_;
  std::size_t position_ = 0;
  std::vector<std::string> names_, fields_;
  std::size_t width_ = 0;
  Index line_ = 1, next_line_ = 1;  // of the present row, of what comes next
};

}  // namespace tarn::data::detail
