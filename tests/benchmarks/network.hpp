// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <tarn/data/dataset.hpp>
#include <tarn/layers/profile.hpp>
#include <tarn/train/history.hpp>

#include "description.hpp"
#include "flops.hpp"

namespace benchmark {

/// A network in words with its trainer: softmax cross-entropy from logits, rates 0.01 (sgd, momentum 0.9) and 0.001. Its kernels are
/// compiled here alone.
class Network {
 public:
  /// Throws ArgumentError or ShapeError for a description that makes no network.
  explicit Network(const Description& description);
  /// Where the time of steps, calls and evaluations goes; must outlive the network.
  Network(const Description& description, tarn::Profile* profile);
  Network(Network&&) noexcept;
  ~Network();

  /// One training step; the batch's mean loss.
  double step(const tarn::Dataset& batch);
  /// Whole epochs.
  tarn::History fit(const tarn::Dataset& data, tarn::Index epochs, tarn::Index batch, bool shuffle = true);
  tarn::Metrics evaluate(const tarn::Dataset& data) const;
  tarn::Tensor<float> predict(const tarn::Tensor<float>& inputs) const;

  /// In safetensors.
  void save_weights(const std::string& path) const;

  const Flops& flops() const;  ///< of one sample
  /// As many random samples, from -1 to 1, with random labels.
  tarn::Dataset random_data(tarn::Index samples) const;

 private:
  class Body;
  template <class Optimizer>
  class TrainedBy;
  static std::unique_ptr<Body> make(const Description& description, tarn::Profile* profile);

  std::unique_ptr<Body> body_;
  tarn::Profile* profile_;
};

}  // namespace benchmark
