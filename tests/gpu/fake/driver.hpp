// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdlib>
#include <list>
#include <optional>
#include <set>

#include <tarn/gpu/driver/functions.hpp>

#include "kernels.hpp"
#include "memory.hpp"

namespace fake {

/// What a GPU's driver would keep. Work is carried out when it is started: the stream's order is the program's.
struct State {
  const std::map<std::string, Binder> kernels = fake::kernels();
  Memory memory;
  struct Module {
    std::list<std::pair<std::string, const Binder*>> functions;
  };
  struct Graph {
    std::vector<std::function<CUresult()>> nodes;
  };
  struct Event {
    std::optional<std::chrono::steady_clock::time_point> passed;
  };
  std::set<Module*> modules;
  std::set<Graph*> graphs, executables;
  std::set<Event*> events;
  std::set<void*> streams, objects;  ///< objects: of libraries above the driver
  int contexts = 0;
  void* current = nullptr;      ///< context
  Graph* capture = nullptr;     ///< what is recorded
  bool capture_broken = false;  ///< by a call that no capture allows
  std::size_t launches = 0;
  std::map<std::string, int> calls, fail_at;    ///< of each function: how often, and the number of the call that fails
  CUresult failure = CUDA_ERROR_OUT_OF_MEMORY;  ///< how it fails
  bool lost = false;                            ///< since a launch has failed: then every call does

  bool clean() const {
    return memory.blocks() == 0 && modules.empty() && graphs.empty() && executables.empty() && events.empty() &&
           streams.empty() && objects.empty() && contexts == 0;
  }
};
inline State* state = nullptr;

inline CUdeviceptr address_of(const void* pointer) { return reinterpret_cast<CUdeviceptr>(pointer); }

/// The functions of the driver, each as its manual says.
struct Driver {
  /// Outside a capture `work` is done, inside it is recorded; only on a stream of the program's own.
  static CUresult enqueue(CUstream stream, std::function<CUresult()> work) {
    if (!state->current) return CUDA_ERROR_INVALID_CONTEXT;
    if (!state->streams.count(stream)) return CUDA_ERROR_INVALID_HANDLE;
    if (!state->capture) return work();
    state->capture->nodes.push_back(std::move(work));
    return CUDA_SUCCESS;
  }
  /// What must not happen during a capture spoils it.
  static bool forbidden() {
    state->capture_broken |= state->capture != nullptr;
    return state->capture != nullptr;
  }

  static CUresult cuGetErrorName(CUresult status, const char** name) {
    static const std::map<int, const char*> names{
        {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
        {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
        {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
        {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
        {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
        {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
        {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"}};
    const auto found = names.find(status);
    *name = found == names.end() ? nullptr : found->second;
    return CUDA_SUCCESS;
  }
  static CUresult cuInit(unsigned) { return CUDA_SUCCESS; }
  static CUresult cuDriverGetVersion(int* version) { return *version = CUDA_VERSION, CUDA_SUCCESS; }
  static CUresult cuDeviceGet(CUdevice* device, int ordinal) {
    return ordinal == 0 ? (*device = 0, CUDA_SUCCESS) : CUDA_ERROR_INVALID_DEVICE;
  }
  static CUresult cuDeviceGetCount(int* count) { return *count = 1, CUDA_SUCCESS; }
  static CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice) {
    *value =
        attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9 : attribute == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;
    return CUDA_SUCCESS;
  }
  static CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) {
    ++state->contexts;
    *context = reinterpret_cast<CUcontext>(state);
    return CUDA_SUCCESS;
  }
  static CUresult cuDevicePrimaryCtxRelease(CUdevice) {
    return state->contexts > 0 ? (--state->contexts, CUDA_SUCCESS) : CUDA_ERROR_INVALID_CONTEXT;
  }
  static CUresult cuCtxSetCurrent(CUcontext context) { return state->current = context, CUDA_SUCCESS; }

  static CUresult cuMemAlloc(CUdeviceptr* address, std::size_t bytes) {
    if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    return *address = state->memory.allocate(bytes), CUDA_SUCCESS;
  }
  static CUresult cuMemFree(CUdeviceptr address) {
    if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    return state->memory.free(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  }
  static CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void* from, std::size_t bytes, CUstream stream) {
    return enqueue(stream, [=] { return copy(to, address_of(from), bytes, true, false); });
  }
  static CUresult cuMemcpyDtoHAsync(void* to, CUdeviceptr from, std::size_t bytes, CUstream stream) {
    return enqueue(stream, [=] { return copy(address_of(to), from, bytes, false, true); });
  }
  static CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream stream) {
    return enqueue(stream, [=] { return copy(to, from, bytes, true, true); });
  }
  static CUresult copy(CUdeviceptr to, CUdeviceptr from, std::size_t bytes, bool to_gpu, bool from_gpu) {
    if (state->memory.holds(to, bytes) != to_gpu || state->memory.holds(from, bytes) != from_gpu) return CUDA_ERROR_INVALID_VALUE;
    std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
    return CUDA_SUCCESS;
  }
  static CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, std::size_t bytes, CUstream stream) {
    return enqueue(stream, [=] {
      if (!state->memory.holds(to, bytes)) return CUDA_ERROR_INVALID_VALUE;
      std::memset(reinterpret_cast<void*>(to), value, bytes);
      return CUDA_SUCCESS;
    });
  }

  static CUresult cuStreamCreate(CUstream* stream, unsigned) {
    void* const handle = new char;
    state->streams.insert(handle);
    return *stream = static_cast<CUstream>(handle), CUDA_SUCCESS;
  }
  static CUresult cuStreamDestroy(CUstream stream) {
    if (state->streams.erase(stream) == 0) return CUDA_ERROR_INVALID_HANDLE;
    delete reinterpret_cast<char*>(stream);
    return CUDA_SUCCESS;
  }
  static CUresult cuStreamSynchronize(CUstream stream) {
    if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    return state->streams.count(stream) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  }
  static CUresult cuStreamBeginCapture(CUstream stream, CUstreamCaptureMode) {
    if (!state->streams.count(stream) || state->capture) return CUDA_ERROR_INVALID_VALUE;
    state->capture = *state->graphs.insert(new State::Graph).first;
    return state->capture_broken = false, CUDA_SUCCESS;
  }
  static CUresult cuStreamEndCapture(CUstream, CUgraph* graph) {
    State::Graph* const recorded = std::exchange(state->capture, nullptr);
    if (!recorded) return CUDA_ERROR_INVALID_VALUE;
    *graph = reinterpret_cast<CUgraph>(recorded);
    if (!state->capture_broken) return CUDA_SUCCESS;
    cuGraphDestroy(*graph);
    return *graph = nullptr, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  }
  static CUresult cuGraphInstantiate(CUgraphExec* executable, CUgraph graph, unsigned long long) {
    auto* const own = reinterpret_cast<State::Graph*>(graph);
    if (!state->graphs.count(own)) return CUDA_ERROR_INVALID_VALUE;
    *executable = reinterpret_cast<CUgraphExec>(*state->executables.insert(new State::Graph{*own}).first);
    return CUDA_SUCCESS;
  }
  static CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    auto* const graph = reinterpret_cast<State::Graph*>(executable);
    if (!state->executables.count(graph)) return CUDA_ERROR_INVALID_VALUE;
    return enqueue(stream, [=] {
      for (const auto& node : graph->nodes)
        if (const CUresult status = node(); status != CUDA_SUCCESS) return status;
      return CUDA_SUCCESS;
    });
  }
  static CUresult cuGraphDestroy(CUgraph graph) { return destroy(state->graphs, reinterpret_cast<State::Graph*>(graph)); }
  static CUresult cuGraphExecDestroy(CUgraphExec graph) {
    return destroy(state->executables, reinterpret_cast<State::Graph*>(graph));
  }
  template <class Object>
  static CUresult destroy(std::set<Object*>& objects, Object* object) {
    if (objects.erase(object) == 0) return CUDA_ERROR_INVALID_VALUE;
    delete object;
    return CUDA_SUCCESS;
  }

  static CUresult cuEventCreate(CUevent* event, unsigned) {
    if (!state->current) return CUDA_ERROR_INVALID_CONTEXT;
    *event = reinterpret_cast<CUevent>(*state->events.insert(new State::Event).first);
    return CUDA_SUCCESS;
  }
  static CUresult cuEventDestroy(CUevent event) { return destroy(state->events, reinterpret_cast<State::Event*>(event)); }
  static State::Event* alive(CUevent event) {
    auto* const own = reinterpret_cast<State::Event*>(event);
    return state->events.count(own) ? own : nullptr;
  }
  static CUresult cuEventRecord(CUevent event, CUstream stream) {
    State::Event* const own = alive(event);
    if (!own) return CUDA_ERROR_INVALID_HANDLE;
    return enqueue(stream, [own] { return own->passed = std::chrono::steady_clock::now(), CUDA_SUCCESS; });
  }
  static CUresult cuEventSynchronize(CUevent event) {
    if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    return alive(event) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  }
  static CUresult cuEventElapsedTime(float* milliseconds, CUevent from, CUevent to) {
    const State::Event *const first = alive(from), *const last = alive(to);
    if (!first || !last || !first->passed || !last->passed) return CUDA_ERROR_INVALID_HANDLE;
    *milliseconds = std::chrono::duration<float, std::milli>(*last->passed - *first->passed).count();
    return CUDA_SUCCESS;
  }

  static CUresult cuModuleLoadData(CUmodule* module, const void*) {
    if (forbidden()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    *module = reinterpret_cast<CUmodule>(*state->modules.insert(new State::Module).first);
    return CUDA_SUCCESS;
  }
  static CUresult cuModuleUnload(CUmodule module) { return destroy(state->modules, reinterpret_cast<State::Module*>(module)); }
  static CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    const auto found = state->kernels.find(name);
    if (found == state->kernels.end()) return CUDA_ERROR_NOT_FOUND;
    auto& functions = reinterpret_cast<State::Module*>(module)->functions;
    functions.emplace_back(name, &found->second);
    return *function = reinterpret_cast<CUfunction>(&functions.back()), CUDA_SUCCESS;
  }
  static CUresult cuLaunchKernel(CUfunction function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned,
                                 unsigned, CUstream stream, void** arguments, void**) {
    if (x == 0 || y == 0 || z != 1 || y > 65535 || threads == 0 || threads > 1024) return CUDA_ERROR_INVALID_VALUE;
    const auto& [name, bind] = *reinterpret_cast<std::pair<std::string, const Binder*>*>(function);
    const Work work = (*bind)({x, y}, threads, arguments);
    return enqueue(stream, [work] {
      for (const void* address : work.addresses)
        if (!state->memory.holds(address_of(address), 1)) return CUDA_ERROR_ILLEGAL_ADDRESS;
      ++state->launches;
      work.run();
      return CUDA_SUCCESS;
    });
  }
};

/// Whether a function ends the life of something.
inline bool cleans_up(const std::string& function) {
  for (const char* word : {"Destroy", "Release", "Free", "Unload"})
    if (function.find(word) != std::string::npos) return true;
  return false;
}

/// A function that counts its calls and, at the one asked for, fails instead.
template <auto function>
struct Counted;
template <class... Parameters, CUresult (*function)(Parameters...)>
struct Counted<function> {
  static inline const char* name = "";
  static CUresult call(Parameters... arguments) {
    const int number = ++state->calls[name];
    const auto found = state->fail_at.find(name);
    const bool fails = found != state->fail_at.end() && found->second == number;
    state->lost |= fails && state->failure == CUDA_ERROR_LAUNCH_FAILED;
    if (!fails && (!state->lost || std::strcmp(name, "cuGetErrorName") == 0)) return function(arguments...);
    abandon_capture();
    if (cleans_up(name)) function(arguments...);  // what it held goes all the same
    return state->lost ? CUDA_ERROR_LAUNCH_FAILED : state->failure;
  }

 private:
  /// The end of a capture that fails ends it all the same.
  static void abandon_capture() {
    if (reinterpret_cast<void (*)()>(function) == reinterpret_cast<void (*)()>(&Driver::cuStreamEndCapture))
      if (State::Graph* const graph = std::exchange(state->capture, nullptr)) Driver::destroy(state->graphs, graph);
  }
};

tarn::gpu::DriverFunctions driver_table();

}  // namespace fake
