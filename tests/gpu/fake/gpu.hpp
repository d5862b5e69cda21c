// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "../../catch.hpp"
#include "blas.hpp"
#include "compiler.hpp"
#include "dnn.hpp"
#include "driver.hpp"

namespace fake {

/// Whether the tests with the tag [card] are to run on this machine's own GPU.
inline bool on_card() { return std::getenv("TARN_TEST_CARD") != nullptr; }

/// While it lives, this machine has a GPU: driver, compiler and libraries are those of the tests. Its end checks that nothing is
/// left. With `card` they stay the machine's own.
class Gpu {
 public:
  explicit Gpu(bool card = false) : state_{card ? nullptr : make()} {
    if (card) return;
    setenv("TARN_CACHE_DIR", "/dev/null/kernels", 1);  // which nobody can write to
    driver_.emplace(driver_table());
    compiler_.emplace(compiler_table());
    blas_.emplace(blas_table());
    dnn_.emplace(dnn_table());
  }
  ~Gpu() {
    if (!state_) return;
    CHECK(state_->clean());
    state = nullptr;
    unsetenv("TARN_CACHE_DIR");
  }
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  State* operator->() { return state_.get(); }  ///< null on a card

 private:
  static std::unique_ptr<State> make() {
    auto made = std::make_unique<State>();
    state = made.get();
    return made;
  }
  std::unique_ptr<State> state_;
  std::optional<tarn::gpu::ReplacedFunctions<tarn::gpu::DriverFunctions>> driver_;
  std::optional<tarn::gpu::ReplacedFunctions<tarn::gpu::NvrtcFunctions>> compiler_;
  std::optional<tarn::gpu::ReplacedFunctions<tarn::gpu::BlasFunctions>> blas_;
  std::optional<tarn::gpu::ReplacedFunctions<tarn::gpu::DnnFunctions>> dnn_;
};

/// What came of letting calls fail.
struct Failures {
  int attempts = 0, errors = 0;
};
/// Lets calls of the functions whose names begin like that fail, one at each run of `work`: all calls or, of a function with more than
/// 50, every `stride`th. Whatever happens nothing may be left; then `work` must succeed again. `failed(name, error)` sees each DeviceError.
template <class Work, class Failed>
Failures fail_each_call(Gpu& gpu, const std::string& prefix, int stride, const Work& work, const Failed& failed) {
  work();
  const auto calls = gpu->calls;
  Failures result;
  for (const auto& [name, count] : calls) {
    if (name.rfind(prefix, 0) != 0 || name.find("Destroy") != std::string::npos) continue;
    for (int number = 1; number <= count; number += count > 50 ? stride : 1, ++result.attempts) {
      INFO(name << ", call " << number);
      gpu->calls.clear();
      gpu->fail_at = {{name, number}};
      try {
        work();
      } catch (const tarn::DeviceError& error) {
        ++result.errors;
        failed(name, error);
      }
      CHECK(gpu->clean());
    }
  }
  gpu->fail_at.clear();
  CHECK_NOTHROW(work());
  return result;
}

}  // namespace fake
