// SPDX-License-Identifier: MIT
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <type_traits>

namespace tarn::gpu {

/// What it takes to list the GPUs of a machine: functions of the driver whose signatures are part of its binary interface, so that
/// no toolkit is needed. Statuses are 0 for success; a device is a number. functions.hpp has all the others.
struct DriverQueries {
  int (*cuInit)(unsigned flags) = nullptr;
  int (*cuDriverGetVersion)(int* version) = nullptr;
  int (*cuDeviceGetCount)(int* count) = nullptr;
  int (*cuDeviceGet)(int* device, int ordinal) = nullptr;
  int (*cuDeviceGetName)(char* name, int size, int device) = nullptr;
  int (*cuDeviceTotalMem_v2)(std::size_t* bytes, int device) = nullptr;
  int (*cuDeviceGetAttribute)(int* value, int attribute, int device) = nullptr;
  int (*cuGetErrorName)(int status, const char** name) = nullptr;

  bool complete() const {
    return cuInit && cuDriverGetVersion && cuDeviceGetCount && cuDeviceGet && cuDeviceGetName && cuDeviceTotalMem_v2 &&
           cuDeviceGetAttribute && cuGetErrorName;
  }
};

namespace detail {

/// In the place of the driver's own, where a test put it.
inline std::atomic<const DriverQueries*>& replaced_queries() {
  static std::atomic<const DriverQueries*> table{nullptr};
  return table;
}

inline DriverQueries open_driver_queries() {
  DriverQueries table;
  void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return table;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
  };
  find(table.cuInit, "cuInit");
  find(table.cuDriverGetVersion, "cuDriverGetVersion");
  find(table.cuDeviceGetCount, "cuDeviceGetCount");
  find(table.cuDeviceGet, "cuDeviceGet");
  find(table.cuDeviceGetName, "cuDeviceGetName");
  find(table.cuDeviceTotalMem_v2, "cuDeviceTotalMem_v2");
  find(table.cuDeviceGetAttribute, "cuDeviceGetAttribute");
  find(table.cuGetErrorName, "cuGetErrorName");
  return table;
}

}  // namespace detail

/// The driver's, opened at the first call; null where this machine has no driver.
inline const DriverQueries* driver_queries() {
  if (const DriverQueries* table = detail::replaced_queries().load()) return table->complete() ? table : nullptr;
  static const DriverQueries own = detail::open_driver_queries();
  return own.complete() ? &own : nullptr;
}

}  // namespace tarn::gpu
