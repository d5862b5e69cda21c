// SPDX-License-Identifier: MIT
#pragma once

#include <tarn/layers/sequential.hpp>
#include <tarn/ops/models.hpp>

namespace tarn {

/// n independent models of one architecture, each with weights, data and randomness of its own, trained (EnsembleTrainer) in
/// little more time than one: a vector has as many lanes as models stand side by side in it, so that even layers of two units run at
/// full width, and the threads share these groups of models out. `Ensemble{1000, Input{1}, Dense{.units = 2}, ...}`.
/// A member is the model that Sequential makes of the same layers and seed: on the plain bodies to the bit, on the others up to
/// rounding. Any layer goes in.
template <class T = float>
class Ensemble {
 public:
  using Models = Sequential<T, CpuModels>;

  /// Builds the layers and draws the weights of model m with seed m. Throws ArgumentError for less than one model, and what
  /// Sequential throws.
  Ensemble(Index models, const Input& input, const std::vector<LayerSpec<T, CpuModels>>& layers) : size_{models} {
    if (models < 1) throw ArgumentError("Ensemble: ", models, " models, expected at least 1");
    const Index lanes = scalars_per_number<T, CpuModels>();
    groups_.assign(static_cast<std::size_t>((models + lanes - 1) / lanes), Models{input, layers});
    initialize(0);
  }
  template <class... Specs>
  explicit Ensemble(Index models, const Input& input, const Specs&... specs)
      : Ensemble{models, input, std::vector<LayerSpec<T, CpuModels>>{specs...}} {}

  /// Draws all weights anew: those of model m as `Sequential::initialize(seed + m)` does. Initializers of one's own are called from
  /// several threads.
  void initialize(std::uint64_t seed) {
    parallel::run(static_cast<Index>(groups_.size()), [&](Index group) {
      const Index lanes = scalars_per_number<T, CpuModels>();
      for (Index lane = 0; lane < lanes; ++lane) {
        const Index model = std::min(group * lanes + lane, size_ - 1);  // lanes behind the last model repeat it
        groups_[static_cast<std::size_t>(group)].parameters().initialize(seed + static_cast<std::uint64_t>(model), lane,
                                                                         lane + 1);
      }
    });
  }

  Index size() const { return size_; }                                     ///< models
  const Shape& input_shape() const { return groups_[0].input_shape(); }    ///< of one sample
  const Shape& output_shape() const { return groups_[0].output_shape(); }  ///< of one sample
  /// The layers of one model.
  std::string summary() const { return groups_[0].summary(); }

  /// A copy of one model's parameter, by layer and name as in `weights(7, "dense/kernel")`. Throws ArgumentError for a model that
  /// is not there, or a name, listing those there are.
  Tensor<T> weights(Index model, const std::string& name) const {
    const Place at = place(model);
    const TensorView<const T, CpuModels> values = groups_[at.group].weights(name);
    Tensor<T> result{values.shape()};
    for (Index i = 0; i < result.size(); ++i) result[i] = values[i * at.lanes + at.lane];
    return result;
  }
  /// Sets it. Throws ShapeError for values of another shape too.
  void set_weights(Index model, const std::string& name, const TensorView<const T>& values) {
    const Place at = place(model);
    const TensorView<T, CpuModels> to = groups_[at.group].weights(name);
    ops::detail::check_shape("Ensemble", name.c_str(), values.shape(), to.shape());
    const Index last = model == size_ - 1 ? at.lanes : at.lane + 1;
    for (Index i = 0; i < values.size(); ++i)
      for (Index lane = at.lane; lane < last; ++lane) to[i * at.lanes + lane] = values[i];
  }
  /// Gives one model's weights and state to a single one of the same layers, and takes them from it. Throws as above.
  void copy_to(Index model, Sequential<T>& single) const {
    check_same(single);
    for (const auto& entry : single.parameters().entries()) {
      const Tensor<T> values = weights(model, entry.name);
      ops::copy(values.view(), single.parameters()[entry.parameter]);
    }
  }
  void copy_from(Index model, const Sequential<T>& single) {
    check_same(single);
    for (const auto& entry : single.parameters().entries()) set_weights(model, entry.name, single.parameters()[entry.parameter]);
  }

  /// Outputs [models, n, output...] of all models for inputs [n, input...], in inference mode. Throws ShapeError where a sample has
  /// another shape.
  Tensor<T> predict(const Samples& inputs) const {
    return predict(std::vector<const Samples*>(static_cast<std::size_t>(size_), &inputs));
  }
  /// The same with inputs for each model, as many for all. Throws ShapeError too where their number differs, or is not one a model.
  Tensor<T> predict(std::span<const Samples> inputs) const {
    std::vector<const Samples*> each;
    for (const Samples& samples : inputs) each.push_back(&samples);
    return predict(each);
  }

  /// Where the models stand: `lanes` of them in each group, those behind the last one repeat it.
  std::vector<Models>& groups() { return groups_; }
  const std::vector<Models>& groups() const { return groups_; }

 private:
  /// Throws ShapeError unless a model has the parameters of these, by name and shape.
  void check_same(const Sequential<T>& single) const {
    const auto &ours = groups_[0].parameters().entries(), &theirs = single.parameters().entries();
    if (ours.size() != theirs.size())
      throw ShapeError("Ensemble: the model has ", theirs.size(), " parameters, expected ", ours.size());
    for (std::size_t i = 0; i < ours.size(); ++i)
      if (ours[i].name != theirs[i].name || ours[i].parameter.shape != theirs[i].parameter.shape)
        throw ShapeError("Ensemble: the model has ", theirs[i].name, " ", theirs[i].parameter.shape.to_string(), ", expected ",
                         ours[i].name, " ", ours[i].parameter.shape.to_string());
  }

  struct Place {
    std::size_t group;
    Index lane, lanes;
  };
  Place place(Index model) const {
    if (model < 0 || model >= size_) throw ArgumentError("Ensemble: model ", model, ", expected 0 to ", size_ - 1);
    const Index lanes = scalars_per_number<T, CpuModels>();
    return {static_cast<std::size_t>(model / lanes), model % lanes, lanes};
  }

  Tensor<T> predict(const std::vector<const Samples*>& inputs) const {
    if (static_cast<Index>(inputs.size()) != size_)
      throw ShapeError("predict: ", inputs.size(), " inputs for ", size_, " models");
    const Index n = inputs[0]->size(), size = output_shape().size();
    for (const Samples* samples : inputs)
      if (samples->sample() != input_shape() || samples->size() != n)
        throw ShapeError("predict: inputs are ", samples->shape().to_string(), ", expected ",
                         input_shape().prepend(n).to_string());
    const cpu::UseInstructionSet use{cpu::process_instruction_set()};  // the members' lanes, inside another model's step too
    Tensor<T> outputs{output_shape().prepend(n).prepend(size_)};
    constexpr Index at_once = 64;
    parallel::run(static_cast<Index>(groups_.size()), [&](Index group) {
      const Models& models = groups_[static_cast<std::size_t>(group)];
      const Index lanes = scalars_per_number<T, CpuModels>(), first_model = group * lanes,
                  here = std::min(lanes, size_ - first_model);
      const std::span<const Samples* const> data{inputs.data() + first_model, static_cast<std::size_t>(here)};
      Workspace<T, CpuModels> workspace = models.workspace(false);
      workspace.reserve(std::min(n, at_once));
      std::vector<std::uint32_t> rows(static_cast<std::size_t>(at_once));
      const std::vector<const std::uint32_t*> rows_of(static_cast<std::size_t>(here), rows.data());
      for (Index first = 0; first < n; first += at_once) {
        const Index count = std::min(at_once, n - first);
        std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
        Batch<T, CpuModels> x = workspace.activation(-1, count);
        ops::gather<T>(data, rows_of, x);
        Step<T, CpuModels> step{models.parameters(), workspace};
        models.forward(workspace, count, step);
        const Batch<T, CpuModels> y = workspace.activation(models.last_layer(), count);
        for (Index lane = 0; lane < here; ++lane)
          ops::to_tensor(y, lane, outputs.data() + ((first_model + lane) * n + first) * size);
      }
    });
    return outputs;
  }

  Index size_;
  std::vector<Models> groups_;
};

template <class... Specs>
Ensemble(Index, Input, Specs...) -> Ensemble<float>;

}  // namespace tarn
