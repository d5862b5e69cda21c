// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <tarn/gpu/cudnn/convolution.hpp>
#include <tarn/gpu/cudnn/device.hpp>

#if TARN_GPU_HEADERS

namespace tarn::gpu::cudnn {

/// How an operation graph is carried out on a kind of GPU.
struct Plan {
  Descriptor descriptor;
  std::size_t workspace;  ///< bytes
  std::int64_t engine;    ///< cuDNN's number of it

  /// Starts it on the handle's stream. `memory` holds a pointer for each of `ids`; the workspace is aligned to 256 bytes.
  void execute(cudnnHandle_t handle, const std::vector<std::int64_t>& ids, const std::vector<void*>& memory,
               void* working_memory) const {
    const Descriptor pack = Descriptor{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR}
                                .set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
                                .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, memory)
                                .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, working_memory)
                                .finalized();
    functions<DnnFunctions>().cudnnBackendExecute(handle, descriptor.get(), pack.get());
  }
};

/// A plan that wants more bytes is taken only where all others do too: then the one that wants least.
inline constexpr std::size_t most_workspace = std::size_t{512} << 20;

/// The ways to carry out a graph, best first as cuDNN's heuristics guess, without those that the mode refuses: float stays float
/// unless TF32 is allowed, and no sum is rounded to less than its type.
class Engines {
 public:
  Engines(const Convolution& convolution, const Descriptor& device, const MathMode& math)
      : name_{convolution.to_string()},
        device_{device},
        graph_{ConvolutionGraph{convolution}.make()},
        float_{convolution.memory == ScalarType::f32},
        math_{math} {}

  /// The first that is supported. Throws DeviceError where there is none.
  Plan first() {
    if (auto plan = try_first()) return *std::move(plan);
    throw DeviceError("cudnn: no engine for the ", name_, ": ", refused_rounding_, " refused for rounding",
                      float_ && !math_.tf32 ? " (allow TF32)" : "", ", ", refused_order_, " for sums in no fixed order",
                      math_.deterministic ? " (allow them)" : "", ", ", unsupported_, " not supported");
  }
  std::optional<Plan> try_first() {
    auto plans = supported(1);
    if (plans.empty()) return std::nullopt;
    return std::move(plans.front());
  }
  /// At most `most` of them.
  std::vector<Plan> supported(std::size_t most) {
    std::vector<Plan> plans;
    std::optional<Plan> large;
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
      for (const Descriptor& configuration : plans.size() < most ? configurations(mode) : std::vector<Descriptor>{}) {
        if (plans.size() == most) break;
        const Descriptor engine = configuration.part(CUDNN_ATTR_ENGINECFG_ENGINE, Descriptor{CUDNN_BACKEND_ENGINE_DESCRIPTOR});
        if (refused(engine)) continue;
        Descriptor plan = Descriptor{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR}
                              .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration)
                              .set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device_);
        if (plan.try_finalize() != CUDNN_STATUS_SUCCESS) {
          ++unsupported_;
          continue;
        }
        const auto workspace = static_cast<std::size_t>(plan.value<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
        Plan made{std::move(plan), workspace, engine.value<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX)};
        if (workspace <= most_workspace)
          plans.push_back(std::move(made));
        else if (!large || workspace < large->workspace)
          large = std::move(made);
      }
    if (plans.empty() && large) plans.push_back(*std::move(large));
    return plans;
  }

 private:
  std::vector<Descriptor> configurations(cudnnBackendHeurMode_t mode) const {
    Descriptor heuristics = Descriptor{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR}
                                .set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph_)
                                .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode)
                                .set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device_);
    if (heuristics.try_finalize() != CUDNN_STATUS_SUCCESS) return {};  // it knows nothing of such a graph
    return heuristics.parts(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, 64);
  }
  bool refused(const Descriptor& engine) {
    const auto notes =
        engine.values<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    const auto has = [&](cudnnBackendNumericalNote_t note) { return std::find(notes.begin(), notes.end(), note) != notes.end(); };
    const bool rounds = has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) || has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) ||
                        (float_ && has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE));
    if (rounds && !(float_ && math_.tf32)) return ++refused_rounding_, true;
    if (math_.deterministic && has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return ++refused_order_, true;
    return false;
  }

  std::string name_;
  const Descriptor& device_;
  Descriptor graph_;
  bool float_;
  MathMode math_;
  int refused_rounding_ = 0, refused_order_ = 0, unsupported_ = 0;
};

}  // namespace tarn::gpu::cudnn

#endif  // TARN_GPU_HEADERS
