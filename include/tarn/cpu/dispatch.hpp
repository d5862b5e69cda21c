// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/cpu/instruction_set.hpp>
#include <tarn/cpu/regions.hpp>

/// The body of function template `name` for the instruction set in use: `TARN_CPU_BODY(sgd, T)(arguments...)`. This is the
/// one place that decides which body runs, and only bodies named this way are instantiated. Each body has the same
/// signature in namespaces `cpu::plain`, `cpu::baseline`, `cpu::v3` and `cpu::v4`.
/// `TARN_CPU_FEW_BODY` is that for a batch of few samples, without lanes: `few_name` in the vector regions.
/// `TARN_CPU_LANES_BODY` is one that needs lanes: null where the set in use is `plain`.
#if TARN_X86
#define TARN_CPU_BODY(name, ...)                                                                         \
  ::tarn::cpu::choose(&::tarn::cpu::plain::name<__VA_ARGS__>, &::tarn::cpu::baseline::name<__VA_ARGS__>, \
                      &::tarn::cpu::v3::name<__VA_ARGS__>, &::tarn::cpu::v4::name<__VA_ARGS__>)
#define TARN_CPU_FEW_BODY(name, ...)                                                                           \
  ::tarn::cpu::choose(&::tarn::cpu::plain::name<__VA_ARGS__>, &::tarn::cpu::baseline::few_##name<__VA_ARGS__>, \
                      &::tarn::cpu::v3::few_##name<__VA_ARGS__>, &::tarn::cpu::v4::few_##name<__VA_ARGS__>)
#define TARN_CPU_LANES_BODY(name, ...)                                                                                  \
  ::tarn::cpu::choose(decltype(&::tarn::cpu::baseline::name<__VA_ARGS__>){}, &::tarn::cpu::baseline::name<__VA_ARGS__>, \
                      &::tarn::cpu::v3::name<__VA_ARGS__>, &::tarn::cpu::v4::name<__VA_ARGS__>)
#else
#define TARN_CPU_BODY(name, ...) \
  ::tarn::cpu::choose(&::tarn::cpu::plain::name<__VA_ARGS__>, &::tarn::cpu::baseline::name<__VA_ARGS__>)
#define TARN_CPU_FEW_BODY(name, ...) \
  ::tarn::cpu::choose(&::tarn::cpu::plain::name<__VA_ARGS__>, &::tarn::cpu::baseline::few_##name<__VA_ARGS__>)
#define TARN_CPU_LANES_BODY(name, ...) \
  ::tarn::cpu::choose(decltype(&::tarn::cpu::baseline::name<__VA_ARGS__>){}, &::tarn::cpu::baseline::name<__VA_ARGS__>)
#endif

namespace tarn::cpu {

template <class Function>
Function* choose(Function* plain, Function* baseline, Function* v3 = nullptr, Function* v4 = nullptr) {
  switch (instruction_set()) {
    case InstructionSet::plain: return plain;
    case InstructionSet::v3: return v3;
    case InstructionSet::v4: return v4;
    default: return baseline;
  }
}

}  // namespace tarn::cpu
