// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "../../catch.hpp"
#include "blas.hpp"
#include "compiler.hpp"
#include "dnn.hpp"
#include "driver.hpp"

namespace fake {

/// While it lives, this machine has a GPU: driver, compiler and libraries are those of the tests. Its end checks that nothing is left.
class Gpu {
 public:
  Gpu() { setenv("TARN_CACHE_DIR", "/dev/null/kernels", 1); }  // which nobody can write to
  ~Gpu() {
    CHECK(state_->clean());
    state = nullptr;
    unsetenv("TARN_CACHE_DIR");
  }
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  State* operator->() { return state_.get(); }

 private:
  static std::unique_ptr<State> make() {
    auto made = std::make_unique<State>();
    state = made.get();
    return made;
  }
  std::unique_ptr<State> state_ = make();
  tarn::gpu::ReplacedFunctions<tarn::gpu::DriverFunctions> driver_{driver_table()};
  tarn::gpu::ReplacedFunctions<tarn::gpu::NvrtcFunctions> compiler_{compiler_table()};
  tarn::gpu::ReplacedFunctions<tarn::gpu::BlasFunctions> blas_{blas_table()};
  tarn::gpu::ReplacedFunctions<tarn::gpu::DnnFunctions> dnn_{dnn_table()};
};

}  // namespace fake
