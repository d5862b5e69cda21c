// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/detail.hpp>
#include <tarn/ops/losses.hpp>

namespace tarn {

/// A number on the GPU. Read, which waits for it, at once: the next operation may use its memory. In a training step it stays where
/// the step keeps it.
class gpu::DeviceSum {
 public:
  explicit DeviceSum(const double* sum = nullptr) : sum_{sum} {}
  operator double() const {
    double value = 0;
    if (sum_) Context::current().download(&value, sum_, sizeof value);
    return value;
  }

 private:
  const double* sum_;  // null for 0
};

namespace ops {

namespace detail {

/// Scratch of a loss: one for each sample, and their sum.
struct LossScratch {
  double *losses, *sum;
};
inline LossScratch loss_scratch(Index samples) {
  gpu::Context& context = gpu::Context::current();
  auto* const all = static_cast<double*>(context.scratch(static_cast<std::size_t>(samples + 1) * sizeof(double)));
  return {all + 1, context.step() ? context.step()->loss : all};
}
/// Adds the losses up, in one block.
inline gpu::DeviceSum add_up(const LossScratch& scratch, Index samples) {
  gpu::Context::current().launch(gpu::kernel::sum_of_losses<double>, {}, scratch.losses, scratch.sum, kernel_size(samples));
  return gpu::DeviceSum{scratch.sum};
}

}  // namespace detail

/// As on the CPU.
template <class T>
LossSum<Gpu> elementwise_loss(ElementwiseLoss loss, double parameter, const Batch<T, Gpu>& outputs,
                              const Targets<T, Gpu>& targets, Reduction reduction, Batch<T, Gpu>* gradient) {
  const Batch<T, Gpu>& t = targets.vectors;
  const Index samples = outputs.count(), elements = outputs.sample().size();
  if (t.sample().rank() != 0 || t.count() != samples || outputs.sample() != Shape{1})
    detail::check_same_shape("elementwise_loss", "targets", t, outputs);
  detail::check_loss("elementwise_loss", outputs, targets, gradient);
  detail::kernel_size(outputs.size());
  if (samples == 0) return gpu::DeviceSum{};
  const auto scratch = detail::loss_scratch(samples);
  detail::launch_rows(gpu::kernel::elementwise_loss<T>, samples, loss, static_cast<T>(parameter), outputs.data(), t.data(),
                      targets.weights.data(), static_cast<T>(detail::share_of_sample(reduction, samples)),
                      gradient ? gradient->data() : nullptr, scratch.losses, detail::kernel_size(samples),
                      detail::kernel_size(elements));
  return detail::add_up(scratch, samples);
}

/// As on the CPU, but that labels are not checked: they must be 0, 1 .. classes - 1.
template <class T>
LossSum<Gpu> cross_entropy(bool from_logits, double smoothing, const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets,
                           Reduction reduction, Batch<T, Gpu>* gradient) {
  const Index classes = outputs.sample().size(), samples = outputs.count();
  if (targets.has_labels())
    detail::check_shape("cross_entropy", "labels", targets.labels.shape(), {samples});
  else
    detail::check_same_shape("cross_entropy", "targets", targets.vectors, outputs);
  detail::check_loss("cross_entropy", outputs, targets, gradient);
  detail::kernel_size(outputs.size());
  if (samples == 0) return gpu::DeviceSum{};
  const auto scratch = detail::loss_scratch(samples);
  const auto& kernel = from_logits ? gpu::kernel::cross_entropy_from_logits<T> : gpu::kernel::cross_entropy_from_probabilities<T>;
  detail::launch_rows(kernel, samples, outputs.data(), targets.labels.data(), targets.vectors.data(), static_cast<T>(smoothing),
                      targets.weights.data(), static_cast<T>(detail::share_of_sample(reduction, samples)),
                      gradient ? gradient->data() : nullptr, scratch.losses, detail::kernel_size(samples),
                      detail::kernel_size(classes));
  return detail::add_up(scratch, samples);
}

namespace detail {

template <class T>
void add_correct(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, unsigned* correct) {
  kernel_size(outputs.size());
  launch_rows(gpu::kernel::count_correct<T>, outputs.count(), outputs.data(), targets.labels.data(), targets.vectors.data(),
              correct, kernel_size(outputs.count()), kernel_size(outputs.sample().size()));
}

}  // namespace detail

/// As on the CPU; waits for the count.
template <class T>
Index count_correct(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets) {
  gpu::Context& context = gpu::Context::current();
  auto* const correct = static_cast<unsigned*>(context.scratch(sizeof(unsigned)));
  context.zero(correct, sizeof(unsigned));
  detail::add_correct(outputs, targets, correct);
  unsigned count = 0;
  context.download(&count, correct, sizeof count);
  return static_cast<Index>(count);
}

}  // namespace ops
}  // namespace tarn
