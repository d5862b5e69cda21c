// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <tarn/core/batch.hpp>
#include <tarn/core/random.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/cpu/geometry.hpp>
#include <tarn/formulas/activations.hpp>
#include <tarn/formulas/losses.hpp>
#include <tarn/formulas/optimizers.hpp>
#include <tarn/losses/targets.hpp>

// Operations on the GPU, whose bodies stand in tarn/gpu/ops. Layers name `ops::` where they are defined: what is declared before is
// found there, in whatever order a program includes tarn/tarn.hpp and tarn/gpu.hpp.

namespace tarn {

class Samples;

namespace ops {

template <class T>
void copy(const Batch<T, Gpu>& x, Batch<T, Gpu>& y);
template <class T>
void copy(const TensorView<const T, Gpu>& x, const TensorView<T, Gpu>& y);
template <class T>
void clear_unused_lanes(Batch<T, Gpu>&);
template <class T, class Source>
void gather(const TensorView<const Source, Gpu>& samples, const TensorView<const std::uint32_t, Gpu>& rows, double scale,
            double offset, Batch<T, Gpu>& y);
template <class T>
void gather(const Samples& samples, std::span<const std::uint32_t> rows, Batch<T, Gpu>& y);
template <class T>
void from_tensor(const TensorView<const T, Cpu>& x, Batch<T, Gpu>& y);
template <class T>
void to_tensor(const Batch<T, Gpu>& x, const TensorView<T, Cpu>& y);
template <class T>
void softmax(const Batch<T, Gpu>& x, Batch<T, Gpu>& y);
template <class T>
void softmax_gradient(const Batch<T, Gpu>& y, const Batch<T, Gpu>& dy, Batch<T, Gpu>& dx);
template <class T>
void activate(const Activation& f, const Batch<T, Gpu>& x, Batch<T, Gpu>& y);
template <class T>
void activation_gradient(const Activation& f, const Batch<T, Gpu>& y, const Batch<T, Gpu>& dy, Batch<T, Gpu>& dx);
template <class T>
void activation_gradient(const Activation& f, const Batch<T, Gpu>& y, Batch<T, Gpu>& dy);
template <class T>
void sum_rows(const Batch<T, Gpu>& x, const TensorView<T, Gpu>& sums);
template <class T>
void avg_pool2d(const Batch<T, Gpu>& x, const cpu::PoolGeometry& geometry, Batch<T, Gpu>& y);
template <class T>
void avg_pool2d_gradient(const Batch<T, Gpu>& dy, const cpu::PoolGeometry& geometry, Batch<T, Gpu>& dx,
                         const Activation& below = Linear{}, const Batch<T, Gpu>* x = nullptr);
template <class T>
void max_pool2d(const Batch<T, Gpu>& x, const cpu::PoolGeometry& geometry, Batch<T, Gpu>& y);
template <class T>
void max_pool2d_gradient(const Batch<T, Gpu>& x, const Batch<T, Gpu>& y, const Batch<T, Gpu>& dy,
                         const cpu::PoolGeometry& geometry, Batch<T, Gpu>& dx, const Activation& below = Linear{});
template <class T>
void add(const Batch<T, Gpu>& x, Batch<T, Gpu>& y);
template <class T>
void put_channels(const Batch<T, Gpu>& x, Index first, Batch<T, Gpu>& y);
template <class T>
void take_channels(const Batch<T, Gpu>& x, Index first, Batch<T, Gpu>& y, bool accumulate);
template <class T>
LossSum<Gpu> elementwise_loss(ElementwiseLoss loss, double parameter, const Batch<T, Gpu>& outputs,
                              const Targets<T, Gpu>& targets, Reduction reduction, Batch<T, Gpu>* gradient);
template <class T>
LossSum<Gpu> cross_entropy(bool from_logits, double smoothing, const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets,
                           Reduction reduction, Batch<T, Gpu>* gradient);
template <class T>
Index count_correct(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets);
template <class T>
Index count_in_top(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, Index k);
template <class T>
double count_same_side(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, double threshold, double target_threshold);
template <class T, class F>
double sum_samples(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, const F& f);
template <class T>
void moments(const Batch<T, Gpu>& x, const TensorView<T, Gpu>& mean, const TensorView<T, Gpu>& variance,
             const TensorView<T, Gpu>& scratch);
template <class T>
void move_towards(const TensorView<T, Gpu>& value, const TensorView<const T, Gpu>& target, double share);
template <class T>
void normalize(const Batch<T, Gpu>& x, const TensorView<const T, Gpu>& mean, const TensorView<const T, Gpu>& variance,
               double epsilon, const TensorView<const T, Gpu>& gamma, const TensorView<const T, Gpu>& beta, Batch<T, Gpu>& y,
               const TensorView<T, Gpu>&);
template <class T>
void normalize_input_gradient(const Batch<T, Gpu>& dy, const TensorView<const T, Gpu>& variance, double epsilon,
                              const TensorView<const T, Gpu>& gamma, Batch<T, Gpu>& dx, const TensorView<T, Gpu>&);
template <class T>
void dropout(const Batch<T, Gpu>& x, double rate, bool per_channel, const Stream& stream, const std::uint32_t* step,
             Batch<T, Gpu>& y);
template <class T>
void dropout(const Batch<T, Gpu>& x, double rate, bool per_channel, const Stream& stream, Batch<T, Gpu>& y);
template <class T>
void sgd(const TensorView<T, Gpu>& weights, const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges,
         const UpdateTerms<double>& terms);
template <class T>
void sgd_momentum(const TensorView<T, Gpu>& weights, const TensorView<T, Gpu>& velocities,
                  const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges, const UpdateTerms<double>& terms,
                  double momentum, bool nesterov);
template <class T>
void rmsprop(const TensorView<T, Gpu>& weights, const TensorView<T, Gpu>& squares, const TensorView<T, Gpu>& means,
             const TensorView<T, Gpu>& velocities, const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges,
             const UpdateTerms<double>& terms, double rho, double momentum, double epsilon);
template <class T>
void adam(const TensorView<T, Gpu>& weights, const TensorView<T, Gpu>& momentums_1, const TensorView<T, Gpu>& momentums_2,
          const TensorView<T, Gpu>& largest, const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges,
          const UpdateTerms<double>& terms, double beta_1, double beta_2, double epsilon);
template <class T>
bool clip_in_step(const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges, double limit);
template <class T>
double sum_of_squares(const TensorView<const T, Gpu>& values, std::span<const Range> ranges);
template <class T>
double sum_of_squares(const TensorView<const T, Gpu>& values);
template <class T>
bool all_finite(const TensorView<const T, Gpu>& values);
template <class T>
void normalize_gradient(const Batch<T, Gpu>& x, const Batch<T, Gpu>& dy, const TensorView<const T, Gpu>& mean,
                        const TensorView<const T, Gpu>& variance, double epsilon, const TensorView<const T, Gpu>& gamma,
                        const TensorView<T, Gpu>& dgamma, const TensorView<T, Gpu>& dbeta, Batch<T, Gpu>* dx,
                        const TensorView<T, Gpu>& scratch, const Activation& below = Linear{});
template <class T, std::same_as<Gpu> D>
Index conv2d_scratch(const cpu::ConvGeometry& geometry);
template <class T>
void conv2d(const Batch<T, Gpu>& x, std::type_identity_t<TensorView<const T, Gpu>> kernel,
            std::type_identity_t<TensorView<const T, Gpu>> bias, const cpu::ConvGeometry& geometry, const Activation& activation,
            Batch<T, Gpu>& y, std::type_identity_t<TensorView<T, Gpu>> scratch, bool training = false);
template <class T>
void conv2d_input_gradient(const Batch<T, Gpu>& dy, std::type_identity_t<TensorView<const T, Gpu>> kernel,
                           const cpu::ConvGeometry& geometry, Batch<T, Gpu>& dx, std::type_identity_t<TensorView<T, Gpu>> scratch,
                           const Activation& below = Linear{}, const Batch<T, Gpu>* x = nullptr);
template <class T, std::same_as<Gpu> D>
void conv2d_input_gradient_sums(std::type_identity_t<TensorView<const T, D>>, std::type_identity_t<TensorView<const T, D>>,
                                std::type_identity_t<TensorView<const T, D>>, const cpu::ConvGeometry&, const TensorView<T, D>&);
template <class T, std::same_as<Gpu> D>
bool can_sum_taps(const cpu::ConvGeometry&);
template <class T>
void conv2d_parameter_gradients(const Batch<T, Gpu>& x, const Batch<T, Gpu>& y, const Activation& f, Batch<T, Gpu>& dy,
                                const cpu::ConvGeometry& geometry, std::type_identity_t<TensorView<T, Gpu>> dkernel,
                                std::type_identity_t<TensorView<T, Gpu>> dbias, std::type_identity_t<TensorView<T, Gpu>> scratch,
                                std::type_identity_t<TensorView<T, Gpu>> taps = {});
template <class T, std::same_as<Gpu> D>
Index matmul_scratch(const Shape& kernel);
template <class T>
void matmul(const Batch<T, Gpu>& x, std::type_identity_t<TensorView<const T, Gpu>> kernel,
            std::type_identity_t<TensorView<const T, Gpu>> bias, const Activation& activation, Batch<T, Gpu>& y,
            std::type_identity_t<TensorView<T, Gpu>> scratch);
template <class T>
void matmul_parameter_gradients(const Batch<T, Gpu>& x, const Batch<T, Gpu>& y, const Activation& activation, Batch<T, Gpu>& dy,
                                std::type_identity_t<TensorView<T, Gpu>> dkernel, std::type_identity_t<TensorView<T, Gpu>> dbias,
                                std::type_identity_t<TensorView<T, Gpu>> scratch);
template <class T>
void matmul_input_gradient(const Batch<T, Gpu>& dy, std::type_identity_t<TensorView<const T, Gpu>> kernel, Batch<T, Gpu>& dx,
                           std::type_identity_t<TensorView<T, Gpu>> scratch, const Activation& below = Linear{},
                           const Batch<T, Gpu>* x = nullptr);

// A function of the user's own is compiled for the processor alone.
template <class T, class F, class... Inputs>
void map(Batch<T, Gpu>&, const F&, const Inputs&...) {
  throw DeviceError("map: a C++ function cannot run on the GPU; use an activation there is, or the CPU");
}
template <class T, class F, class... Inputs>
void reduce(const TensorView<T, Gpu>&, const F&, const TensorView<T, Gpu>&, const Batch<T, Gpu>&, const Inputs&...) {
  throw DeviceError("reduce: a C++ function cannot run on the GPU; use the CPU");
}

}  // namespace ops
}  // namespace tarn
