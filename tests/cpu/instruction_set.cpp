// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <thread>

#include <tarn/core/parallel.hpp>
#include <tarn/cpu/instruction_set.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"
#include "../support/models.hpp"

using support::error_of;
using tarn::cpu::InstructionSet;
using tarn::cpu::parse_instruction_set;

TEST_CASE("TARN_CPU is one of four names", "[cpu][instruction_set]") {
  for (auto set : {InstructionSet::plain, InstructionSet::baseline, InstructionSet::v3, InstructionSet::v4})
    CHECK(parse_instruction_set(tarn::cpu::to_string(set), InstructionSet::v4) == set);
  for (const std::string name : {"", "V4", "avx2", "plain "})
    CHECK(error_of<tarn::ArgumentError>([&] { parse_instruction_set(name, InstructionSet::v4); }) ==
          "TARN_CPU: '" + name + "' is unknown, expected plain, baseline, v3 or v4");
}

TEST_CASE("TARN_CPU does not name more than the processor has", "[cpu][instruction_set]") {
  CHECK(parse_instruction_set("baseline", InstructionSet::baseline) == InstructionSet::baseline);
  CHECK(error_of<tarn::DeviceError>([] { parse_instruction_set("v4", InstructionSet::v3); }) ==
        "TARN_CPU: 'v4' is not supported by this processor, whose best is 'v3'");
}

TEST_CASE("Lanes fill the vectors of the set, one lane on the plain bodies", "[cpu][instruction_set]") {
  const auto set = tarn::cpu::instruction_set();
  CHECK(set <= tarn::cpu::best_instruction_set());
  if (set == InstructionSet::plain) {
    CHECK(tarn::cpu::lanes<float>() == 1);
    CHECK(tarn::cpu::lanes<double>() == 1);
  } else {
    CHECK(tarn::cpu::lanes<float>() * 4 == tarn::cpu::vector_bytes(set));
    CHECK(tarn::cpu::lanes<double>() * 8 == tarn::cpu::vector_bytes(set));
  }
}

TEST_CASE("A set in use is that of its thread and of those that work for it, until its end",
          "[cpu][instruction_set][concurrency]") {
  using tarn::cpu::instruction_set;
  using tarn::cpu::UseInstructionSet;
  const auto own = instruction_set();
  const support::Threads scope{3};
  const auto workers_with = [](InstructionSet set) {
    const auto caller = std::this_thread::get_id();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    std::atomic<int> found{0}, others{0};
    tarn::parallel::run(64, [&](tarn::Index) {
      if (std::this_thread::get_id() != caller) ++others;
      while (others == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();  // until a worker has a part
      found += instruction_set() == set;
    });
    CHECK(others > 0);
    return found.load();
  };
  for (int round = 0; round < 20; ++round) {
    const UseInstructionSet plain{InstructionSet::plain};
    CHECK(tarn::cpu::lanes<float>() == 1);
    CHECK(workers_with(InstructionSet::plain) == 64);
    {
      const UseInstructionSet baseline{InstructionSet::baseline};
      CHECK(workers_with(InstructionSet::baseline) == 64);
      InstructionSet other{};
      std::thread{[&] { other = instruction_set(); }}.join();
      CHECK(other == own);
    }
    CHECK(workers_with(InstructionSet::plain) == 64);
  }
  CHECK(instruction_set() == own);
  CHECK(workers_with(own) == 64);
}
