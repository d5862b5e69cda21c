// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <tarn/cpu/geometry.hpp>
#include <tarn/gpu/cudnn/descriptor.hpp>
#include <tarn/gpu/math_mode.hpp>

namespace tarn::gpu {

/// A convolution or one of its gradients. x [batch, in_h, in_w, in_c], kernel [out_c, kernel_h, kernel_w, in_c], bias [out_c],
/// y [batch, out_h, out_w, out_c]; a gradient has the place of what it is the gradient of.
struct Convolution {
  enum class Pass { forward, input_gradient, kernel_gradient };

  Pass pass = Pass::forward;
  ScalarType memory = ScalarType::f32;
  ScalarType computation = ScalarType::f32;
  Index batch = 1;
  cpu::ConvGeometry geometry;
  bool bias = false, relu = false;  ///< in the forward pass y = relu(x * kernel + bias)
  int alignment = 16;               ///< bytes, of all pointers

  std::string to_string() const {
    constexpr const char* passes[] = {"convolution", "input gradient of a convolution", "kernel gradient of a convolution"};
    const auto& g = geometry;
    return tarn::detail::join({passes[static_cast<int>(pass)], " in ", gpu::to_string(memory), ", x ",
                               Shape{batch, g.in_h, g.in_w, g.in_c}.to_string(), ", kernel ",
                               Shape{g.kernel_h, g.kernel_w, g.in_c, g.out_c}.to_string(), ", y ",
                               Shape{batch, g.out_h, g.out_w, g.out_c}.to_string()});
  }
};

/// One axis as cuDNN takes it: its windows follow from the padding on both sides and the stride.
struct ConvolutionAxis {
  Index before, after, stride;

  ConvolutionAxis(Index in, Index kernel, Index out, Index padding, Index steps) : before{padding}, after{0}, stride{steps} {
    after = std::max<Index>((out - 1) * stride + kernel - in - before, 0);
    if (out == 1) stride = std::max<Index>(in + before + after - kernel + 1, 1);  // so that there is no second window
  }
};

}  // namespace tarn::gpu

#if TARN_GPU_HEADERS

namespace tarn::gpu::cudnn {

/// How tensors are numbered in graphs and variant packs.
enum TensorId : std::int64_t { id_x = 1, id_kernel, id_y, id_bias, id_product, id_sum };

constexpr cudnnDataType_t data_type(ScalarType type) {
  constexpr cudnnDataType_t types[] = {CUDNN_DATA_FLOAT, CUDNN_DATA_DOUBLE, CUDNN_DATA_BFLOAT16, CUDNN_DATA_HALF};
  return types[static_cast<int>(type)];
}

/// Builds the operation graph of a convolution. Throws DeviceError where cuDNN refuses a part of it.
class ConvolutionGraph {
 public:
  explicit ConvolutionGraph(const Convolution& convolution) : c_{convolution} {}

  Descriptor make() const {
    const auto& g = c_.geometry;
    const Descriptor x = image(id_x, g.in_h, g.in_w, g.in_c), y = image(id_y, g.out_h, g.out_w, g.out_c);
    const Descriptor kernel = tensor(id_kernel, {g.out_c, g.in_c, g.kernel_h, g.kernel_w}, {g.depth(), 1, g.run(), g.in_c});
    if (c_.bias) return with_bias(x, kernel, y);
    const Descriptor convolution = operation(x, kernel, y);
    return graph({&convolution});
  }

 private:
  using Numbers = std::vector<std::int64_t>;

  /// The convolution alone.
  Descriptor operation(const Descriptor& x, const Descriptor& kernel, const Descriptor& y) const {
    struct Names {
      cudnnBackendDescriptorType_t type;
      cudnnBackendAttributeName_t x, kernel, y, windows, alpha, beta;
    };
    constexpr Names names[] = {
        // in the order of Pass
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};
    const Names& name = names[static_cast<int>(c_.pass)];
    return scaled(Descriptor{name.type}.set(name.x, x).set(name.kernel, kernel).set(name.y, y).set(name.windows, windows()),
                  name.alpha, name.beta);
  }
  Descriptor with_bias(const Descriptor& x, const Descriptor& kernel, const Descriptor& y) const {
    const auto& g = c_.geometry;
    const Descriptor product = between(id_product), sum = between(id_sum);
    const Descriptor bias = tensor(id_bias, {1, g.out_c, 1, 1}, {g.out_c, 1, g.out_c, g.out_c});
    const Descriptor convolution = operation(x, kernel, product);
    const Descriptor add = pointwise(CUDNN_POINTWISE_ADD)
                               .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, product)
                               .set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, bias)
                               .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, c_.relu ? sum : y)
                               .finalized();
    if (!c_.relu) return graph({&convolution, &add});
    const Descriptor relu = pointwise(CUDNN_POINTWISE_RELU_FWD)
                                .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, sum)
                                .set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y)
                                .finalized();
    return graph({&convolution, &add, &relu});
  }

  static Descriptor graph(std::initializer_list<const Descriptor*> operations) {
    return Descriptor{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR}.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations).finalized();
  }
  Descriptor tensor(std::int64_t id, const Numbers& extents, const Numbers& strides, bool is_virtual = false) const {
    return Descriptor{CUDNN_BACKEND_TENSOR_DESCRIPTOR}
        .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, data_type(is_virtual ? c_.computation : c_.memory))
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, extents)
        .set(CUDNN_ATTR_TENSOR_STRIDES, strides)
        .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{c_.alignment})
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual)
        .finalized();
  }
  /// Channels come second in cuDNN's extents wherever they stand in memory.
  Descriptor image(std::int64_t id, Index h, Index w, Index channels, bool is_virtual = false) const {
    return tensor(id, {c_.batch, channels, h, w}, {h * w * channels, 1, w * channels, channels}, is_virtual);
  }
  Descriptor between(std::int64_t id) const { return image(id, c_.geometry.out_h, c_.geometry.out_w, c_.geometry.out_c, true); }
  Descriptor windows() const {
    const auto& g = c_.geometry;
    const ConvolutionAxis rows{g.in_h, g.kernel_h, g.out_h, g.pad_top, g.stride_h};
    const ConvolutionAxis columns{g.in_w, g.kernel_w, g.out_w, g.pad_left, g.stride_w};
    return Descriptor{CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR}
        .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2})
        .set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, data_type(c_.computation))
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, Numbers{rows.before, columns.before})
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, Numbers{rows.after, columns.after})
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, Numbers{rows.stride, columns.stride})
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, Numbers{1, 1})
        .finalized();
  }
  /// An operation whose result replaces what was there.
  Descriptor scaled(Descriptor&& operation, cudnnBackendAttributeName_t alpha, cudnnBackendAttributeName_t beta) const {
    if (c_.computation == ScalarType::f64) return std::move(operation).set(alpha, 1.0).set(beta, 0.0).finalized();
    return std::move(operation).set(alpha, 1.0F).set(beta, 0.0F).finalized();
  }
  Descriptor pointwise(cudnnPointwiseMode_t mode) const {
    return Descriptor{CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR}.set(
        CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, Descriptor{CUDNN_BACKEND_POINTWISE_DESCRIPTOR}
                                                          .set(CUDNN_ATTR_POINTWISE_MODE, mode)
                                                          .set(CUDNN_ATTR_POINTWISE_MATH_PREC, data_type(c_.computation))
                                                          .finalized());
  }

  const Convolution& c_;
};

}  // namespace tarn::gpu::cudnn

#endif  // TARN_GPU_HEADERS
