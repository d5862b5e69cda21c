// SPDX-License-Identifier: MIT
#include <tarn/data/atomic_file.hpp>

#include <csignal>
#include <iterator>
#include <thread>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#define TARN_TEST_POSIX
#endif

#include "../support/compare.hpp"
#include "files.hpp"

namespace fs = files::fs;
using files::quoted;
using files::TemporaryFolder;
using support::error_of;
using tarn::data::detail::AtomicFile;
using tarn::data::detail::read_all;

namespace {

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}));
}

}  // namespace

TEST_CASE("A file is there once it is committed and not before", "[data][atomic_file]") {
  TemporaryFolder folder;
  const fs::path path = folder / "file";
  {
    AtomicFile file{path};
    file.write("ab", 2);
    file.write("", 0);
    file.write("c", 1);
    CHECK_FALSE(fs::exists(path));
    CHECK(entries(folder.path()) == 1);
    file.commit();
    CHECK(read_all(path) == "abc");
  }
  CHECK(entries(folder.path()) == 1);
  {
    AtomicFile file{path};
    file.write("other", 5);
  }
  CHECK(read_all(path) == "abc");
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("A file that is there is replaced whole", "[data][atomic_file]") {
  TemporaryFolder folder;
  const fs::path path = folder.write("file", "before and longer");
  AtomicFile file{path};
  file.write("after", 5);
  CHECK(read_all(path) == "before and longer");
  file.commit();
  CHECK(read_all(path) == "after");
}

TEST_CASE("A file that cannot be written is refused with the system's reason", "[data][atomic_file]") {
  TemporaryFolder folder;
  CHECK(error_of([&] { AtomicFile{folder / "none" / "file"}; }) ==
        "file " + quoted(folder / "none" / "file") + ": cannot be written (No such file or directory)");
  const fs::path beneath = folder.write("plain", "x") / "file";
  CHECK(error_of([&] { AtomicFile{beneath}; }) == "file " + quoted(beneath) + ": cannot be written (Not a directory)");

  fs::create_directories(folder / "taken" / "by a folder");
  AtomicFile file{folder / "taken"};
  CHECK(error_of([&] { file.commit(); }) == "file " + quoted(folder / "taken") + ": cannot be written (Is a directory)");
  CHECK(entries(folder.path()) == 2);
}

#ifdef TARN_TEST_POSIX
TEST_CASE("A disk that is full leaves the old file and nothing else", "[data][atomic_file]") {
  TemporaryFolder folder;
  const fs::path path = folder.write("file", "before");
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string text = error_of([&] {
    AtomicFile file{path};
    const std::string block(1 << 16, 'x');
    for (int i = 0; i < 32; ++i) file.write(block.data(), static_cast<tarn::Index>(block.size()));
    file.commit();
  });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(text == "file " + quoted(path) + ": cannot be written (File too large)");
  CHECK(read_all(path) == "before");
  CHECK(entries(folder.path()) == 1);
}
#endif

TEST_CASE("Writers of one file at once do not mix", "[data][atomic_file][concurrency]") {
  TemporaryFolder folder;
  const fs::path path = folder / "file";
  const auto write = [&](char letter) {
    for (int round = 0; round < 10; ++round) {
      AtomicFile file{path};
      for (int i = 0; i < 10; ++i) file.write(std::string(1000, letter).data(), 1000);
      file.commit();
      const std::string content = read_all(path);
      if (content != std::string(10000, content[0])) throw std::runtime_error("mixed");
    }
  };
  std::exception_ptr failure;
  std::thread other{[&] {
    try {
      write('a');
    } catch (...) {
      failure = std::current_exception();
    }
  }};
  CHECK_NOTHROW(write('b'));
  other.join();
  CHECK(failure == nullptr);
  CHECK(entries(folder.path()) == 1);
}
