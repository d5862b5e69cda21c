// SPDX-License-Identifier: MIT
#pragma once

namespace tarn {

/// Where tensors live and operations run. A device is a tag in the type, so that a mix of devices does not compile.
struct Cpu {
  static constexpr const char* name = "cpu";
};

/// A CUDA device. Named here so that code can be written for it; its operations are not part of this release.
struct Gpu {
  static constexpr const char* name = "gpu";
};

}  // namespace tarn
