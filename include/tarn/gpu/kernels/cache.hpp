// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include <tarn/data/atomic_file.hpp>
#include <tarn/gpu/kernels/compiler.hpp>

namespace tarn::gpu {

/// Where compiled kernels are kept: TARN_CACHE_DIR, else XDG_CACHE_HOME/tarn, else HOME/.cache/tarn; empty where none of them is set.
inline std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* const value = std::getenv(name);
    return value ? value : "";
  };
  if (const auto folder = variable("TARN_CACHE_DIR"); !folder.empty()) return folder;
  if (const auto folder = variable("XDG_CACHE_HOME"); !folder.empty()) return folder / "tarn";
  if (const auto folder = variable("HOME"); !folder.empty()) return folder / ".cache" / "tarn";
  return {};
}

namespace detail {

/// All that a compilation depends on, as one text.
inline std::string kernel_key(const KernelRequest& request, int compiler) {
  std::string key = tarn::detail::join({"tarn kernels 1, NVRTC ", compiler, ", sm_", request.capability, "\n"});
  for (const std::string& expression : request.expressions) key += expression + "\n";
  key += kernel_program(request);
  for (const KernelSource& source : kernel_sources) key += source.text;
  return key;
}
/// FNV-1a, 64 bits.
inline std::uint64_t content_hash(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}
inline std::filesystem::path kernel_file(const std::filesystem::path& folder, const std::string& key) {
  std::ostringstream name;
  name << "kernels-" << std::hex << content_hash(key) << ".bin";
  return folder / name.str();
}

/// A file is a list of texts, each behind its length, and the hash of all that.
inline void append(std::string& bytes, const std::string& text) {
  const std::uint64_t size = text.size();
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += text;
}
inline std::optional<std::string> take(const std::string& bytes, std::size_t& at) {
  std::uint64_t size = 0;
  if (bytes.size() - at < sizeof size) return std::nullopt;
  bytes.copy(reinterpret_cast<char*>(&size), sizeof size, at);
  at += sizeof size;
  if (bytes.size() - at < size) return std::nullopt;
  at += size;
  return bytes.substr(at - size, size);
}

/// Null where the file is not there, not whole, or of another key with the same hash.
inline std::optional<CompiledKernels> load_kernels(const std::filesystem::path& file, const std::string& key, std::size_t names) {
  std::ifstream in{file, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  std::uint64_t hash = 0;
  if (bytes.size() < sizeof hash) return std::nullopt;
  bytes.copy(reinterpret_cast<char*>(&hash), sizeof hash, bytes.size() - sizeof hash);
  bytes.resize(bytes.size() - sizeof hash);
  if (hash != content_hash(bytes)) return std::nullopt;
  std::size_t at = 0;
  if (take(bytes, at) != key) return std::nullopt;
  auto image = take(bytes, at), log = take(bytes, at);
  if (!image || !log) return std::nullopt;
  CompiledKernels result{*std::move(image), {}, *std::move(log)};
  for (std::size_t i = 0; i < names; ++i) {
    auto name = take(bytes, at);
    if (!name) return std::nullopt;
    result.names.push_back(*std::move(name));
  }
  return result;
}
inline void store_kernels(const std::filesystem::path& file, const std::string& key, const CompiledKernels& kernels) {
  std::string bytes;
  append(bytes, key);
  append(bytes, kernels.image);
  append(bytes, kernels.log);
  for (const std::string& name : kernels.names) append(bytes, name);
  const std::uint64_t hash = content_hash(bytes);
  bytes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
  data::detail::AtomicFile out{file};
  out.write(bytes.data(), static_cast<Index>(bytes.size()));
  out.commit();
}

}  // namespace detail

#if TARN_GPU_HEADERS

/// As compile_kernels, from a file in `folder` if they were compiled before. Several processes may use one folder: a file appears
/// whole or not at all. Where it cannot be written, the next program compiles again.
inline CompiledKernels cached_kernels(const KernelRequest& request, const std::filesystem::path& folder = cache_folder()) {
  if (folder.empty()) return compile_kernels(request);
  const std::string key = detail::kernel_key(request, functions<NvrtcFunctions>().version());
  const auto file = detail::kernel_file(folder, key);
  if (auto kernels = detail::load_kernels(file, key, request.expressions.size())) return *std::move(kernels);
  CompiledKernels kernels = compile_kernels(request);
  try {
    std::filesystem::create_directories(folder);
    detail::store_kernels(file, key, kernels);
  } catch (const IoError&) {  // a folder that nobody may write to costs time, and nothing else
  } catch (const std::filesystem::filesystem_error&) {
  }
  return kernels;
}

#endif

}  // namespace tarn::gpu
