// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

/// What the example programs write: JSON files and tables.
namespace examples {

using Json = nlohmann::ordered_json;

/// The published figures of one problem, from examples/published.json. Throws tarn::IoError.
Json published(const std::string& problem);

/// Writes `value` to `file` whole or not at all. Throws std::runtime_error with the file's name.
void write_json(const std::filesystem::path& file, const Json& value);

/// Trees of one structure joined into one: each number becomes the median of its values.
Json median_tree(const std::vector<Json>& trees);

/// Prints rows in columns as wide as they need; the first row is the header.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

/// A number with this many decimals.
std::string fixed(double value, int decimals);

}  // namespace examples
