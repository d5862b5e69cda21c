// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include <tarn/gpu/context.hpp>
#include <tarn/gpu/cudnn/plan.hpp>

namespace tarn::gpu {

/// Where the tensors of a convolution stand in the GPU's memory. What its pass computes is overwritten.
struct ConvolutionMemory {
  const void *x, *kernel, *y;
  const void* bias = nullptr;
};

#if TARN_GPU_HEADERS
inline namespace with_toolkit {

/// cuDNN for a context, and the plans made so far.
class Convolutions {
 public:
  explicit Convolutions(Context& context) : context_{context}, dnn_{functions<DnnFunctions>()} {
    dnn_.cudnnCreate(&handle_);
    try {
      dnn_.cudnnSetStream(handle_, context.stream());
      device_.emplace(cudnn::device_properties(handle_));
    } catch (...) {
      dnn_.cudnnDestroy.raw(handle_);
      throw;
    }
  }
  ~Convolutions() {
    plans_.clear();
    device_.reset();
    dnn_.cudnnDestroy.raw(handle_);
  }
  Convolutions(const Convolutions&) = delete;
  Convolutions& operator=(const Convolutions&) = delete;

  /// False where no engine adds bias and ReLU to such a convolution: then nothing was started.
  bool start(const Convolution& convolution, const ConvolutionMemory& memory) {
    const std::optional<cudnn::Plan>& plan = plan_of(convolution);
    if (!plan) return false;
    std::vector<std::int64_t> ids{cudnn::id_x, cudnn::id_kernel, cudnn::id_y};
    std::vector<void*> pointers;
    for (const void* pointer : {memory.x, memory.kernel, memory.y}) pointers.push_back(const_cast<void*>(pointer));
    if (convolution.bias) {
      ids.push_back(cudnn::id_bias);
      pointers.push_back(const_cast<void*>(memory.bias));
    }
    plan->execute(handle_, ids, pointers, plan->workspace > 0 ? context_.scratch(plan->workspace) : nullptr);
    return true;
  }

 private:
  using Key = std::array<Index, 23>;

  static Key key(const Convolution& c, const MathMode& math) {
    const auto& g = c.geometry;
    return {static_cast<Index>(c.pass),
            static_cast<Index>(c.memory),
            static_cast<Index>(c.computation),
            c.batch,
            g.in_h,
            g.in_w,
            g.in_c,
            g.kernel_h,
            g.kernel_w,
            g.out_h,
            g.out_w,
            g.out_c,
            g.pad_top,
            g.pad_left,
            g.stride_h,
            g.stride_w,
            c.bias,
            c.relu,
            c.alignment,
            math.tf32,
            math.deterministic,
            math.autotune};
  }
  const std::optional<cudnn::Plan>& plan_of(const Convolution& convolution) {
    const Key wanted = key(convolution, context_.math);
    const auto found = plans_.find(wanted);
    if (found != plans_.end()) return found->second;
    if (context_.capturing())
      throw StateError("gpu: planning the ", convolution.to_string(), " while a graph is captured, expected before or after");
    cudnn::Engines engines{convolution, *device_, context_.math};
    return plans_[wanted] = convolution.bias ? engines.try_first() : engines.first();
  }

  Context& context_;
  const DnnFunctions& dnn_;
  cudnnHandle_t handle_ = nullptr;
  std::optional<cudnn::Descriptor> device_;
  std::map<Key, std::optional<cudnn::Plan>> plans_;
};

/// False where no engine adds bias and ReLU to such a convolution: then nothing was started. Throws DeviceError, and StateError
/// where a shape comes up first while a graph is captured.
inline bool convolve(Context& context, const Convolution& convolution, const ConvolutionMemory& memory) {
  return context.part<Convolutions>().start(convolution, memory);
}

}  // namespace with_toolkit
#else
inline namespace without_toolkit {

inline bool convolve(Context&, const Convolution&, const ConvolutionMemory&) { return false; }

}  // namespace without_toolkit
#endif

}  // namespace tarn::gpu
