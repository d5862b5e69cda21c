// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <span>
#include <vector>

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/optimizers.hpp>

namespace tarn::ops {

namespace detail {

/// What an update reads on the GPU: in a context's scratch or, in a training step, where that one keeps it.
template <class T>
struct UpdateOnGpu {
  gpu::FlatRanges ranges;
  unsigned size = 0;  ///< elements in all ranges
  const UpdateTerms<T>* terms = nullptr;
  double* parts = nullptr;  ///< for sums
};
inline constexpr std::size_t squares_parts = 64;

template <class T>
UpdateOnGpu<T> upload_update(const char* where, std::span<const Range> ranges, Index size, const UpdateTerms<double>& terms) {
  const unsigned count = kernel_size(count_of(where, ranges, size));
  const UpdateTerms<T> own = terms.as<T>();
  gpu::Context& context = gpu::Context::current();
  if (const gpu::StepAddresses* const step = context.step())
    return {{step->ranges, static_cast<unsigned>(ranges.size()), step->stopped},
            count,
            static_cast<const UpdateTerms<T>*>(step->terms),
            static_cast<double*>(context.scratch(squares_parts * sizeof(double)))};
  constexpr std::size_t front = squares_parts * sizeof(double), first = front + 64;  // parts, terms, ranges
  static_assert(sizeof own <= 64);
  std::vector<char> bytes(64 + ranges.size_bytes());
  std::memcpy(bytes.data(), &own, sizeof own);
  if (!ranges.empty()) std::memcpy(bytes.data() + 64, ranges.data(), ranges.size_bytes());
  auto* const scratch = static_cast<char*>(context.scratch(front + bytes.size()));
  context.upload(scratch + front, bytes.data(), bytes.size());
  return {{reinterpret_cast<const Range*>(scratch + first), static_cast<unsigned>(ranges.size())},
          count,
          reinterpret_cast<const UpdateTerms<T>*>(scratch + front),
          reinterpret_cast<double*>(scratch)};
}
template <class T>
T* slot(const TensorView<T, Gpu>& values) {
  return values.size() == 0 ? nullptr : values.data();
}

}  // namespace detail

/// w = keep w - rate g, in the ranges.
template <class T>
void sgd(const TensorView<T, Gpu>& weights, const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges,
         const UpdateTerms<double>& terms) {
  detail::check_size("sgd", "gradients", gradients.size(), weights.size());
  const auto update = detail::upload_update<T>("sgd", ranges, weights.size(), terms);
  detail::launch(gpu::kernel::sgd<T>, update.size, weights.data(), gradients.data(), update.ranges, update.size, update.terms);
}

/// v = momentum v - rate g; w = keep w + v, with Nesterov w = keep w + momentum v - rate g; in the ranges.
template <class T>
void sgd_momentum(const TensorView<T, Gpu>& weights, const TensorView<T, Gpu>& velocities,
                  const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges, const UpdateTerms<double>& terms,
                  double momentum, bool nesterov) {
  detail::check_size("sgd_momentum", "gradients", gradients.size(), weights.size());
  detail::check_size("sgd_momentum", "velocities", velocities.size(), weights.size());
  const auto update = detail::upload_update<T>("sgd_momentum", ranges, weights.size(), terms);
  detail::launch(gpu::kernel::sgd_momentum<T>, update.size, weights.data(), velocities.data(), gradients.data(), update.ranges,
                 update.size, update.terms, static_cast<T>(momentum), nesterov);
}

/// As on the CPU: without `means` m is 0; without `velocities` the momentum is.
template <class T>
void rmsprop(const TensorView<T, Gpu>& weights, const TensorView<T, Gpu>& squares, const TensorView<T, Gpu>& means,
             const TensorView<T, Gpu>& velocities, const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges,
             const UpdateTerms<double>& terms, double rho, double momentum, double epsilon) {
  detail::check_size("rmsprop", "gradients", gradients.size(), weights.size());
  detail::check_size("rmsprop", "squares", squares.size(), weights.size());
  detail::check_slot("rmsprop", "means", means, weights.size());
  detail::check_slot("rmsprop", "velocities", velocities, weights.size());
  const auto update = detail::upload_update<T>("rmsprop", ranges, weights.size(), terms);
  const RMSpropTerms<T> own{static_cast<T>(rho), static_cast<T>(1 - rho), static_cast<T>(momentum), static_cast<T>(epsilon),
                            means.size() != 0};
  detail::launch(gpu::kernel::rmsprop<T>, update.size, weights.data(), squares.data(), detail::slot(means),
                 detail::slot(velocities), gradients.data(), update.ranges, update.size, update.terms, own);
}

/// As on the CPU; the rate is already corrected for the step.
template <class T>
void adam(const TensorView<T, Gpu>& weights, const TensorView<T, Gpu>& momentums_1, const TensorView<T, Gpu>& momentums_2,
          const TensorView<T, Gpu>& largest, const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges,
          const UpdateTerms<double>& terms, double beta_1, double beta_2, double epsilon) {
  detail::check_size("adam", "gradients", gradients.size(), weights.size());
  detail::check_size("adam", "momentums_1", momentums_1.size(), weights.size());
  detail::check_size("adam", "momentums_2", momentums_2.size(), weights.size());
  detail::check_slot("adam", "largest", largest, weights.size());
  const auto update = detail::upload_update<T>("adam", ranges, weights.size(), terms);
  const AdamTerms<T> own{static_cast<T>(1 - beta_1), static_cast<T>(1 - beta_2), static_cast<T>(epsilon)};
  detail::launch(gpu::kernel::adam<T>, update.size, weights.data(), momentums_1.data(), momentums_2.data(), detail::slot(largest),
                 gradients.data(), update.ranges, update.size, update.terms, own);
}

namespace detail {

/// Sums of the squares of the values in the ranges, in that many parts.
template <class T>
unsigned add_squares(const TensorView<const T, Gpu>& values, const UpdateOnGpu<T>& update) {
  const unsigned parts = std::min<unsigned>(squares_parts, (update.size + gpu::block - 1) / gpu::block);
  if (parts > 0)
    gpu::Context::current().launch(gpu::kernel::squares_parts<T>, {parts}, values.data(), update.ranges, update.size,
                                   update.parts);
  return parts;
}

}  // namespace detail

/// In a training step: shortens the gradient to `limit` where its norm is larger, on the GPU. Elsewhere returns false.
template <class T>
bool clip_in_step(const TensorView<const T, Gpu>& gradients, std::span<const Range> ranges, double limit) {
  gpu::Context& context = gpu::Context::current();
  if (!context.step()) return false;
  const auto update = detail::upload_update<T>("clip_in_step", ranges, gradients.size(), {});
  const unsigned parts = detail::add_squares(gradients, update);
  context.launch(gpu::kernel::clip_by_norm<T>, {}, update.parts, parts, limit,
                 static_cast<UpdateTerms<T>*>(context.step()->terms), context.step()->norm);
  return true;
}

/// Sum of the squares of the values in the ranges, in double; waits for it.
template <class T>
double sum_of_squares(const TensorView<const T, Gpu>& values, std::span<const Range> ranges) {
  const auto update = detail::upload_update<T>("sum_of_squares", ranges, values.size(), {});
  double sums[detail::squares_parts];
  const unsigned parts = detail::add_squares(values, update);
  if (parts > 0) gpu::Context::current().download(sums, update.parts, parts * sizeof(double));
  double total = 0;
  for (unsigned i = 0; i < parts; ++i) total += sums[i];
  return total;
}
/// Of all values.
template <class T>
double sum_of_squares(const TensorView<const T, Gpu>& values) {
  const Range all{0, values.size()};
  return sum_of_squares(values, std::span{&all, 1});
}

/// Whether no element is infinite or NaN; waits for the answer.
template <class T>
bool all_finite(const TensorView<const T, Gpu>& values) {
  gpu::Context& context = gpu::Context::current();
  auto* const found = static_cast<unsigned*>(context.scratch(sizeof(unsigned)));
  context.zero(found, sizeof(unsigned));
  detail::launch(gpu::kernel::find_nonfinite<T>, values.size(), values.data(), detail::kernel_size(values.size()), found);
  unsigned any = 0;
  context.download(&any, found, sizeof any);
  return any == 0;
}

}  // namespace tarn::ops
