// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include <tarn/error.hpp>

#if defined(__x86_64__)
#define TARN_X86 1
#else
#define TARN_X86 0
#endif

namespace tarn::cpu {

/// The bodies that an operation has on the CPU, slowest first.
/// - `plain`: loops, one sample after another ([sample][h][w][c]), the definition that the others are tested against
/// - `baseline`: 16-byte vectors, what every 64-bit processor has
/// - `v3`: 32-byte vectors and fused multiply-add (AVX2; the x86-64-v3 level)
/// - `v4`: 64-byte vectors (AVX-512; the x86-64-v4 level)
enum class InstructionSet { plain, baseline, v3, v4 };

inline const char* to_string(InstructionSet set) {
  constexpr const char* names[] = {"plain", "baseline", "v3", "v4"};
  return names[static_cast<int>(set)];
}

/// Bytes of one vector: the number of lanes is this divided by the scalar's size, and 1 on the plain bodies.
constexpr int vector_bytes(InstructionSet set) {
  constexpr int bytes[] = {0, 16, 32, 64};
  return bytes[static_cast<int>(set)];
}

/// The best instruction set that this processor and its operating system support.
inline InstructionSet best_instruction_set() {
#if TARN_X86
  __builtin_cpu_init();  // the features that the regions in regions.hpp name
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd");
  if (v4) return InstructionSet::v4;
  if (v3) return InstructionSet::v3;
#endif
  return InstructionSet::baseline;
}

/// Reads a name as given in `TARN_CPU`.
/// Throws ArgumentError for an unknown name and DeviceError for a set above `best`, which would end in an illegal instruction.
inline InstructionSet parse_instruction_set(const std::string& name, InstructionSet best) {
  for (auto set : {InstructionSet::plain, InstructionSet::baseline, InstructionSet::v3, InstructionSet::v4}) {
    if (name != to_string(set)) continue;
    if (set > best)
      throw DeviceError("TARN_CPU: '", name, "' is not supported by this processor, whose best is '", to_string(best), "'");
    return set;
  }
  throw ArgumentError("TARN_CPU: '", name, "' is unknown, expected plain, baseline, v3 or v4");
}

namespace detail {

[[gnu::cold]] inline InstructionSet choose_instruction_set() {
  const char* forced = std::getenv("TARN_CPU");
  const InstructionSet best = best_instruction_set();
  return forced && *forced ? parse_instruction_set(forced, best) : best;
}

/// What a `UseInstructionSet` says, in its thread and in those that work for it.
inline constinit thread_local std::optional<InstructionSet> in_use;

}  // namespace detail

/// `TARN_CPU` where it is set, else the best one. Decided once, at the first call; throws what `parse_instruction_set` throws.
inline InstructionSet process_instruction_set() {
  static const InstructionSet chosen = detail::choose_instruction_set();
  return chosen;
}
/// The instruction set that operations use: the process's, or what a `UseInstructionSet` says.
inline InstructionSet instruction_set() { return detail::in_use ? *detail::in_use : process_instruction_set(); }

/// Until its end, operations that are called by this thread use `set`, which must not be above the process's. Batches and scratch of
/// another set are not for them.
class UseInstructionSet {
 public:
  explicit UseInstructionSet(InstructionSet set) : before_{detail::in_use} { detail::in_use = set; }
  ~UseInstructionSet() { detail::in_use = before_; }
  UseInstructionSet(const UseInstructionSet&) = delete;
  UseInstructionSet& operator=(const UseInstructionSet&) = delete;

 private:
  std::optional<InstructionSet> before_;
};

/// Lanes of the widest instruction set.
template <class T>
inline constexpr int max_lanes = vector_bytes(InstructionSet::v4) / static_cast<int>(sizeof(T));

/// Samples that stand side by side in the lanes of one group of a `Batch` of T.
template <class T>
int lanes() {
  const int bytes = vector_bytes(instruction_set());
  return bytes == 0 ? 1 : bytes / static_cast<int>(sizeof(T));
}

}  // namespace tarn::cpu
