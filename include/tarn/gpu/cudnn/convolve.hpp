// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <tarn/gpu/context.hpp>
#include <tarn/gpu/cudnn/plan.hpp>
#include <tarn/gpu/cudnn/tuning.hpp>

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

  /// Of the GPU, as `cudnn::described_device` takes it.
  std::string description() const { return cudnn::description_of(*device_); }

  /// False where no engine adds bias and ReLU to such a convolution: then nothing was started.
  bool start(const Convolution& convolution, const ConvolutionMemory& memory) {
    const std::optional<cudnn::Plan>& plan = plan_of(convolution, memory);
    if (plan) execute(*plan, convolution, memory);
    return plan.has_value();
  }

 private:
  using Key = std::array<Index, 22>;

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
  const std::optional<cudnn::Plan>& plan_of(const Convolution& convolution, const ConvolutionMemory& memory) {
    const Key wanted = key(convolution, context_.math);
    const auto found = plans_.find(wanted);
    if (found != plans_.end()) return found->second;
    context_.prepare("planning the " + convolution.to_string());
    cudnn::Engines engines{convolution, *device_, context_.math};
    std::optional<cudnn::Plan> plan;
    if (context_.math.autotune) plan = fastest(engines, wanted, convolution, memory);
    if (!plan) plan = convolution.bias ? engines.try_first() : engines.first();
    return plans_[wanted] = std::move(plan);
  }
  void execute(const cudnn::Plan& plan, const Convolution& convolution, const ConvolutionMemory& memory) {
    std::vector<std::int64_t> ids{cudnn::id_x, cudnn::id_kernel, cudnn::id_y};
    std::vector<void*> pointers;
    for (const void* pointer : {memory.x, memory.kernel, memory.y}) pointers.push_back(const_cast<void*>(pointer));
    if (convolution.bias) {
      ids.push_back(cudnn::id_bias);
      pointers.push_back(const_cast<void*>(memory.bias));
    }
    plan.execute(handle_, ids, pointers, plan.workspace > 0 ? context_.scratch(plan.workspace) : nullptr);
  }

  /// Of the first plans the one that takes the least time on this GPU, measured now or in an earlier program; null for no plans.
  std::optional<cudnn::Plan> fastest(cudnn::Engines& engines, const Key& wanted, const Convolution& convolution,
                                     const ConvolutionMemory& memory) {
    auto plans = engines.supported(tuned_plans);
    if (plans.empty()) return std::nullopt;
    std::string key =
        tarn::detail::join({"tarn convolution 1, cuDNN ", dnn_.version(), "\n", cudnn::description_of(*device_), "\n"});
    for (const Index number : wanted) key += std::to_string(number) + " ";
    if (const auto known = cudnn::load_choice(key);
        known && known->place < plans.size() && plans[known->place].engine == known->engine)
      return std::move(plans[known->place]);
    std::size_t best = 0;
    double least = 0;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const double seconds = time(plans[i], convolution, memory);
      if (i == 0 || seconds < least) best = i, least = seconds;
    }
    cudnn::store_choice(key, {best, plans[best].engine});
    return std::move(plans[best]);
  }
  /// Of several runs, after one that is not counted. What they compute is overwritten by the run that is wanted.
  double time(const cudnn::Plan& plan, const Convolution& convolution, const ConvolutionMemory& memory) {
    execute(plan, convolution, memory);
    context_.synchronize();
    const auto start = std::chrono::steady_clock::now();
    for (int run = 0; run < 20; ++run) execute(plan, convolution, memory);
    context_.synchronize();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  static constexpr std::size_t tuned_plans = 12;

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
