// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <tarn/gpu/cudnn/descriptor.hpp>

#if TARN_GPU_HEADERS

namespace tarn::gpu::cudnn {

/// What plans depend on of a GPU: of the one that a handle belongs to.
inline Descriptor device_properties(cudnnHandle_t handle) {
  return Descriptor{CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR}.set(CUDNN_ATTR_DEVICEPROP_HANDLE, handle).finalized();
}
/// Of a GPU that need not be there, as `description_of` gave it. Throws DeviceError where it lacks something.
inline Descriptor described_device(const std::string& description) {
  return Descriptor{CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR}.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, description).finalized();
}
/// JSON.
inline std::string description_of(const Descriptor& device) {
  const auto text = device.values<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, 1 << 14);
  return {text.begin(), text.end()};
}

}  // namespace tarn::gpu::cudnn

#endif  // TARN_GPU_HEADERS
