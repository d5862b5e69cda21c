// SPDX-License-Identifier: MIT
#include <tarn/cpu/instruction_set.hpp>

#include "../catch.hpp"
#include "../support/compare.hpp"

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
