// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn::ops {

namespace detail {

/// Scratch of a loss: one for each sample, and their sum.
struct LossScratch {
  double *losses, *sum;
};
inline LossScratch loss_scratch(Index samples) {
  auto* const all = static_cast<double*>(gpu::Context::current().scratch(static_cast<std::size_t>(samples + 1) * sizeof(double)));
  return {all + 1, all};
}
/// Adds the losses up, in one block, and reads the sum.
inline double read_sum(const LossScratch& scratch, Index samples) {
  gpu::Context& context = gpu::Context::current();
  context.launch(gpu::kernel::sum_of_losses<double>, {}, scratch.losses, scratch.sum, kernel_size(samples));
  double sum = 0;
  context.download(&sum, scratch.sum, sizeof sum);
  return sum;
}

}  // namespace detail

/// As on the CPU; waits for the sum.
template <class T>
double elementwise_loss(ElementwiseLoss loss, double parameter, const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets,
                        Reduction reduction, Batch<T, Gpu>* gradient) {
  const Batch<T, Gpu>& t = targets.vectors;
  const Index samples = outputs.count(), elements = outputs.sample().size();
  if (t.shape() != Shape{samples} || outputs.sample() != Shape{1})
    detail::check_shape("elementwise_loss", "targets", t.shape(), outputs.shape());
  detail::check_loss("elementwise_loss", outputs, targets, gradient);
  detail::kernel_size(outputs.size());
  if (samples == 0) return 0;
  const auto scratch = detail::loss_scratch(samples);
  detail::launch_rows(gpu::kernel::elementwise_loss<T>, samples, loss, static_cast<T>(parameter), outputs.data(), t.data(),
                      targets.weights.data(), static_cast<T>(detail::share_of_sample(reduction, samples)),
                      gradient ? gradient->data() : nullptr, scratch.losses, detail::kernel_size(samples),
                      detail::kernel_size(elements));
  return detail::read_sum(scratch, samples);
}

/// As on the CPU, but that labels are not checked: they must be 0, 1 .. classes - 1. Waits for the sum.
template <class T>
double cross_entropy(bool from_logits, double smoothing, const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets,
                     Reduction reduction, Batch<T, Gpu>* gradient) {
  const Index classes = outputs.sample().size(), samples = outputs.count();
  if (targets.has_labels())
    detail::check_shape("cross_entropy", "labels", targets.labels.shape(), {samples});
  else
    detail::check_shape("cross_entropy", "targets", targets.vectors.shape(), outputs.shape());
  detail::check_loss("cross_entropy", outputs, targets, gradient);
  detail::kernel_size(outputs.size());
  if (samples == 0) return 0;
  const auto scratch = detail::loss_scratch(samples);
  const auto& kernel = from_logits ? gpu::kernel::cross_entropy_from_logits<T> : gpu::kernel::cross_entropy_from_probabilities<T>;
  detail::launch_rows(kernel, samples, outputs.data(), targets.labels.data(), targets.vectors.data(), static_cast<T>(smoothing),
                      targets.weights.data(), static_cast<T>(detail::share_of_sample(reduction, samples)),
                      gradient ? gradient->data() : nullptr, scratch.losses, detail::kernel_size(samples),
                      detail::kernel_size(classes));
  return detail::read_sum(scratch, samples);
}

/// As on the CPU; waits for the count.
template <class T>
Index count_correct(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets) {
  detail::kernel_size(outputs.size());
  gpu::Context& context = gpu::Context::current();
  auto* const correct = static_cast<unsigned*>(context.scratch(sizeof(unsigned)));
  context.zero(correct, sizeof(unsigned));
  detail::launch_rows(gpu::kernel::count_correct<T>, outputs.count(), outputs.data(), targets.labels.data(),
                      targets.vectors.data(), correct, detail::kernel_size(outputs.count()),
                      detail::kernel_size(outputs.sample().size()));
  unsigned count = 0;
  context.download(&count, correct, sizeof count);
  return static_cast<Index>(count);
}

}  // namespace tarn::ops
