// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <set>

#include <tarn/layers/layer.hpp>

namespace tarn {

template <class T, class D>
class Builder;
template <class Spec>
struct Named;

/// The description of any layer or block, ours or a user's: what a model is made of when its layers are chosen at run time.
/// Constructed from a spec, which has a static `name` (as in "conv2d", made unique in the model) and either the template `Layer`
/// or, as blocks do, a template `place` that puts several layers into a Builder.
template <class T = float, class D = Cpu>
class LayerSpec {
 public:
  template <class Spec>
    requires(!std::is_same_v<Spec, LayerSpec>)
  LayerSpec(const Spec& spec)  // NOLINT: implicit, so that a list of specs is a list of layers
      : place_{[spec](Builder<T, D>& builder, Index from) { return builder.place(spec, from); }} {}

  Index place(Builder<T, D>& builder, Index from) const { return place_(builder, from); }

 private:
  std::function<Index(Builder<T, D>&, Index)> place_;
};

namespace detail {

/// The run-time layer of a spec. Not a member, so that a compiled library can hold it: with it come the layer and all its kernels.
template <class Spec, class T, class D>
std::shared_ptr<const Layer<T, D>> build_layer(const void* spec, const Shape& input, Setup<T, D>& setup) {
  return std::make_shared<typename Spec::template Layer<T, D>>(*static_cast<const Spec*>(spec), input, setup);
}

}  // namespace detail

/// Puts layers into a model: gives them their places and names, and infers their shapes.
template <class T, class D = Cpu>
class Builder {
 public:
  Builder(const Shape& input, Parameters<T, D>& parameters) : input_{input}, parameters_{parameters} {}

  /// Adds what a spec describes behind the place `from` (-1: the model's input) and returns the place of its output.
  /// Throws ShapeError or ArgumentError that names the layer's index and name.
  Index place(const LayerSpec<T, D>& spec, Index from) { return spec.place(*this, from); }
  /// A list of specs, one behind the other.
  Index place(const std::vector<LayerSpec<T, D>>& specs, Index from) {
    for (const auto& spec : specs) from = spec.place(*this, from);
    return from;
  }
  template <class Spec>
  Index place(const Named<Spec>& named, Index from) {
    if (named.label.empty() || named.label.find('/') != std::string::npos)
      throw ArgumentError("Named: the name is '", named.label, "', expected one that is not empty and has no slash");
    next_name_ = named.label;
    const Index last = place(named.spec, from);
    if (!next_name_.empty()) throw ArgumentError("Named: '", named.label, "' holds no layer");
    return last;
  }
  template <class Spec>
  Index place(const Spec& spec, Index from) {
    if constexpr (requires { spec.template place<T, D>(*this, from); }) {
      const std::string outer = prefix_;
      prefix_ = unique_name(Spec::name) + "/";
      const Index last = spec.template place<T, D>(*this, from);
      prefix_ = outer;
      return last;
    } else {
      return add(Spec::name, type_of<Spec>(), from, &detail::build_layer<Spec, T, D>, &spec);
    }
  }
  /// Adds a join of these places, with this shape of an output. Its name is that of the block around it.
  [[gnu::cold]] Index join(const char* type, std::shared_ptr<const Join<T, D>> join, std::vector<Index> inputs,
                           const Shape& output) {
    PlacedLayer<T, D> placed;
    placed.name = prefix_.substr(0, prefix_.size() - 1);
    placed.type = type;
    placed.join = std::move(join);
    placed.input = output;
    placed.output = output;
    placed.inputs = std::move(inputs);
    layers_.push_back(std::move(placed));
    return static_cast<Index>(layers_.size()) - 1;
  }
  /// Shape of one sample of the output of a place.
  const Shape& output(Index place) const { return place < 0 ? input_ : layers_[static_cast<std::size_t>(place)].output; }
  /// As in "layer 3 (residual): ", for errors about the block that is being placed.
  [[gnu::cold]] std::string where() const {
    return "layer " + std::to_string(layers_.size()) + " (" + prefix_.substr(0, prefix_.size() - 1) + "): ";
  }

  /// The layers, once all are placed; the last one's output is the model's.
  [[gnu::cold]] std::vector<PlacedLayer<T, D>> finish(Index last) {
    if (layers_.empty()) throw ArgumentError("Sequential: no layers, expected at least one after Input");
    if (last + 1 != static_cast<Index>(layers_.size()))
      throw ArgumentError("Sequential: the output is that of layer ", last, " of ", layers_.size(), ", expected the last one");
    std::vector<char> written(layers_.size() + 1);
    for (auto placed = layers_.rbegin(); placed != layers_.rend(); ++placed)
      for (Index from : placed->inputs) {
        char& first = written[static_cast<std::size_t>(from + 1)];
        placed->adds.push_back(std::exchange(first, 1));
        if (from >= 0) ++layers_[static_cast<std::size_t>(from)].uses;
      }
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
      auto& placed = layers_[i];
      const auto& next = layers_[i + 1];
      if (placed.layer && next.layer && placed.uses == 1 && next.inputs[0] == static_cast<Index>(i) && !placed.adds[0])
        placed.pair = placed.layer->paired(*next.layer);
    }
    for (auto& placed : layers_) {
      if (!placed.layer || placed.inputs[0] < 0) continue;
      auto& below = layers_[static_cast<std::size_t>(placed.inputs[0])];
      if (below.uses != 1 || !below.layer) continue;
      placed.gives_dz = below.takes_dz = placed.layer->gives_dz() && below.layer->takes_dz();
      below.takes_sums = placed.layer->gives_sums();
    }
    return std::move(layers_);
  }

 private:
  template <class Spec>
  static const char* type_of() {
    if constexpr (requires { Spec::type; })
      return Spec::type;
    else
      return Spec::name;
  }

  [[gnu::cold]] std::string unique_name(const std::string& spec_name) {
    if (!next_name_.empty() && used_.contains(prefix_ + next_name_))
      throw ArgumentError("Named: the name '", prefix_, next_name_, "' is given twice");
    const std::string base = prefix_ + (next_name_.empty() ? spec_name : std::exchange(next_name_, {}));
    std::string name = base;
    for (int number = 1; !used_.insert(name).second; ++number) name = detail::join({base, "_", number});
    return name;
  }

  using Build = std::shared_ptr<const Layer<T, D>> (*)(const void* spec, const Shape& input, Setup<T, D>& setup);
  [[gnu::cold]] Index add(const char* spec_name, const char* type, Index from, Build build, const void* spec) {
    PlacedLayer<T, D> placed;
    placed.name = unique_name(spec_name);
    placed.type = type;
    placed.input = output(from);
    placed.inputs = {from};
    const Index index = static_cast<Index>(layers_.size());
    Setup<T, D> setup{parameters_, placed.name, index};
    const std::string where = "layer " + std::to_string(index) + " (" + placed.name + "): ";
    try {
      placed.layer = build(spec, placed.input, setup);
    } catch (const ShapeError& error) {
      throw ShapeError(where, error.what());
    } catch (const ArgumentError& error) {
      throw ArgumentError(where, error.what());
    }
    placed.output = placed.layer->output_shape();
    if ((placed.passes_through(true) || placed.passes_through(false)) && placed.output.size() != placed.input.size())
      throw ShapeError(where, "passes its input through, but makes ", placed.output.to_string(), " of ",
                       placed.input.to_string());
    placed.kept = setup.kept();
    placed.kept_batches = setup.kept_batches();
    placed.scratch = setup.scratch_size();
    placed.trainable = setup.trainable_count();
    placed.state = setup.state_count();
    layers_.push_back(std::move(placed));
    return index;
  }

  Shape input_;
  Parameters<T, D>& parameters_;
  std::vector<PlacedLayer<T, D>> layers_;
  std::set<std::string> used_;
  std::string prefix_, next_name_;  // prefix: of the block around, as in "residual/"
};

}  // namespace tarn
