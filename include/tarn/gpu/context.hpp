// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>
#include <vector>

#include <tarn/core/shape.hpp>
#include <tarn/gpu/graph.hpp>
#include <tarn/gpu/kernels/cache.hpp>
#include <tarn/gpu/kernels/signatures.hpp>
#include <tarn/gpu/math_mode.hpp>

// All that the rest of Tarn asks of a GPU goes through Context, in untyped memory: so it compiles without the toolkit's headers,
// where no Context can be made. The two bodies stand in namespaces of their own, so that no two units disagree about one name.
namespace tarn::gpu {

/// Blocks of a launch.
struct Grid {
  unsigned x = 1, y = 1;
};

/// Where the operations of a training step find what changes from one to the next: in the GPU's memory, so that the step can be
/// captured. What they would give the host they leave there.
struct StepAddresses {
  const Range* ranges;          ///< that are trained
  void* terms;                  ///< UpdateTerms of the model's scalar
  const std::uint32_t* number;  ///< of the step, for its random numbers
  const unsigned* stopped;      ///< whether nothing is to be updated
  double *loss, *norm;          ///< results
};

#if TARN_GPU_HEADERS
inline namespace with_toolkit {

/// One GPU: its primary context, a stream of Tarn's own on which all work goes in order, and the kernels that are loaded.
/// For one thread at a time. Storage, graphs and views end before their context does.
class Context {
 public:
  /// Throws DeviceError where there is no such GPU, with the driver's reason.
  explicit Context(int ordinal = 0) : driver_{functions<DriverFunctions>()} {
    driver_.cuInit(0);
    driver_.cuDeviceGet(&device_, ordinal);
    int major = 0, minor = 0;
    driver_.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device_);
    driver_.cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device_);
    driver_.cuDeviceGetAttribute(&multiprocessors_, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device_);
    capability_ = 10 * major + minor;
    driver_.cuDevicePrimaryCtxRetain(&context_, device_);
    try {
      enter();
      driver_.cuStreamCreate(&stream_, CU_STREAM_NON_BLOCKING);
    } catch (...) {
      driver_.cuDevicePrimaryCtxRelease.raw(device_);
      throw;
    }
  }
  ~Context() {
    driver_.cuCtxSetCurrent.raw(context_);
    driver_.cuStreamSynchronize.raw(stream_);
    parts_.clear();
    for (const auto& [size, memory] : scratch_) release(memory);
    for (CUmodule module : modules_) driver_.cuModuleUnload.raw(module);
    driver_.cuStreamDestroy.raw(stream_);
    driver_.cuDevicePrimaryCtxRelease.raw(device_);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// That of this thread: of the innermost CurrentContext, else one of the first GPU, made at its first use.
  static Context& current() {
    if (Context* const own = current_of_thread()) return *own;
    static Context first;
    return first;
  }
  static Context*& current_of_thread() {
    static thread_local Context* own = nullptr;
    return own;
  }

  int capability() const { return capability_; }  ///< as in 90 for 9.0
  bool capturing() const { return capturing_; }
  CUstream stream() const { return stream_; }

  /// Counts what is done once, and takes long. Throws StateError while capturing.
  void prepare(const std::string& what) {
    outside_capture(what);
    ++preparations_;
  }
  Index preparations() const { return preparations_; }

  /// Looked at where a shape comes up first: set it before the first pass.
  MathMode math;

  /// What a library keeps for this context, as `Part{*this}` makes it at the first use, which must not be while capturing. Ends
  /// with the context.
  template <class Part>
  Part& part() {
    enter();
    std::shared_ptr<void>& part = parts_[typeid(Part)];
    if (!part) {
      prepare("opening a library");
      part = std::make_shared<Part>(*this);
    }
    return *static_cast<Part*>(part.get());
  }

  const StepAddresses* step() const { return step_; }  ///< null outside of a training step
  /// `work` as a training step.
  template <class Work>
  void run_step(const StepAddresses& step, const Work& work) {
    step_ = &step;
    try {
      work();
    } catch (...) {
      step_ = nullptr;
      throw;
    }
    step_ = nullptr;
  }

  /// Rubbish, aligned to 256 bytes. Throws DeviceError, StateError while capturing.
  void* allocate(std::size_t bytes) {
    outside_capture("allocate");
    CUdeviceptr address = 0;
    driver_.cuMemAlloc(&address, bytes);
    return reinterpret_cast<void*>(address);
  }
  void release(void* memory) noexcept {
    driver_.cuCtxSetCurrent.raw(context_);
    driver_.cuMemFree.raw(address(memory));
  }
  void zero(void* memory, std::size_t bytes) {
    enter();
    driver_.cuMemsetD8Async(address(memory), 0, bytes, stream_);
  }
  void copy(void* to, const void* from, std::size_t bytes) {
    enter();
    driver_.cuMemcpyDtoDAsync(address(to), address(from), bytes, stream_);
  }
  /// From the processor's memory, which may change afterwards. Throws StateError while capturing, as `download` does.
  void upload(void* to, const void* from, std::size_t bytes) {
    outside_capture("upload");
    driver_.cuMemcpyHtoDAsync(address(to), from, bytes, stream_);
    driver_.cuStreamSynchronize(stream_);
  }
  void download(void* to, const void* from, std::size_t bytes) {
    outside_capture("download");
    driver_.cuMemcpyDtoHAsync(to, address(from), bytes, stream_);
    driver_.cuStreamSynchronize(stream_);
  }
  void synchronize() {
    outside_capture("synchronize");
    driver_.cuStreamSynchronize(stream_);
  }

  /// Working memory of one operation, rubbish at its start. What was given out stays: graphs may name it.
  void* scratch(std::size_t bytes) {
    if (scratch_.empty() || scratch_.back().first < bytes) {
      bytes = std::max<std::size_t>(bytes, scratch_.empty() ? 65536 : 2 * scratch_.back().first);
      scratch_.reserve(scratch_.size() + 1);
      scratch_.emplace_back(bytes, allocate(bytes));
    }
    return scratch_.back().second;
  }

  /// Blocks of threads for that many elements: no more than keep the GPU busy.
  Grid blocks_for(Index elements) const {
    const Index blocks = (elements + block - 1) / block;
    return {static_cast<unsigned>(std::clamp<Index>(blocks, 1, Index{8} * multiprocessors_))};
  }
  /// Starts `kernel(arguments...)`; the first use of a kernel loads it, which must not be while capturing.
  template <class T, class... Parameters, class... Arguments>
  void launch(const Kernel<T, Parameters...>& kernel, Grid grid, const Arguments&... arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments));
    std::tuple<Parameters...> values(arguments...);
    std::apply(
        [&](auto&... value) {
          void* pointers[] = {static_cast<void*>(&value)...};
          start(kernel.expression(), grid, pointers);
        },
        values);
  }

  /// What `work` starts on this context, as a graph; it is not carried out. `work` has run once before.
  template <class Work>
  Graph capture(const Work& work) {
    outside_capture("capture");
    capturing_ = true;
    try {
      Graph graph{stream_, work};
      capturing_ = false;
      return graph;
    } catch (...) {
      capturing_ = false;
      throw;
    }
  }
  void play(const Graph& graph) {
    enter();
    driver_.cuGraphLaunch(graph.executable(), stream_);
  }

 private:
  static CUdeviceptr address(const void* memory) { return reinterpret_cast<CUdeviceptr>(memory); }
  void enter() { driver_.cuCtxSetCurrent(context_); }
  void outside_capture(const std::string& what) {
    if (capturing_) throw StateError("gpu: ", what, " while a graph is captured, expected before or after");
    enter();
  }
  void start(const std::string& expression, Grid grid, void** arguments) {
    enter();
    driver_.cuLaunchKernel(function(expression), grid.x, grid.y, 1, block, 1, 1, 0, stream_, arguments, nullptr);
  }
  CUfunction function(const std::string& expression) {
    if (const auto found = functions_.find(expression); found != functions_.end()) return found->second;
    prepare("loading a kernel");
    std::vector<std::string> expressions = kernels_of(expression);
    const CompiledKernels kernels = cached_kernels({capability_, expressions});
    CUmodule module = nullptr;
    modules_.reserve(modules_.size() + 1);
    driver_.cuModuleLoadData(&module, kernels.image.data());
    modules_.push_back(module);
    for (std::size_t i = 0; i < expressions.size(); ++i)
      driver_.cuModuleGetFunction(&functions_[expressions[i]], module, kernels.names[i].c_str());
    return functions_.at(expression);
  }

  const DriverFunctions& driver_;
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  int capability_ = 0, multiprocessors_ = 1;
  bool capturing_ = false;
  Index preparations_ = 0;
  const StepAddresses* step_ = nullptr;
  std::vector<CUmodule> modules_;
  std::map<std::string, CUfunction> functions_;
  std::map<std::type_index, std::shared_ptr<void>> parts_;
  std::vector<std::pair<std::size_t, void*>> scratch_;
};

}  // namespace with_toolkit
#else
inline namespace without_toolkit {

/// As with the toolkit's headers, but none can be made.
class Context {
 public:
  explicit Context(int = 0) {
    throw DeviceError(
        "gpu: this program was compiled without the headers of the CUDA toolkit and cuDNN; link tarn::gpu in CMake");
  }
  static Context& current() {
    static Context first;
    return first;
  }
  static Context*& current_of_thread() {
    static thread_local Context* own = nullptr;
    return own;
  }
  int capability() const { return 0; }
  bool capturing() const { return false; }
  MathMode math;
  const StepAddresses* step() const { return nullptr; }
  template <class Work>
  void run_step(const StepAddresses&, const Work&) {}
  void* allocate(std::size_t) { return nullptr; }
  void release(void*) noexcept {}
  void zero(void*, std::size_t) {}
  void copy(void*, const void*, std::size_t) {}
  void upload(void*, const void*, std::size_t) {}
  void download(void*, const void*, std::size_t) {}
  void synchronize() {}
  void* scratch(std::size_t) { return nullptr; }
  Grid blocks_for(Index) const { return {}; }
  template <class T, class... Parameters, class... Arguments>
  void launch(const Kernel<T, Parameters...>&, Grid, const Arguments&...) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments));
  }
  template <class Work>
  Graph capture(const Work&) {
    return {};
  }
  void play(const Graph&) {}
};

}  // namespace without_toolkit
#endif

/// While it lives, this thread's operations run on that context.
class CurrentContext {
 public:
  explicit CurrentContext(Context& context) : before_{std::exchange(Context::current_of_thread(), &context)} {}
  ~CurrentContext() { Context::current_of_thread() = before_; }
  CurrentContext(const CurrentContext&) = delete;
  CurrentContext& operator=(const CurrentContext&) = delete;

 private:
  Context* before_;
};

}  // namespace tarn::gpu
