// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <tarn/gpu/driver/functions.hpp>

namespace tarn::gpu {

#if TARN_GPU_HEADERS
inline namespace with_toolkit {

/// Work recorded from a context's stream, to be repeated at the cost of one call. Belongs to the context; the memory that it names
/// must live as long as it does.
class Graph {
 public:
  /// What `work` starts on the stream; it is not carried out.
  template <class Work>
  Graph(CUstream stream, const Work& work) {
    const DriverFunctions& driver = functions<DriverFunctions>();
    driver.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    CUgraph recorded = nullptr;
    try {
      work();
    } catch (...) {
      driver.cuStreamEndCapture.raw(stream, &recorded);
      if (recorded) driver.cuGraphDestroy.raw(recorded);
      throw;
    }
    driver.cuStreamEndCapture(stream, &recorded);
    const CUresult status = driver.cuGraphInstantiate.raw(&executable_, recorded, 0);
    driver.cuGraphDestroy.raw(recorded);
    if (status != CUDA_SUCCESS)
      throw failed_call(driver.cuGraphInstantiate.name, status_name(status), status, SourceLocation::current());
  }
  Graph(Graph&& other) noexcept : executable_{std::exchange(other.executable_, nullptr)} {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(executable_, other.executable_);
    return *this;
  }
  ~Graph() {
    if (executable_) functions<DriverFunctions>().cuGraphExecDestroy.raw(executable_);
  }
  CUgraphExec executable() const { return executable_; }

 private:
  CUgraphExec executable_ = nullptr;
};

}  // namespace with_toolkit
#else
inline namespace without_toolkit {

class Graph {};

}  // namespace without_toolkit
#endif

}  // namespace tarn::gpu
