// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <tarn/gpu/kernels/cache.hpp>

namespace tarn::gpu::cudnn {

/// Which of the ways to carry out a convolution was the fastest: its place in the list, and the engine that stood there.
struct Choice {
  std::size_t place;
  std::int64_t engine;
};

/// The file of a choice; `key` is all that it depends on. Empty where there is no folder for such files.
inline std::filesystem::path choice_file(const std::string& key) {
  const auto folder = cache_folder();
  if (folder.empty()) return {};
  std::ostringstream name;
  name << "convolution-" << std::hex << gpu::detail::content_hash(key) << ".txt";
  return folder / name.str();
}
/// Null where nothing was stored under this key.
inline std::optional<Choice> load_choice(const std::string& key) {
  const auto file = choice_file(key);
  if (file.empty()) return std::nullopt;
  std::ifstream in{file, std::ios::binary};
  Choice choice{};
  if (!(in >> choice.place >> choice.engine) || in.get() != '\n') return std::nullopt;
  const std::string rest{std::istreambuf_iterator<char>{in}, {}};
  return rest == key ? std::optional{choice} : std::nullopt;
}
/// A folder that nobody may write to costs time, and nothing else: the next program measures again.
inline void store_choice(const std::string& key, const Choice& choice) {
  const auto file = choice_file(key);
  if (file.empty()) return;
  const std::string text = tarn::detail::join({choice.place, " ", choice.engine, "\n", key});
  try {
    std::filesystem::create_directories(file.parent_path());
    data::detail::AtomicFile out{file};
    out.write(text.data(), static_cast<Index>(text.size()));
    out.commit();
  } catch (const IoError&) {
  } catch (const std::filesystem::filesystem_error&) {
  }
}

}  // namespace tarn::gpu::cudnn
