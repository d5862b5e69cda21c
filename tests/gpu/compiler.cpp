// SPDX-License-Identifier: MIT
#include <tarn/gpu/kernels/cache.hpp>
#include <tarn/gpu/kernels/signatures.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "../catch.hpp"
#include "../skip.hpp"

using namespace tarn;
using Catch::Matchers::Contains;

namespace {

std::string file_text(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The names of all kernels there are, from their text.
std::vector<std::string> kernel_names() {
  const std::string before = "__global__ void ";
  std::vector<std::string> names;
  for (const auto& source : gpu::kernel_sources) {
    const std::string text = source.text;
    for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
      at += before.size();
      names.push_back(text.substr(at, text.find('(', at) - at));
    }
  }
  return names;
}

}  // namespace

TEST_CASE("The text of the kernels that programs carry is that of their files", "[gpu][compiler]") {
  const std::filesystem::path include = std::filesystem::path{TARN_TESTS}.parent_path() / "include";
  std::size_t kernels = 0;
  for (const auto& source : gpu::kernel_sources) {
    INFO(source.name << " differs: run cmake -P cmake/KernelSources.cmake");
    CHECK((file_text(include / source.name) == source.text));
    kernels += std::strstr(source.name, "gpu/kernels/") && std::strstr(source.name, ".inc");
  }
  std::size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator{include / "tarn/gpu/kernels"})
    files += file.path().extension() == ".inc";
  CHECK(kernels == files);
}

TEST_CASE("All kernels are found by name", "[gpu][compiler]") {
  const auto names = kernel_names();
  CHECK(names.size() >= 30);
  for (const char* name :
       {"activate", "max_pool2d_gradient", "moments", "cross_entropy_from_logits", "adam", "dropout", "reduce"})
    CHECK(std::count(names.begin(), names.end(), name) == 1);
}

#if TARN_GPU_HEADERS

namespace {

/// Every kernel as it is used, in float and double.
std::vector<std::string> instantiations() {
  std::vector<std::string> result;
  for (const std::string type : {"float", "double"}) {
    for (const std::string& name : kernel_names())
      if (name == "map" || name == "reduce")
        result.push_back(name + "<" + type + ", tarn::gpu::kernels::Prelu, tarn::cpu::MapElements<" + type +
                         ">, tarn::cpu::MapChannels<" + type + ", false>>");
      else if (name == "gather")
        for (const char* source : {"std::uint8_t", "std::int32_t", "float", "double"})
          result.push_back("gather<" + type + ", " + source + ">");
      else
        result.push_back(name + "<" + type + ">");
  }
  return result;
}
constexpr const char* prelu = R"(struct Prelu {
  template <class T>
  T operator()(T x, T slope) const { return x > 0 ? x : slope * x; }
};)";

/// Whether this machine can compile kernels; if not, the test is skipped.
bool compiler_is_there() {
  try {
    gpu::functions<gpu::NvrtcFunctions>();
    return true;
  } catch (const DeviceError& error) {
    support::skip(error.what());
    return false;
  }
}

/// Counts compilations, or refuses them.
struct CountedCompiler {
  static inline int count;
  static inline bool refused;
  static inline decltype(&::nvrtcCompileProgram) own;
  gpu::NvrtcFunctions table = gpu::functions<gpu::NvrtcFunctions>();

  CountedCompiler() {
    count = 0;
    refused = false;
    own = table.nvrtcCompileProgram.raw;
    table.nvrtcCompileProgram.raw = [](nvrtcProgram program, int options, const char* const* texts) {
      ++count;
      return refused ? NVRTC_ERROR_OUT_OF_MEMORY : own(program, options, texts);
    };
  }
};

struct TemporaryFolder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("tarn_kernels_" + std::to_string(getpid()));
  TemporaryFolder() { std::filesystem::remove_all(path); }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator{path}) count += file.is_regular_file();
    return count;
  }
};

}  // namespace

TEST_CASE("Every kernel compiles for sm_80, sm_90 and sm_100, and none spills registers", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const int capability = GENERATE(80, 90, 100);
  const auto expressions = instantiations();
  const auto kernels = gpu::compile_kernels({capability, expressions, prelu});
  REQUIRE(kernels.names.size() == expressions.size());
  CHECK(kernels.image.substr(0, 4) ==
        "\x7F"
        "ELF");
  std::printf("sm_%d: %zu kernels, %zu bytes\n", capability, expressions.size(), kernels.image.size());
  for (std::size_t i = 0; i < expressions.size(); ++i) {
    const std::size_t at = kernels.log.find("Function properties for " + kernels.names[i] + "\n");
    INFO(expressions[i]);
    REQUIRE(at != std::string::npos);
    int stack = -1, stores = -1, loads = -1, registers = -1;
    const std::size_t figures = kernels.log.find('\n', at) + 1, used = kernels.log.find("Used ", at);
    REQUIRE(used != std::string::npos);
    std::sscanf(kernels.log.c_str() + kernels.log.find_first_of("0123456789", figures),
                "%d bytes stack frame, %d bytes spill stores, %d bytes spill loads", &stack, &stores, &loads);
    std::sscanf(kernels.log.c_str() + used, "Used %d registers", &registers);
    std::printf("  %3d registers, %d bytes spilled: %s\n", registers, stores + loads, expressions[i].c_str());
    CHECK(stores == 0);
    CHECK(loads == 0);
    CHECK(registers > 0);
    CHECK(registers <= 128);  // so that a block of 256 threads runs twice on a multiprocessor of 65536
  }
}

TEST_CASE("Every kernel that operations start is one that compiles", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  for (const char* first : {"add<float>", "add<double>"}) {
    const auto expressions = gpu::kernels_of(first);
    CHECK(expressions.size() > 30);
    CHECK(gpu::compile_kernels({90, expressions}).names.size() == expressions.size());
  }
}

TEST_CASE("A text that does not compile is an error with the compiler's log", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const auto compile = [] { gpu::compile_kernels({90, {"no_such_kernel<float>"}}); };
  CHECK_THROWS_AS(compile(), DeviceError);
  CHECK_THROWS_WITH(
      compile(), Contains("gpu: nvrtcCompileProgram: NVRTC_ERROR_COMPILATION for -arch=sm_90:\n") && Contains("no_such_kernel"));
}

TEST_CASE("A user's text is compiled with the kernels", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const std::string twice =
      "template <class T>\n__global__ void twice(T* x, unsigned size) {\n"
      "  for_elements(size, [=](unsigned i) { x[i] = T(2) * x[i]; });\n}\n";
  const auto kernels = gpu::compile_kernels({80, {"twice<float>"}, twice});
  CHECK_THAT(kernels.names.at(0), Contains("twice"));
}

TEST_CASE("Kernels are compiled once, and then come from the file", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const CountedCompiler compiler;
  const gpu::ReplacedFunctions<gpu::NvrtcFunctions> replaced{compiler.table};
  const TemporaryFolder folder;
  const auto first = gpu::cached_kernels({90, {"add<float>", "softmax<double>"}}, folder.path);
  const auto second = gpu::cached_kernels({90, {"add<float>", "softmax<double>"}}, folder.path);
  CHECK(CountedCompiler::count == 1);
  CHECK(folder.files() == 1);
  CHECK((first.image == second.image));
  CHECK(first.names == second.names);
  CHECK(first.log == second.log);
  gpu::cached_kernels({80, {"add<float>", "softmax<double>"}}, folder.path);
  gpu::cached_kernels({90, {"add<float>", "softmax<float>"}}, folder.path);
  gpu::cached_kernels({90, {"add<float>", "softmax<double>"}, "// another text"}, folder.path);
  CHECK(CountedCompiler::count == 4);
  CHECK(folder.files() == 4);
}

TEST_CASE("A file of kernels that is cut short, damaged or of something else is compiled anew", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const CountedCompiler compiler;
  const gpu::ReplacedFunctions<gpu::NvrtcFunctions> replaced{compiler.table};
  const TemporaryFolder folder;
  const gpu::KernelRequest request{90, {"add<float>"}};
  const auto kernels = gpu::cached_kernels(request, folder.path);
  const auto file = std::filesystem::directory_iterator { folder.path } -> path();
  const std::string whole = file_text(file);
  std::string damaged = whole;
  damaged[whole.size() / 2] = static_cast<char>(damaged[whole.size() / 2] ^ 1);
  int compilations = 1;
  for (const std::string& bytes :
       {whole.substr(0, whole.size() / 2), damaged, std::string{}, std::string{"rubbish of some length"}}) {
    std::ofstream{file, std::ios::binary} << bytes;
    CHECK((gpu::cached_kernels(request, folder.path).image == kernels.image));
    CHECK(CountedCompiler::count == ++compilations);
    gpu::cached_kernels(request, folder.path);
    CHECK(CountedCompiler::count == compilations);
  }
}

TEST_CASE("A folder that cannot be written costs time and nothing else, and a compilation that fails leaves no file",
          "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const CountedCompiler compiler;
  const gpu::ReplacedFunctions<gpu::NvrtcFunctions> replaced{compiler.table};
  CHECK(gpu::cached_kernels({90, {"add<float>"}}, "/dev/null/kernels").names.size() == 1);
  CHECK(gpu::cached_kernels({90, {"add<float>"}}, "").names.size() == 1);
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path);
  CountedCompiler::refused = true;
  CHECK_THROWS_WITH(gpu::cached_kernels({90, {"add<float>"}}, folder.path),
                    Contains("gpu: nvrtcCompileProgram: NVRTC_ERROR_OUT_OF_MEMORY for -arch=sm_90"));
  CHECK(folder.files() == 0);
}

TEST_CASE("Several processes fill one folder of kernels at once", "[gpu][compiler]") {
  if (!compiler_is_there()) return;
  const TemporaryFolder folder;
  std::vector<pid_t> processes;
  for (int i = 0; i < 4; ++i) {
    const pid_t process = fork();
    REQUIRE(process >= 0);
    if (process == 0) {
      bool right = false;
      try {
        right = gpu::cached_kernels({90, {"add<float>"}}, folder.path).names.size() == 1;
      } catch (const std::exception&) {
      }
      _exit(right ? 0 : 1);
    }
    processes.push_back(process);
  }
  for (const pid_t process : processes) {
    int status = -1;
    CHECK(waitpid(process, &status, 0) == process);
    CHECK(status == 0);
  }
  CHECK(folder.files() == 1);
}

#else

TEST_CASE("Compiling kernels needs the headers of the CUDA toolkit", "[gpu][compiler]") {
  support::skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
