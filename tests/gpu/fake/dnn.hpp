// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "library.hpp"

namespace fake {

/// cuDNN's graph interface for convolutions as its manual says, carried out in plain loops on images [n, h, w, c] and kernels
/// [out, h, w, in]: others are refused. Its first engines are those that a program may have to refuse.
struct Dnn {
  static inline bool has_fusions = true;
  static inline std::vector<std::int64_t> executed;  ///< engines, of all executions so far
  static inline std::int64_t slow_engine = -1;       ///< which takes a millisecond

  using Numbers = std::vector<std::int64_t>;
  struct Object;
  using Shared = std::shared_ptr<const Object>;
  struct Attribute {
    cudnnBackendAttributeType_t type;
    std::vector<char> bytes;
    std::vector<Shared> objects;
  };
  struct Object {
    cudnnBackendDescriptorType_t type;
    bool finalized = false;
    std::map<int, Attribute> attributes;
    std::int64_t engine = -1;

    const Object& part(cudnnBackendAttributeName_t name, std::size_t i = 0) const { return *attributes.at(name).objects.at(i); }
    Numbers numbers(cudnnBackendAttributeName_t name) const {
      const auto found = attributes.find(name);
      if (found == attributes.end()) return {};
      Numbers numbers(found->second.bytes.size() / sizeof(std::int64_t));
      std::memcpy(numbers.data(), found->second.bytes.data(), found->second.bytes.size());
      return numbers;
    }
    template <class Value>
    Value value(cudnnBackendAttributeName_t name) const {
      Value value{};
      const auto found = attributes.find(name);
      if (found != attributes.end())
        std::memcpy(&value, found->second.bytes.data(), std::min(sizeof value, found->second.bytes.size()));
      return value;
    }
    bool has(cudnnBackendAttributeName_t name) const { return attributes.count(name) == 1; }
  };
  /// What a program holds.
  struct Descriptor {
    std::shared_ptr<Object> object;
  };
  struct Handle {
    CUstream stream = nullptr;
  };
  struct Engine {
    std::vector<cudnnBackendNumericalNote_t> notes;
    bool supported;
    std::size_t workspace;
  };
  static const std::vector<Engine>& engines() {
    static const std::vector<Engine> all{{{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, true, 100},
                                         {{CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, true, 200},
                                         {{}, false, 300},
                                         {{CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, true, 0},
                                         {{CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP}, true, 1000}};
    return all;
  }

  static const char* cudnnGetErrorString(cudnnStatus_t status) {
    return status == CUDNN_STATUS_ALLOC_FAILED    ? "CUDNN_STATUS_ALLOC_FAILED"
           : status == CUDNN_STATUS_BAD_PARAM     ? "CUDNN_STATUS_BAD_PARAM"
           : status == CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
                                                  : "an error of the fake cuDNN";
  }
  static std::size_t cudnnGetVersion() { return 90800; }
  static cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
    if (Driver::forbidden() || !state->current) return CUDNN_STATUS_NOT_INITIALIZED;
    return *handle = reinterpret_cast<cudnnHandle_t>(Library::make<Handle>()), CUDNN_STATUS_SUCCESS;
  }
  static cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
    return Library::destroy(reinterpret_cast<Handle*>(handle)) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
  }
  static cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
    if (!Library::alive(handle) || !state->streams.count(stream)) return CUDNN_STATUS_BAD_PARAM;
    return reinterpret_cast<Handle*>(handle)->stream = stream, CUDNN_STATUS_SUCCESS;
  }

  static std::shared_ptr<Object> object_of(cudnnBackendDescriptor_t descriptor) {
    return Library::alive(descriptor) ? static_cast<Descriptor*>(descriptor)->object : nullptr;
  }
  static cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
    auto* const made = Library::make<Descriptor>();
    made->object = std::make_shared<Object>();
    made->object->type = type;
    return *descriptor = made, CUDNN_STATUS_SUCCESS;
  }
  static cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
    return Library::destroy(static_cast<Descriptor*>(descriptor)) ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
  }
  static std::size_t bytes_of(cudnnBackendAttributeType_t type) {
    switch (type) {
      case CUDNN_TYPE_BOOLEAN:
      case CUDNN_TYPE_CHAR: return 1;
      case CUDNN_TYPE_HANDLE:
      case CUDNN_TYPE_INT64:
      case CUDNN_TYPE_DOUBLE:
      case CUDNN_TYPE_VOID_PTR: return 8;
      default: return 4;
    }
  }
  static cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                                cudnnBackendAttributeType_t type, std::int64_t count, const void* values) {
    const auto object = object_of(descriptor);
    if (!object || object->finalized || count < 1 || !values) return CUDNN_STATUS_BAD_PARAM;
    Attribute attribute{type, {}, {}};
    if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
      for (std::int64_t i = 0; i < count; ++i) {
        const auto part = object_of(static_cast<const cudnnBackendDescriptor_t*>(values)[i]);
        if (!part || !part->finalized) return CUDNN_STATUS_BAD_PARAM;
        attribute.objects.push_back(part);
      }
    } else {
      const auto* const bytes = static_cast<const char*>(values);
      attribute.bytes.assign(bytes, bytes + bytes_of(type) * static_cast<std::size_t>(count));
    }
    object->attributes[name] = std::move(attribute);
    return CUDNN_STATUS_SUCCESS;
  }

  static cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
    const auto object = object_of(descriptor);
    if (!object || object->finalized) return CUDNN_STATUS_BAD_PARAM;
    const cudnnStatus_t status = check(*object);
    object->finalized = status == CUDNN_STATUS_SUCCESS;
    return status;
  }
  static cudnnStatus_t check(const Object& o) {
    const auto accept = [](bool good) { return good ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM; };
    switch (o.type) {
      case CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR:
        return accept(o.has(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION) ||
                      Library::alive(o.value<void*>(CUDNN_ATTR_DEVICEPROP_HANDLE)));
      case CUDNN_BACKEND_TENSOR_DESCRIPTOR: {
        const Numbers extents = o.numbers(CUDNN_ATTR_TENSOR_DIMENSIONS), strides = o.numbers(CUDNN_ATTR_TENSOR_STRIDES);
        if (extents.size() != 4 || strides.size() != 4) return CUDNN_STATUS_BAD_PARAM;
        const auto [n, c, h, w] = std::array{extents[0], extents[1], extents[2], extents[3]};
        const Numbers images{c * h * w, 1, w * c, c};
        return accept(n > 0 && c > 0 && h > 0 && w > 0 && strides == images && o.has(CUDNN_ATTR_TENSOR_UNIQUE_ID) &&
                      o.has(CUDNN_ATTR_TENSOR_DATA_TYPE) && o.has(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT));
      }
      case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
        for (const auto name : {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS}) {
          const Numbers padding = o.numbers(name);
          if (padding.size() != 2 || padding[0] < 0 || padding[1] < 0) return CUDNN_STATUS_BAD_PARAM;
        }
        return accept(o.numbers(CUDNN_ATTR_CONVOLUTION_DILATIONS) == Numbers{1, 1} &&
                      o.numbers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES).size() == 2 &&
                      o.value<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) == CUDNN_CROSS_CORRELATION);
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR: return accept(Work{o}.fits());
      case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: return accept(o.has(CUDNN_ATTR_OPERATIONGRAPH_OPS));
      case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
        return accept(o.has(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH) && o.has(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP));
      case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: {
        if (Driver::forbidden() || !o.has(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP)) return CUDNN_STATUS_BAD_PARAM;
        const auto engine = static_cast<std::size_t>(o.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).engine);
        return engines()[engine].supported ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
      }
      default: return CUDNN_STATUS_SUCCESS;
    }
  }

  static cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                                cudnnBackendAttributeType_t, std::int64_t asked, std::int64_t* count,
                                                void* values) {
    const auto object = object_of(descriptor);
    if (!object || !object->finalized) return CUDNN_STATUS_BAD_PARAM;
    *count = 0;
    const auto give = [&](const auto& value) {
      std::memcpy(static_cast<char*>(values) + static_cast<std::size_t>(*count) * sizeof value, &value, sizeof value);
      ++*count;
      return CUDNN_STATUS_SUCCESS;
    };
    const auto fill = [&](std::int64_t engine) {
      if (*count == asked) return;
      const auto into = object_of(static_cast<cudnnBackendDescriptor_t*>(values)[(*count)++]);
      into->attributes = object->attributes;
      into->engine = engine;
      into->finalized = true;
    };
    switch (name) {
      case CUDNN_ATTR_ENGINEHEUR_RESULTS: {
        const Work work{object->part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)};
        const bool known = work.scalar() != 0 && (has_fusions || !work.fused());
        const bool fallback = object->value<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE) == CUDNN_HEUR_MODE_FALLBACK;
        if (known && !fallback)
          for (std::size_t i = 0; i < engines().size() - 1; ++i) fill(static_cast<std::int64_t>(i));
        if (known && fallback) fill(static_cast<std::int64_t>(engines().size()) - 1);
        return CUDNN_STATUS_SUCCESS;
      }
      case CUDNN_ATTR_ENGINECFG_ENGINE: return fill(object->engine), CUDNN_STATUS_SUCCESS;
      case CUDNN_ATTR_ENGINE_GLOBAL_INDEX: return give(object->engine);
      case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
        for (const auto note : engines()[static_cast<std::size_t>(object->engine)].notes) give(note);
        return CUDNN_STATUS_SUCCESS;
      case CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION:
        for (const char c : {'{', '}'}) give(c);
        return CUDNN_STATUS_SUCCESS;
      case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE: return give(static_cast<std::int64_t>(plan_engine(*object).workspace));
      default: return CUDNN_STATUS_NOT_SUPPORTED;
    }
  }
  static const Engine& plan_engine(const Object& plan) {
    return engines()[static_cast<std::size_t>(plan.part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).engine)];
  }

  static cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_descriptor,
                                           cudnnBackendDescriptor_t pack_descriptor) {
    const auto plan = object_of(plan_descriptor), pack = object_of(pack_descriptor);
    if (!Library::alive(handle) || !plan || !plan->finalized || !pack || !pack->finalized) return CUDNN_STATUS_BAD_PARAM;
    const CUresult status = Driver::enqueue(reinterpret_cast<Handle*>(handle)->stream, [plan, pack] {
      const std::size_t bytes = plan_engine(*plan).workspace;
      void* const workspace = pack->value<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
      if (bytes > 0 && !Library::usable(workspace, bytes, 16)) return CUDA_ERROR_ILLEGAL_ADDRESS;
      if (bytes > 0) std::memset(workspace, 0xFF, bytes);
      const Object& configuration = plan->part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
      const Work work{configuration.part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)};
      executed.push_back(configuration.engine);
      if (configuration.engine == slow_engine) std::this_thread::sleep_for(std::chrono::milliseconds{1});
      return work.scalar() == 8 ? work.carry_out<double>(*pack) : work.carry_out<float>(*pack);
    });
    return status == CUDA_SUCCESS ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
  }

  /// What a graph, or its first operation, says.
  struct Work {
    const Object *convolution, *add = nullptr, *relu = nullptr;
    const Object *x, *kernel, *y, *windows;
    cudnnBackendDescriptorType_t pass;

    explicit Work(const Object& graph) : convolution{&graph} {
      if (graph.type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) {
        const auto& operations = graph.attributes.at(CUDNN_ATTR_OPERATIONGRAPH_OPS).objects;
        convolution = operations[0].get();
        if (operations.size() > 1) add = operations[1].get();
        if (operations.size() > 2) relu = operations[2].get();
      }
      pass = convolution->type;
      const bool data = pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
      const bool filter = pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR;
      const auto part = [&](cudnnBackendAttributeName_t of_forward, cudnnBackendAttributeName_t of_data,
                            cudnnBackendAttributeName_t of_filter) {
        return &convolution->part(data ? of_data : filter ? of_filter : of_forward);
      };
      x = part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X);
      kernel = part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW);
      y = part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY);
      windows = part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC);
      if (add) y = &(relu ? *relu : *add).part(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    }

    static Numbers extents(const Object& tensor) { return tensor.numbers(CUDNN_ATTR_TENSOR_DIMENSIONS); }
    bool fused() const { return add != nullptr; }
    /// Whether sizes agree: y's follow from the others.
    bool fits() const {
      const Numbers in = extents(*x), k = extents(*kernel), out = extents(*y);
      const Numbers before = windows->numbers(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
      const Numbers after = windows->numbers(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
      const Numbers stride = windows->numbers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
      bool good = in[0] == out[0] && in[1] == k[1] && out[1] == k[0];
      for (std::size_t i = 0; i < 2; ++i)
        good = good && stride[i] > 0 && out[2 + i] == (in[2 + i] + before[i] + after[i] - k[2 + i]) / stride[i] + 1;
      return good;
    }
    /// Bytes of a number; 0 where this library has no engine for it.
    std::size_t scalar() const {
      const auto type = x->value<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
      return type == CUDNN_DATA_DOUBLE ? 8 : type == CUDNN_DATA_FLOAT ? 4 : 0;
    }

    /// Null where the pack has no such memory, or a smaller one.
    template <class T>
    static T* memory_of(const Object& tensor, const Object& pack) {
      const Numbers ids = pack.numbers(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
      const Numbers addresses = pack.numbers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
      const auto wanted = tensor.value<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
      std::size_t bytes = sizeof(T);
      for (const std::int64_t extent : extents(tensor)) bytes *= static_cast<std::size_t>(extent);
      for (std::size_t i = 0; i < ids.size() && i < addresses.size(); ++i) {
        T* const memory = reinterpret_cast<T*>(addresses[i]);
        const auto alignment = static_cast<std::size_t>(tensor.value<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT));
        if (ids[i] == wanted) return Library::usable(memory, bytes, alignment) ? memory : nullptr;
      }
      return nullptr;
    }

    template <class T>
    CUresult carry_out(const Object& pack) const {
      T* const xs = memory_of<T>(*x, pack);
      T* const ks = memory_of<T>(*kernel, pack);
      T* const ys = memory_of<T>(*y, pack);
      const T* const bias = add ? memory_of<T>(add->part(CUDNN_ATTR_OPERATION_POINTWISE_BDESC), pack) : nullptr;
      if (!xs || !ks || !ys || (add && !bias)) return CUDA_ERROR_ILLEGAL_ADDRESS;
      const Numbers in = extents(*x), k = extents(*kernel), out = extents(*y);
      const Numbers before = windows->numbers(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
      const Numbers stride = windows->numbers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
      const std::int64_t c_in = in[1], c_out = out[1];
      std::vector<double> sums(static_cast<std::size_t>(
          pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR         ? out[0] * out[2] * out[3] * c_out
          : pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? in[0] * in[2] * in[3] * c_in
                                                                                 : c_out * k[2] * k[3] * c_in));
      for (std::int64_t n = 0; n < in[0]; ++n)
        for (std::int64_t p = 0; p < out[2] * out[3]; ++p)
          for (std::int64_t i = 0; i < k[2]; ++i)
            for (std::int64_t j = 0; j < k[3]; ++j) {
              const std::int64_t row = p / out[3] * stride[0] + i - before[0], column = p % out[3] * stride[1] + j - before[1];
              if (row < 0 || row >= in[2] || column < 0 || column >= in[3]) continue;
              const std::int64_t at_x = ((n * in[2] + row) * in[3] + column) * c_in, at_y = (n * out[2] * out[3] + p) * c_out;
              for (std::int64_t o = 0; o < c_out; ++o)
                for (std::int64_t c = 0; c < c_in; ++c) {
                  const std::int64_t at_k = ((o * k[2] + i) * k[3] + j) * c_in + c;
                  if (pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR)
                    sums[static_cast<std::size_t>(at_y + o)] += static_cast<double>(xs[at_x + c]) * static_cast<double>(ks[at_k]);
                  else if (pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR)
                    sums[static_cast<std::size_t>(at_x + c)] += static_cast<double>(ys[at_y + o]) * static_cast<double>(ks[at_k]);
                  else
                    sums[static_cast<std::size_t>(at_k)] += static_cast<double>(ys[at_y + o]) * static_cast<double>(xs[at_x + c]);
                }
            }
      T* const result = pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR         ? ys
                        : pass == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? xs
                                                                                               : ks;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        if (bias) sums[i] += static_cast<double>(bias[i % static_cast<std::size_t>(c_out)]);
        result[i] = static_cast<T>(relu && !(sums[i] > 0) ? 0 : sums[i]);
      }
      return CUDA_SUCCESS;
    }
  };
};

tarn::gpu::DnnFunctions dnn_table();

}  // namespace fake
