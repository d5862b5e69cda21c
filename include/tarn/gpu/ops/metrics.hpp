// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/gpu/ops/copy.hpp>
#include <tarn/ops/metrics.hpp>

namespace tarn::ops {

namespace detail {

/// Outputs and targets of a batch in the processor's memory, for metrics that few ask for.
template <class T>
class HostBatch {
 public:
  HostBatch(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets) : outputs_{copy(outputs, output_memory_)} {
    if (targets.has_labels()) {
      labels_ = to_host(targets.labels);
      targets_.labels = labels_;
    } else {
      targets_.vectors = copy(targets.vectors, target_memory_);
    }
  }

  const Batch<T, Cpu>& outputs() const { return outputs_; }
  const Targets<T, Cpu>& targets() const { return targets_; }

 private:
  static Batch<T, Cpu> copy(const Batch<T, Gpu>& x, Storage<T, Cpu>& memory) {
    Tensor<T, Cpu> values{x.shape()};
    to_tensor(x, values.view());
    memory = Storage<T, Cpu>{Batch<T, Cpu>{nullptr, x.count(), x.sample()}.size()};
    Batch<T, Cpu> y{memory.data(), x.count(), x.sample()};
    from_tensor(std::as_const(values).view(), y);
    return y;
  }

  Storage<T, Cpu> output_memory_, target_memory_;
  Batch<T, Cpu> outputs_;
  Tensor<std::int32_t, Cpu> labels_;
  Targets<T, Cpu> targets_;
};

}  // namespace detail

/// As on the CPU, which counts.
template <class T>
Index count_in_top(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, Index k) {
  const detail::HostBatch<T> host{outputs, targets};
  return count_in_top(host.outputs(), host.targets(), k);
}
/// As on the CPU, which counts.
template <class T>
double count_same_side(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, double threshold, double target_threshold) {
  const detail::HostBatch<T> host{outputs, targets};
  return count_same_side(host.outputs(), host.targets(), threshold, target_threshold);
}
/// As on the CPU, where f runs.
template <class T, class F>
double sum_samples(const Batch<T, Gpu>& outputs, const Targets<T, Gpu>& targets, const F& f) {
  const detail::HostBatch<T> host{outputs, targets};
  return sum_samples(host.outputs(), host.targets(), f);
}

}  // namespace tarn::ops
