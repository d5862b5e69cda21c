// SPDX-License-Identifier: MIT
// The main of every test program: Catch2's own, with an exit status that says "skipped".
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <tarn/cpu/instruction_set.hpp>

#include "skip.hpp"

namespace {

constexpr int skipped = 77;  // as SKIP_RETURN_CODE in CMakeLists.txt

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  for (int i = 1; i < argc; ++i)
    if (std::strncmp(argv[i], "--list", 6) == 0) return session.run(argc, argv);

  try {
    tarn::cpu::instruction_set();
  } catch (const tarn::DeviceError& error) {
    std::fprintf(stderr, "skipped: %s\n", error.what());
    return skipped;
  } catch (const tarn::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }

#if !__has_include(<catch2/catch_session.hpp>)
  session.configData().warnings = Catch::WarnAbout::NoTests;  // a filter that matches nothing fails, as with Catch2 3
#endif
  if (session.run(argc, argv) != 0) return EXIT_FAILURE;
  return support::something_was_skipped ? skipped : EXIT_SUCCESS;
}
