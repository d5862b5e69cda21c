// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <tarn/gpu/driver/functions.hpp>

#if TARN_GPU_HEADERS

namespace tarn::gpu::cudnn {

/// How cuDNN names the type of an attribute.
template <class Value>
constexpr cudnnBackendAttributeType_t attribute_type();
// clang-format off
template <> constexpr cudnnBackendAttributeType_t attribute_type<cudnnHandle_t>() { return CUDNN_TYPE_HANDLE; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<cudnnDataType_t>() { return CUDNN_TYPE_DATA_TYPE; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<bool>() { return CUDNN_TYPE_BOOLEAN; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<std::int64_t>() { return CUDNN_TYPE_INT64; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<float>() { return CUDNN_TYPE_FLOAT; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<double>() { return CUDNN_TYPE_DOUBLE; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<void*>() { return CUDNN_TYPE_VOID_PTR; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<char>() { return CUDNN_TYPE_CHAR; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<cudnnConvolutionMode_t>() { return CUDNN_TYPE_CONVOLUTION_MODE; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<cudnnBackendHeurMode_t>() { return CUDNN_TYPE_HEUR_MODE; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<cudnnPointwiseMode_t>() { return CUDNN_TYPE_POINTWISE_MODE; }
template <> constexpr cudnnBackendAttributeType_t attribute_type<cudnnBackendNumericalNote_t>() { return CUDNN_TYPE_NUMERICAL_NOTE; }
// clang-format on

/// An object of cuDNN's graph interface: attributes are set, then it is finalised, then others take it as an attribute. They
/// share it, so that it may end before they do.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) : functions_{&functions<DnnFunctions>()} {
    functions_->cudnnBackendCreateDescriptor(type, &descriptor_);
  }
  Descriptor(Descriptor&& other) noexcept
      : functions_{other.functions_}, descriptor_{std::exchange(other.descriptor_, nullptr)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(functions_, other.functions_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_) functions_->cudnnBackendDestroyDescriptor.raw(descriptor_);
  }

  cudnnBackendDescriptor_t get() const { return descriptor_; }

  template <class Value>
  Descriptor&& set(cudnnBackendAttributeName_t name, const std::vector<Value>& values) && {
    return std::move(set(name, attribute_type<Value>(), values.size(), values.data()));
  }
  template <class Value>
  Descriptor&& set(cudnnBackendAttributeName_t name, const Value& value) && {
    return std::move(set(name, attribute_type<Value>(), 1, &value));
  }
  Descriptor&& set(cudnnBackendAttributeName_t name, const Descriptor& value) && {
    return std::move(set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor_));
  }
  Descriptor&& set(cudnnBackendAttributeName_t name, const std::string& text) && {
    return std::move(set(name, CUDNN_TYPE_CHAR, text.size(), text.data()));
  }
  Descriptor&& set(cudnnBackendAttributeName_t name, std::initializer_list<const Descriptor*> values) && {
    std::vector<cudnnBackendDescriptor_t> pointers;
    for (const Descriptor* value : values) pointers.push_back(value->descriptor_);
    return std::move(set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, pointers.size(), pointers.data()));
  }
  /// Throws DeviceError where cuDNN does not support what was set.
  Descriptor finalized(SourceLocation where = SourceLocation::current()) && {
    functions_->cudnnBackendFinalize(descriptor_, where);
    return std::move(*this);
  }
  cudnnStatus_t try_finalize() { return functions_->cudnnBackendFinalize.raw(descriptor_); }

  /// At most `most` values of an attribute.
  template <class Value>
  std::vector<Value> values(cudnnBackendAttributeName_t name, std::int64_t most) const {
    std::vector<Value> values(static_cast<std::size_t>(most));
    values.resize(get(name, attribute_type<Value>(), most, values.data()));
    return values;
  }
  template <class Value>
  Value value(cudnnBackendAttributeName_t name) const {
    Value value{};
    get(name, attribute_type<Value>(), 1, &value);
    return value;
  }
  /// Fills in `into`, an empty descriptor of the right type.
  Descriptor part(cudnnBackendAttributeName_t name, Descriptor into) const {
    get(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &into.descriptor_);
    return into;
  }
  /// At most `most` descriptors of an attribute.
  std::vector<Descriptor> parts(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type, std::int64_t most) const {
    std::vector<Descriptor> parts;
    std::vector<cudnnBackendDescriptor_t> pointers;
    for (std::int64_t i = 0; i < most; ++i) {
      parts.emplace_back(type);
      pointers.push_back(parts.back().descriptor_);
    }
    const std::size_t count = get(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most, pointers.data());
    while (parts.size() > count) parts.pop_back();
    return parts;
  }

 private:
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::size_t count, const void* values) {
    functions_->cudnnBackendSetAttribute(descriptor_, name, type, static_cast<std::int64_t>(count), values);
    return *this;
  }
  std::size_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t most, void* values) const {
    std::int64_t count = 0;
    functions_->cudnnBackendGetAttribute(descriptor_, name, type, most, &count, values);
    return static_cast<std::size_t>(count < most ? count : most);
  }

  const DnnFunctions* functions_;
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

}  // namespace tarn::gpu::cudnn

#endif  // TARN_GPU_HEADERS
