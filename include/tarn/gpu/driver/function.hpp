// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>

#include <tarn/error.hpp>

namespace tarn::gpu {

/// Where a call stands in the source. Like std::source_location, which clang++ 14 has not.
struct SourceLocation {
  const char* file;
  int line;

  static constexpr SourceLocation current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

/// The text of a failed call, as in "gpu: cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY (2), at storage.hpp:41".
inline DeviceError failed_call(const char* function, const char* status_name, int status, const SourceLocation& where) {
  std::string_view file{where.file};
  file.remove_prefix(file.find_last_of('/') + 1);  // npos + 1 is 0
  return DeviceError("gpu: ", function, ": ", status_name ? status_name : "unknown status", " (", status, "), at ", file, ":",
                     where.line);
}

/// The name of a status, null where it is not known. functions.hpp has those of each library.
template <class Status>
const char* status_name(Status status);

/// A function of a library that was opened while the program runs. A call throws DeviceError where the function's status is not
/// success; `raw` gives the status, or what else the function returns.
template <class Pointer>
class Function;

template <class Result, class... Parameters>
class Function<Result (*)(Parameters...)> {
 public:
  using Pointer = Result (*)(Parameters...);
  Pointer raw = nullptr;
  const char* name = "";

  void operator()(Parameters... arguments, SourceLocation where = SourceLocation::current()) const
      requires(std::is_enum_v<Result>) {
    const Result status = raw(arguments...);
    if (status != Result{}) throw failed_call(name, status_name(status), static_cast<int>(status), where);  // success is 0 in all
  }
};

}  // namespace tarn::gpu
