// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <tarn/data/bytes.hpp>
#include <tarn/data/errors.hpp>
#include <tarn/io/element_type.hpp>

/// The header of a safetensors file; its format: safetensors.hpp.
namespace tarn::io::detail {

using data::detail::Path;
using data::detail::quoted;

inline constexpr std::uint64_t max_header = 100'000'000;  // bytes: the limit of the Python package too
inline constexpr const char* metadata_key = "__metadata__";

struct SafetensorsEntry {
  std::string name;
  ElementType type;
  Shape shape;
  Index begin, end;  ///< bytes, from the start of the elements
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // by their place in the file
  std::map<std::string, std::string> metadata;
  Index data_start = 0;  // byte of the file
};

inline std::string at_file(const Path& path) { return tarn::detail::join({"safetensors file ", quoted(path)}); }
inline std::string at_tensor(const Path& path, const std::string& name) {
  return tarn::detail::join({at_file(path), ": tensor \"", name, "\""});
}

/// Parses the text of the header, in which no key may come twice. Throws IoError.
inline nlohmann::json parse_header(const Path& path, const char* text, std::size_t size) {
  using nlohmann::json;
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 3) throw IoError(at_file(path), ": found a header that is nested too deep, expected tensors by name");
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw IoError(at_file(path), ": found the key \"", parsed.get<std::string>(), "\" twice in the header");
    return true;
  };
  try {
    return json::parse(text, text + size, watch);
  } catch (const json::parse_error& error) {
    const std::size_t byte = std::clamp<std::size_t>(error.byte, 1, size + 1);
    throw IoError(at_file(path), ", byte ", 7 + byte, ": found a header that is not JSON, or not UTF-8 (fetch the file again)");
  } catch (const json::exception&) {
    throw IoError(at_file(path), ": found a number in the header that is out of range");
  }
}

/// One tensor's part of the header, checked by itself. Throws IoError.
inline SafetensorsEntry parse_entry(const Path& path, const std::string& name, const nlohmann::json& info) {
  const auto integers = [](const nlohmann::json& list) {
    return list.is_array() &&
           std::all_of(list.begin(), list.end(), [](const nlohmann::json& item) { return item.is_number_unsigned(); });
  };
  const auto has = [&](const char* key) { return info.contains(key); };
  if (!info.is_object() || info.size() != 3 || !has("dtype") || !has("shape") || !has("data_offsets"))
    throw IoError(at_tensor(path, name), ": expected an object of dtype, shape and data_offsets");
  if (!info["dtype"].is_string() || !integers(info["shape"]) || !integers(info["data_offsets"]) ||
      info["data_offsets"].size() != 2)
    throw IoError(at_tensor(path, name), ": expected a text as dtype, whole numbers as shape and two of them as data_offsets");

  SafetensorsEntry entry{name, {}, {}, 0, 0};
  const auto type = element_type(info["dtype"].get<std::string>());
  if (!type) {
    std::string known;
    for (const ElementTypeInfo& each : element_types) known += (known.empty() ? "" : ", ") + std::string{each.name};
    throw IoError(at_tensor(path, name), ": found dtype \"", info["dtype"].get<std::string>(), "\", expected one of ", known);
  }
  entry.type = *type;
  if (info["shape"].size() > Shape::max_rank)
    throw IoError(at_tensor(path, name), ": found ", info["shape"].size(), " extents, expected at most ", Shape::max_rank);
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<Index>::max());
  for (const nlohmann::json& extent : info["shape"]) {
    const auto value = extent.get<std::uint64_t>();
    const auto size = static_cast<std::uint64_t>(entry.shape.size() * size_of(entry.type));
    if (value > most || (value > 0 && size > most / value))
      throw IoError(at_tensor(path, name), ": found the shape ", info["shape"].dump(), ", which has too many elements");
    entry.shape.push_back(static_cast<Index>(value));
  }
  const auto begin = info["data_offsets"][0].get<std::uint64_t>(), end = info["data_offsets"][1].get<std::uint64_t>();
  const auto size = static_cast<std::uint64_t>(entry.shape.size() * size_of(entry.type));
  if (begin > end || end > most || end - begin != size)
    throw IoError(at_tensor(path, name), ": found offsets ", std::to_string(begin), " to ", std::to_string(end), ", expected ",
                  std::to_string(size), " bytes (", name_of(entry.type), " ", entry.shape.to_string(), ")");
  entry.begin = static_cast<Index>(begin);
  entry.end = static_cast<Index>(end);
  return entry;
}

/// Checks that the tensors stand one after the other, from the header's end to the end of the file. Throws IoError.
inline void check_offsets(const Path& path, const std::vector<SafetensorsEntry>& entries, Index data_start, Index file_size) {
  Index expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != expected)
      throw IoError(at_tensor(path, entry.name), ", byte ", data_start + entry.begin, ": found offset ", entry.begin,
                    ", expected ", expected,
                    entry.begin < expected ? " (it overlaps the tensor before it)" : " (there is a gap before it)");
    if (entry.end > file_size - data_start)
      throw IoError(at_tensor(path, entry.name), ": found the end of the file at byte ", file_size, ", expected ",
                    entry.shape.size(), " elements up to byte ", data_start + entry.end,
                    " (the file is cut off; fetch it again)");
    expected = entry.end;
  }
  if (data_start + expected != file_size)
    throw IoError(at_file(path), ", byte ", data_start + expected, ": found ", file_size - data_start - expected,
                  " bytes after the last tensor, expected the end of the file");
}

/// Reads and checks the header of the file that consists of `bytes`. Throws IoError as `read_safetensors` says.
inline SafetensorsHeader read_header(const Path& path, const std::string& bytes) {
  const auto size = static_cast<std::uint64_t>(bytes.size());
  if (size < 8)
    throw IoError(at_file(path), ": found ", bytes.size(), " bytes, expected at least 8, which tell the header's length");
  const auto length = data::detail::load<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(bytes.data()), std::endian::little);
  if (length > max_header)
    throw IoError(at_file(path), ", byte 0: found a header of ", std::to_string(length),
                  " bytes, expected at most 100000000 (is it a safetensors file?)");
  if (length > size - 8)
    throw IoError(at_file(path), ", byte ", bytes.size(), ": found the end of the file, expected a header of ",
                  std::to_string(length), " bytes (the file is cut off; fetch it again)");
  const nlohmann::json json = parse_header(path, bytes.data() + 8, static_cast<std::size_t>(length));
  if (!json.is_object() || bytes[8] != '{') throw IoError(at_file(path), ", byte 8: expected a header that opens with {");

  SafetensorsHeader header;
  header.data_start = static_cast<Index>(8 + length);
  for (const auto& [name, info] : json.items()) {
    if (name != metadata_key) {
      header.entries.push_back(parse_entry(path, name, info));
      continue;
    }
    if (!info.is_object()) throw IoError(at_file(path), ": expected an object as ", metadata_key);
    for (const auto& [key, text] : info.items()) {
      if (!text.is_string())
        throw IoError(at_file(path), ": found ", text.type_name(), " as ", metadata_key, " \"", key, "\", expected a text");
      header.metadata[key] = text.get<std::string>();
    }
  }
  std::stable_sort(header.entries.begin(), header.entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair{a.begin, a.end} < std::pair{b.begin, b.end};
  });
  check_offsets(path, header.entries, header.data_start, static_cast<Index>(bytes.size()));
  return header;
}

/// The header's text, padded with spaces to whole groups of 8 bytes. Throws ArgumentError.
inline std::string make_header(const std::vector<SafetensorsEntry>& entries, const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json[metadata_key] = metadata;
  std::set<std::string> used{metadata_key};
  for (const SafetensorsEntry& entry : entries) {
    if (!used.insert(entry.name).second)
      throw ArgumentError("write_safetensors: tensor \"", entry.name, "\" ",
                          entry.name == metadata_key ? "has a name that the format keeps for itself" : "comes twice");
    std::vector<Index> extents;
    for (int axis = 0; axis < entry.shape.rank(); ++axis) extents.push_back(entry.shape[axis]);
    json.push_back(
        {entry.name, {{"dtype", name_of(entry.type)}, {"shape", extents}, {"data_offsets", {entry.begin, entry.end}}}});
  }
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::type_error&) {
    throw ArgumentError("write_safetensors: a name or a text of the metadata is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > max_header)
    throw ArgumentError("write_safetensors: the header has ", text.size(), " bytes, expected at most 100000000");
  return text;
}

}  // namespace tarn::io::detail
