// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <tarn/core/tensor.hpp>
#include <tarn/init/initializers.hpp>

namespace tarn {

/// A layer's handle on one of its parameters: where it stands in the flat buffer. Trainable parameters stand in one buffer
/// (with gradients and optimizer slots of the same layout), the others, such as moving statistics, in a second.
struct Parameter {
  Index offset = -1;
  Shape shape;
  bool trainable = true;

  explicit operator bool() const { return offset >= 0; }  ///< false for one that the layer does without
};

/// What is known of one parameter by name.
struct ParameterInfo {
  std::string name;  ///< layer and tensor, as in "conv2d_1/kernel"
  Parameter parameter;
  Initializer initializer;
};

/// All parameters of a model: two flat buffers and the names that point into them.
template <class T, class D = Cpu>
class Parameters {
 public:
  /// Reserves room; `allocate` must follow before values are used. Throws ShapeError for more than 2^40 numbers in all.
  Parameter add(std::string name, const Shape& shape, const Initializer& initializer, bool trainable) {
    Index& size = trainable ? trainable_size_ : state_size_;
    if (shape.size() > (Index{1} << 40) - size)
      throw ShapeError("Parameters: ", name, " of shape ", shape.to_string(), " makes more than 2^40 numbers");
    const Parameter parameter{size, shape, trainable};
    size += shape.size();
    entries_.push_back({std::move(name), parameter, initializer});
    return parameter;
  }
  void allocate() {
    trainable_ = Storage<T, D>{trainable_size_};
    state_ = Storage<T, D>{state_size_};
  }
  /// First values: parameter number i is drawn from stream i of the seed. With a model a lane, all models get the same.
  void initialize(std::uint64_t seed) { initialize(seed, 0, scalars_per_number<T, D>()); }
  /// Those of the models in lanes [first, last).
  void initialize(std::uint64_t seed, Index first, Index last) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Parameter& parameter = entries_[i].parameter;
      std::vector<double> values(static_cast<std::size_t>(parameter.shape.size()));
      entries_[i].initializer.fill(values, parameter.shape, Stream{seed, Purpose::initial_weights, static_cast<Index>(i)});
      const TensorView<T, D> view = (*this)[parameter];
      if constexpr (OnGpu<D>) {
        const std::vector<T> own(values.begin(), values.end());
        ops::upload(TensorView<const T, Cpu>{own.data(), parameter.shape}, view);
      } else {
        for (Index element = 0; element < parameter.shape.size(); ++element)
          for (Index lane = first; lane < last; ++lane)
            view.data()[element * scalars_per_number<T, D>() + lane] = static_cast<T>(values[static_cast<std::size_t>(element)]);
      }
    }
  }

  TensorView<T, D> operator[](const Parameter& p) { return (p.trainable ? trainable() : state()).part(p.offset, p.shape); }
  TensorView<const T, D> operator[](const Parameter& p) const {
    return (p.trainable ? trainable() : state()).part(p.offset, p.shape);
  }

  const std::vector<ParameterInfo>& entries() const { return entries_; }
  /// Throws ArgumentError that lists the names there are.
  const ParameterInfo& find(const std::string& name) const {
    for (const auto& entry : entries_)
      if (entry.name == name) return entry;
    std::string known;
    for (const auto& entry : entries_) known += (known.empty() ? "" : ", ") + entry.name;
    throw ArgumentError("weights: no parameter '", name, "', there are: ", known);
  }

  Index trainable_count() const { return trainable_size_; }
  Index state_count() const { return state_size_; }
  TensorView<T, D> trainable() { return {trainable_.data(), {trainable_size_}}; }
  TensorView<const T, D> trainable() const { return {trainable_.data(), {trainable_size_}}; }
  TensorView<T, D> state() { return {state_.data(), {state_size_}}; }
  TensorView<const T, D> state() const { return {state_.data(), {state_size_}}; }

 private:
  std::vector<ParameterInfo> entries_;
  Index trainable_size_ = 0, state_size_ = 0;
  Storage<T, D> trainable_, state_;
};

}  // namespace tarn
