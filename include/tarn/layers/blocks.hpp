// SPDX-License-Identifier: MIT
#pragma once

#include <tuple>

#include <tarn/layers/builder.hpp>
#include <tarn/ops/copy.hpp>
#include <tarn/ops/join.hpp>

// Blocks: several layers that are used like one. Their specs are values like all others and may hold each other; the layers
// inside get their places in the model, so that they show in its summary and their weights have names such as
// "residual/conv2d/kernel". Layers that are known at run time only go in as a std::vector<LayerSpec<T, D>>.
// (By C++'s rules Block{Block{a}} is a copy of the inner one, and so is Residual{Residual{a}}: nest with Residual{Block{..}, ..}.)

namespace tarn {

/// Layers one behind the other, as one. Without any, y = x.
template <class... Specs>
struct Block {
  static constexpr const char* name = "block";

  std::tuple<Specs...> layers;

  explicit Block(const Specs&... specs) : layers{specs...} {}
  bool operator==(const Block&) const = default;

  template <class T, class D>
  Index place(Builder<T, D>& builder, Index from) const {
    std::apply([&](const auto&... spec) { ((from = builder.place(spec, from)), ...); }, layers);
    return from;
  }
};

/// A layer or block under a name of one's own: `Named{"stem", Conv2D{...}}` has weights "stem/kernel".
/// Of a list of layers the first one gets the name. Throws ArgumentError for a name that is empty, has a slash, or is given twice.
template <class Spec>
struct Named {
  std::string label;
  Spec spec;

  Named(std::string label_, const Spec& spec_) : label{std::move(label_)}, spec{spec_} {}
  bool operator==(const Named&) const = default;
};

namespace detail {

/// y = the sum of all inputs.
template <class T, class D>
class SumJoin final : public Join<T, D> {
 public:
  void forward(Index i, const Batch<T, D>& x, Batch<T, D>& y) const override { i == 0 ? ops::copy(x, y) : ops::add(x, y); }
  void backward(Index, const Batch<T, D>& dy, Batch<T, D>& dx, bool add) const override {
    add ? ops::add(dy, dx) : ops::copy(dy, dx);  // dx = dy
  }
};

/// y = all inputs side by side along the last axis.
template <class T, class D>
class ConcatenateJoin final : public Join<T, D> {
 public:
  explicit ConcatenateJoin(std::vector<Index> first) : first_{std::move(first)} {}
  void forward(Index i, const Batch<T, D>& x, Batch<T, D>& y) const override {
    ops::put_channels(x, first_[static_cast<std::size_t>(i)], y);
  }
  void backward(Index i, const Batch<T, D>& dy, Batch<T, D>& dx, bool add) const override {
    ops::take_channels(dy, first_[static_cast<std::size_t>(i)], dx, add);  // dx = dy's channels of input i
  }

 private:
  std::vector<Index> first_;  // channel of each input in y
};

template <class T, class D, class... Specs>
std::vector<Index> place_branches(const std::tuple<Specs...>& branches, Builder<T, D>& builder, Index from) {
  std::vector<Index> ends;
  std::apply([&](const auto&... branch) { (ends.push_back(builder.place(branch, from)), ...); }, branches);
  return ends;
}

/// Adds y = sum of places. Throws ShapeError where their shapes differ.
template <class T, class D>
Index place_sum(const char* type, Builder<T, D>& builder, const std::vector<Index>& ends) {
  for (const Index end : ends)
    if (builder.output(end) != builder.output(ends[0]))
      throw ShapeError(builder.where(), type, ": branches give ", builder.output(ends[0]).to_string(), " and ",
                       builder.output(end).to_string(), ", expected equal shapes");
  return builder.join(type, std::make_shared<SumJoin<T, D>>(), ends, builder.output(ends[0]));
}

}  // namespace detail

/// y = x + f(x), where f is these layers, one behind the other. Source: He et al., "Deep Residual Learning for Image Recognition",
/// equation 1. Where f changes the shape, use Sum with a projection as the other branch.
/// Throws ShapeError unless f keeps the shape of a sample.
template <class... Specs>
struct Residual {
  static constexpr const char* name = "residual";

  std::tuple<Specs...> layers;

  explicit Residual(const Specs&... specs) : layers{specs...} {}
  bool operator==(const Residual&) const = default;

  template <class T, class D>
  Index place(Builder<T, D>& builder, Index from) const {
    Index end = from;
    std::apply([&](const auto&... spec) { ((end = builder.place(spec, end)), ...); }, layers);
    return detail::place_sum("Residual", builder, {from, end});
  }
};

/// Parallel branches whose outputs are added: y = f(x) + g(x) + ... A branch is a layer or a block; `Block{}` is x itself.
/// Throws ShapeError where the branches give different shapes.
template <class... Branches>
struct Sum {
  static constexpr const char* name = "sum";

  std::tuple<Branches...> branches;

  explicit Sum(const Branches&... specs) : branches{specs...} {}
  bool operator==(const Sum&) const = default;

  template <class T, class D>
  Index place(Builder<T, D>& builder, Index from) const {
    static_assert(sizeof...(Branches) > 0, "a sum needs branches");
    return detail::place_sum("Sum", builder, detail::place_branches(branches, builder, from));
  }
};

/// Parallel branches whose outputs stand side by side along the last axis: images of h x w with a and b channels become one
/// with a + b. Throws ShapeError where the other extents differ, or for samples without axes.
template <class... Branches>
struct Concatenate {
  static constexpr const char* name = "concatenate";

  std::tuple<Branches...> branches;

  explicit Concatenate(const Branches&... specs) : branches{specs...} {}
  bool operator==(const Concatenate&) const = default;

  template <class T, class D>
  Index place(Builder<T, D>& builder, Index from) const {
    static_assert(sizeof...(Branches) > 0, "a concatenation needs branches");
    const std::vector<Index> ends = detail::place_branches(branches, builder, from);
    const Shape first = builder.output(ends[0]);
    std::vector<Index> channels;
    Index total = 0;
    for (const Index end : ends) {
      const Shape shape = builder.output(end);
      bool fits = shape.rank() == first.rank() && shape.rank() > 0;
      for (int axis = 0; fits && axis < shape.rank() - 1; ++axis) fits = shape[axis] == first[axis];
      if (!fits)
        throw ShapeError(builder.where(), "Concatenate: branches give ", first.to_string(), " and ", shape.to_string(),
                         ", expected shapes that are equal but for the last axis");
      channels.push_back(total);
      total += shape.back();
    }
    Shape output;
    for (int axis = 0; axis < first.rank() - 1; ++axis) output.push_back(first[axis]);
    output.push_back(total);
    return builder.join("Concatenate", std::make_shared<detail::ConcatenateJoin<T, D>>(std::move(channels)), ends, output);
  }
};

}  // namespace tarn
