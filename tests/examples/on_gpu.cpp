// SPDX-License-Identifier: MIT
// The examples on the fake GPU, which stands in the place of NVIDIA's libraries.
#include <tarn/gpu.hpp>

#include "program.hpp"

using namespace support;

#if TARN_GPU_HEADERS

namespace {

/// What stands before a program on the command line, so that it finds the fake GPU: libraries by NVIDIA's names in a folder of their
/// own, and another one for the kernels, which no real GPU could run.
std::string with_fake_gpu(const Folder& folder) {
  const fs::path libraries = folder.path / "libraries";
  fs::create_directory(libraries);
  for (const std::string& name : {tarn::gpu::DriverFunctions::library(), tarn::gpu::NvrtcFunctions::library(),
                                  tarn::gpu::BlasFunctions::library(), tarn::gpu::DnnFunctions::library()})
    fs::create_symlink(TARN_FAKE_GPU, libraries / name);
  return "LD_LIBRARY_PATH='" + libraries.string() + "' TARN_CACHE_DIR='" + (folder.path / "kernels").string() + "'";
}

}  // namespace

TEST_CASE("problem4_schedules trains on a GPU as on the CPU, and tells where the GPU's time went", "[examples][gpu]") {
  const Folder folder;
  const std::string before = with_fake_gpu(folder), arguments = "--quick --only 4.5 --device ";
  const Outcome on_cpu = run(folder, "problem4_schedules", arguments + "cpu", before);
  if (on_cpu.code == 3) return skip("Fashion-MNIST is not on this machine");
  REQUIRE(on_cpu.code == 0);
  const Outcome on_gpu = run(folder, "problem4_schedules", arguments + "auto --profile", before);
  INFO(on_gpu.out << on_gpu.error);
  REQUIRE(on_gpu.code == 0);
  CHECK(on_gpu.out.find("gpu 0: fake, 16 GiB, capability 9.0") != std::string::npos);
  CHECK(on_gpu.out.find("\nOn the GPU.\n") != std::string::npos);
  CHECK(result(folder, "problem4")["run"]["device"] == "gpu");
  for (const char* figure : {"training loss ", "test accuracy "})
    CHECK(std::abs(number_after(on_gpu.out, figure) - number_after(on_cpu.out, figure)) < 2e-3);
  CHECK(on_gpu.out.find("\nconv2d_2 ") != std::string::npos);
  CHECK(on_gpu.out.find("the peak is") == std::string::npos);  // that would be the CPU's
}

#else

TEST_CASE("The examples on a GPU need the headers of the CUDA toolkit", "[examples][gpu]") {
  skip("no headers of the CUDA toolkit and cuDNN");
}

#endif
