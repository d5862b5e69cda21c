// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <tarn/core/philox.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/geometry.hpp>
#include <tarn/formulas/activations.hpp>
#include <tarn/formulas/losses.hpp>
#include <tarn/formulas/optimizers.hpp>
#include <tarn/gpu/kernels/step_state.hpp>

namespace tarn::gpu {

/// Threads of every block.
inline constexpr unsigned block = 256;

template <class T>
constexpr const char* scalar_name = nullptr;
template <>
inline constexpr const char* scalar_name<float> = "float";
template <>
inline constexpr const char* scalar_name<double> = "double";
template <>
inline constexpr const char* scalar_name<std::uint8_t> = "std::uint8_t";
template <>
inline constexpr const char* scalar_name<std::int32_t> = "std::int32_t";

/// A kernel by name, and what it takes: a launch converts to these, so that sizes and order agree with the kernel's text.
template <class T, class... Parameters>
struct Kernel {
  const char* name;
  const char* second = nullptr;  ///< a further scalar type

  std::string expression() const {
    return std::string{name} + "<" + scalar_name<T> + (second ? std::string{", "} + second : "") + ">";
  }
};

/// The parts of a flat buffer that are trained, in device memory, and what keeps an update from happening.
struct FlatRanges {
  const Range* ranges;
  unsigned count;
  const unsigned* stop = nullptr;
};

/// Of a data set or a batch, null where there are none.
template <class T>
struct LabelsAndWeights {
  std::int32_t* labels = nullptr;
  T* weights = nullptr;
};

/// Sums in parts are the kernels' own: these are their scalars.
inline constexpr Index sum_scalars = 1, moment_scalars = 3, gradient_sum_scalars = 2;

// clang-format off
namespace kernel {
using U = unsigned;
using G = cpu::PoolGeometry;
using Step = const std::uint32_t*;
template <class T> inline constexpr Kernel<T, Activation::Kind, T, const T*, const T*, T*, U, U> activate{"activate"};
template <class T> inline constexpr Kernel<T, Activation::Kind, T, const T*, const T*, T*, U> activation_gradient{"activation_gradient"};
template <class T> inline constexpr Kernel<T, const T*, T*, U> add{"add"};
template <class T> inline constexpr Kernel<T, T*, const T*, T, U> move_towards{"move_towards"};
template <class T> inline constexpr Kernel<T, const T*, T*, U, U, U, U> put_channels{"put_channels"};
template <class T> inline constexpr Kernel<T, const T*, T*, U, U, U, U, bool> take_channels{"take_channels"};
template <class T> inline constexpr Kernel<T, const T*, T*, U, U, U> transpose{"transpose"};
template <class T> inline constexpr Kernel<T, void*, const T*, U, U> sum_rows{"sum_rows"};
template <class T> inline constexpr Kernel<T, const void*, U, T*, U> finish_sums{"finish_sums"};
template <class T> inline constexpr Kernel<T, const T*, T*, G, U> avg_pool2d{"avg_pool2d"};
template <class T> inline constexpr Kernel<T, const T*, T*, G, U> avg_pool2d_gradient{"avg_pool2d_gradient"};
template <class T> inline constexpr Kernel<T, const T*, T*, G, U> max_pool2d{"max_pool2d"};
template <class T> inline constexpr Kernel<T, const T*, const T*, const T*, T*, G, U> max_pool2d_gradient{"max_pool2d_gradient"};
template <class T> inline constexpr Kernel<T, const T*, U, U, void*> moments_parts{"moments_parts"};
template <class T> inline constexpr Kernel<T, const T*, const void*, U, T*, T*, U> moments{"moments"};
template <class T> inline constexpr Kernel<T, const T*, const T*, const T*, T, const T*, const T*, T*, U, U> normalize{"normalize"};
template <class T> inline constexpr Kernel<T, const T*, const T*, const T*, U, U, void*> normalize_gradient_parts{"normalize_gradient_parts"};
template <class T> inline constexpr Kernel<T, const void*, U, const T*, T, T*, T*, void*, U> normalize_parameter_gradients{"normalize_parameter_gradients"};
template <class T> inline constexpr Kernel<T, const T*, const T*, const T*, const T*, T, const T*, const void*, T*, U, U> normalize_gradient{"normalize_gradient"};
template <class T> inline constexpr Kernel<T, const T*, T*, U, U> softmax{"softmax"};
template <class T> inline constexpr Kernel<T, const T*, const T*, T*, U, U> softmax_gradient{"softmax_gradient"};
template <class T> inline constexpr Kernel<T, ElementwiseLoss, T, const T*, const T*, const T*, T, T*, double*, U, U> elementwise_loss{"elementwise_loss"};
template <class T> inline constexpr Kernel<T, const T*, const int*, const T*, T, const T*, T, T*, double*, U, U> cross_entropy_from_logits{"cross_entropy_from_logits"};
template <class T> inline constexpr Kernel<T, const T*, const int*, const T*, T, const T*, T, T*, double*, U, U> cross_entropy_from_probabilities{"cross_entropy_from_probabilities"};
template <class T> inline constexpr Kernel<T, const T*, T*, U> sum_of_losses{"sum_of_losses"};
template <class T> inline constexpr Kernel<T, const T*, const int*, const T*, unsigned*, U, U> count_correct{"count_correct"};
template <class T> inline constexpr Kernel<T, T*, const T*, FlatRanges, U, const UpdateTerms<T>*> sgd{"sgd"};
template <class T> inline constexpr Kernel<T, T*, T*, const T*, FlatRanges, U, const UpdateTerms<T>*, T, bool> sgd_momentum{"sgd_momentum"};
template <class T> inline constexpr Kernel<T, T*, T*, T*, T*, const T*, FlatRanges, U, const UpdateTerms<T>*, RMSpropTerms<T>> rmsprop{"rmsprop"};
template <class T> inline constexpr Kernel<T, T*, T*, T*, T*, const T*, FlatRanges, U, const UpdateTerms<T>*, AdamTerms<T>> adam{"adam"};
template <class T> inline constexpr Kernel<T, const T*, FlatRanges, U, double*> squares_parts{"squares_parts"};
template <class T> inline constexpr Kernel<T, const double*, U, double, UpdateTerms<T>*, double*> clip_by_norm{"clip_by_norm"};
template <class T> inline constexpr Kernel<T, const T*, U, unsigned*> find_nonfinite{"find_nonfinite"};
template <class T> inline constexpr Kernel<T, const T*, T*, U, U, U, std::uint32_t, T, Philox::Key, Step, std::uint32_t> dropout{"dropout"};
template <class T> inline constexpr Kernel<T, StepState<T>*, UpdateTerms<T>, std::uint32_t, std::uint32_t, Step, LabelsAndWeights<T>, std::uint32_t*, LabelsAndWeights<T>, U> begin_step{"begin_step"};
template <class T> inline constexpr Kernel<T, StepState<T>*> end_step{"end_step"};
template <class T> inline constexpr Kernel<T, const unsigned*, const T*, T*, U> restore_if{"restore_if"};
template <class T, class Source> inline constexpr Kernel<T, const Source*, Step, T*, U, U, double, double> gather{"gather", scalar_name<Source>};
}  // namespace kernel
// clang-format on

/// Calls `visit(kernel)` for all kernels of a scalar type but those that take a user's function.
template <class T, class Visit>
void for_kernels(const Visit& visit) {
  using namespace kernel;
  const auto each = [&](const auto&... kernels) { (visit(kernels), ...); };
  each(activate<T>, activation_gradient<T>, add<T>, move_towards<T>, put_channels<T>, take_channels<T>, transpose<T>, sum_rows<T>,
       finish_sums<T>, avg_pool2d<T>, avg_pool2d_gradient<T>, max_pool2d<T>, max_pool2d_gradient<T>, moments_parts<T>, moments<T>,
       normalize<T>, normalize_gradient_parts<T>, normalize_parameter_gradients<T>, normalize_gradient<T>, softmax<T>,
       softmax_gradient<T>, elementwise_loss<T>, cross_entropy_from_logits<T>, cross_entropy_from_probabilities<T>,
       sum_of_losses<T>, count_correct<T>, sgd<T>, sgd_momentum<T>, rmsprop<T>, adam<T>, squares_parts<T>, clip_by_norm<T>,
       find_nonfinite<T>, dropout<T>, begin_step<T>, end_step<T>, restore_if<T>, gather<T, std::uint8_t>, gather<T, std::int32_t>,
       gather<T, float>, gather<T, double>);
}

/// What is compiled together: all kernels of a scalar type where `expression` is one of them, else it alone.
inline std::vector<std::string> kernels_of(const std::string& expression) {
  std::vector<std::string> all;
  const auto add = [&](const auto& kernel) { all.push_back(kernel.expression()); };
  for (const bool wide : {false, true}) {
    all.clear();
    wide ? for_kernels<double>(add) : for_kernels<float>(add);
    for (const std::string& one : all)
      if (one == expression) return all;
  }
  return {expression};
}

}  // namespace tarn::gpu
