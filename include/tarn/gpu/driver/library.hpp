// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <tarn/error.hpp>

namespace tarn::gpu {

/// Folders where a toolkit may be beside those that the system's loader knows: TARN_CUDA_PATH, CUDA_HOME, CUDA_PATH, /usr/local/cuda,
/// and the `nvidia` packages of the Python environment that is active.
inline std::vector<std::string> library_folders() {
  std::vector<std::string> folders;
  for (const char* variable : {"TARN_CUDA_PATH", "CUDA_HOME", "CUDA_PATH"})
    if (const char* root = std::getenv(variable); root && *root)
      for (const char* folder : {"", "/lib64", "/lib"}) folders.push_back(std::string{root} + folder);
  folders.insert(folders.end(), {"/usr/local/cuda/lib64", "/usr/local/cuda/lib"});
  if (const char* environment = std::getenv("VIRTUAL_ENV"); environment && *environment) {
    std::error_code ignored;  // of a folder that is not there: then there is nothing in it
    for (const auto& python : std::filesystem::directory_iterator{std::string{environment} + "/lib", ignored})
      for (const char* package : {"cu13", "cu12", "cudnn", "cublas", "cuda_nvrtc", "cuda_runtime"})
        folders.push_back(python.path().string() + "/site-packages/nvidia/" + package + "/lib");
  }
  return folders;
}

/// A library that is opened while the program runs, and stays open until it ends: its own threads may outlast any owner.
class Library {
 public:
  /// Tries the system's loader, then each of `folders`. Throws DeviceError with the loader's reason and `remedy`.
  Library(const std::string& name, const std::vector<std::string>& folders, const char* remedy) : name_{name} {
    handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_) return;
    std::string reason = last_error();
    for (const std::string& folder : folders) {
      const std::string path = folder + "/" + name;
      std::error_code ignored;
      if (!std::filesystem::exists(path, ignored)) continue;
      open_companions(folder, name.substr(0, name.find(".so")) + "-");
      handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle_) return;
      reason = last_error();  // of a library that is there
    }
    throw DeviceError("gpu: cannot open ", name, " (", reason, "); ", remedy);
  }

  /// The address of a function. Throws DeviceError where the library has none of that name.
  void* find(const char* function) const {
    void* const address = dlsym(handle_, function);
    if (!address) throw DeviceError("gpu: ", name_, " has no function ", function, ", expected a newer library");
    return address;
  }

 private:
  /// What a library opens later by its name alone, as NVRTC does libnvrtc-builtins.so: an open one is found.
  static void open_companions(const std::string& folder, const std::string& prefix) {
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator{folder, ignored})
      if (file.path().filename().string().rfind(prefix, 0) == 0) dlopen(file.path().c_str(), RTLD_LAZY | RTLD_LOCAL);
  }
  static std::string last_error() {
    const char* const text = dlerror();
    return text ? text : "no reason given";
  }

  std::string name_;
  void* handle_ = nullptr;
};

}  // namespace tarn::gpu
