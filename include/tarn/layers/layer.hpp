// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tarn/core/batch.hpp>
#include <tarn/core/parameters.hpp>
#include <tarn/core/random.hpp>
#include <tarn/cpu/geometry.hpp>
#include <tarn/formulas/activations.hpp>

namespace tarn {

template <class T, class D>
class Step;

/// Two neighbouring layers in one, for steps in which nobody looks at what stands between them. `between` is the memory that
/// the first one's output would have; what is put there in `forward` is there in `backward`. The Step is the first layer's.
/// For inference y may have the memory of x: nothing of it is written before all of x is read.
template <class T, class D = Cpu>
class LayerPair {
 public:
  virtual ~LayerPair() = default;
  virtual void forward(const Batch<T, D>& x, Batch<T, D>& between, Batch<T, D>& y, Step<T, D>& step) const = 0;
  virtual void backward(const Batch<T, D>& x, const Batch<T, D>& between, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx,
                        Step<T, D>& step) const = 0;
};

/// Of a layer's input and output.
struct Reads {
  bool x = true, y = true;
};

/// What every layer is at run time: const, so that one model serves many threads. What a step changes stands in the Step.
/// A spec `S` (a plain aggregate of options) brings it as `template <class T, class D> class S::Layer`, constructed from
/// (const S& spec, const Shape& input, Setup<T, D>& setup); the shapes of samples are known from then on.
template <class T, class D = Cpu>
class Layer {
 public:
  virtual ~Layer() = default;
  /// Shape of one sample of the output.
  virtual Shape output_shape() const = 0;
  /// True where y is x under another shape: then neither `forward` nor `backward` is called.
  virtual bool passes_through(bool training) const {
    static_cast<void>(training);
    return false;
  }
  /// The function that y went through last, for diagnostics.
  virtual Activation activation() const { return Linear{}; }
  /// Whether `backward` takes dL/dz of that function, y = f(z), in place of dL/dy where the Step says so.
  virtual bool takes_dz() const { return false; }
  /// Whether `backward`, and that of a pair which begins with this layer, multiply dx by the derivative of `Step::below`.
  virtual bool gives_dz() const { return false; }
  /// Whether `backward` can give `Step::dx_sums` in place of dx.
  virtual bool gives_sums() const { return false; }
  /// If of dL/dy two sums are all that this step's `backward` needs while no dx is wanted: where to put them, [2, c] over all but
  /// the last axis, of dL/dy and of dL/dy y. Otherwise empty.
  virtual TensorView<T, D> gradient_sums(const Step<T, D>& step) const {
    static_cast<void>(step);
    return {};
  }
  /// The windows of which y is the mean, where that is all there is to the layer.
  virtual const cpu::PoolGeometry* averages() const { return nullptr; }
  /// This layer and the next as one, if that is less work; null if not. Used for inference, and in training while this
  /// layer is not frozen.
  virtual std::shared_ptr<const LayerPair<T, D>> paired(const Layer& next) const {
    static_cast<void>(next);
    return nullptr;
  }
  /// For profiles: operations of one sample's `forward`, two a multiply-add, the zeros of padding with them; dx costs as many, and so
  /// do the gradients of the parameters together. What is elementwise counts nothing: there memory takes the time.
  virtual double flops() const { return 0; }
  /// For profiles: what this step's `backward` reads of the way forward.
  virtual Reads backward_reads(const Step<T, D>& step) const {
    static_cast<void>(step);
    return {};
  }
  /// Writes y, which holds rubbish before.
  virtual void forward(const Batch<T, D>& x, Batch<T, D>& y, Step<T, D>& step) const = 0;
  /// Follows a training `forward` of the same step. Writes the gradient of every trainable parameter, and dL/dx where `dx` is
  /// given (a model's first layers need none). dy may be overwritten; dx never aliases x, y or dy.
  virtual void backward(const Batch<T, D>& x, const Batch<T, D>& y, Batch<T, D>& dy, Batch<T, D>* dx, Step<T, D>& step) const = 0;
};

/// Where branches of a model come together: y from the outputs of several layers.
template <class T, class D = Cpu>
class Join {
 public:
  virtual ~Join() = default;
  /// Puts input number `i` into y; called for all of them in order, so that the first call may find rubbish.
  virtual void forward(Index i, const Batch<T, D>& x, Batch<T, D>& y) const = 0;
  /// dx of input number `i`; with `add` it is added to what stands there.
  virtual void backward(Index i, const Batch<T, D>& dy, Batch<T, D>& dx, bool add) const = 0;
};

/// Handle on a tensor that a layer keeps from forward to backward.
struct Kept {
  Index index = -1;
};

/// What a layer asks for when it is built.
template <class T, class D = Cpu>
class Setup {
 public:
  Setup(Parameters<T, D>& parameters, std::string layer, Index index)
      : parameters_{parameters}, layer_{std::move(layer)}, index_{index} {}

  /// A trainable parameter; its full name is "layer/name".
  Parameter parameter(const std::string& name, const Shape& shape, const Initializer& initializer) {
    trainable_ += shape.size();
    return parameters_.add(layer_ + "/" + name, shape, initializer, true);
  }
  /// A value that is saved with the model but not trained by the optimizer, such as a moving mean.
  Parameter state(const std::string& name, const Shape& shape, const Initializer& initializer) {
    state_ += shape.size();
    return parameters_.add(layer_ + "/" + name, shape, initializer, false);
  }
  /// Room for a tensor kept from forward to backward, whose size does not depend on the batch.
  Kept keep(const Shape& shape) {
    kept_.push_back(shape);
    return {static_cast<Index>(kept_.size()) - 1};
  }
  /// Room for a value for each sample and element of this shape, kept likewise.
  Kept keep_batch(const Shape& sample) {
    kept_batches_.push_back(sample);
    return {static_cast<Index>(kept_batches_.size()) - 1};
  }
  /// Working memory during one call of forward or backward; the largest request of all layers is shared by all.
  void scratch(Index scalars) { scratch_ = std::max(scratch_, scalars); }

  const std::string& layer() const { return layer_; }
  Index index() const { return index_; }
  const std::vector<Shape>& kept() const { return kept_; }
  const std::vector<Shape>& kept_batches() const { return kept_batches_; }
  Index scratch_size() const { return scratch_; }
  Index trainable_count() const { return trainable_; }
  Index state_count() const { return state_; }

 private:
  Parameters<T, D>& parameters_;
  std::string layer_;
  Index index_;
  std::vector<Shape> kept_, kept_batches_;
  Index scratch_ = 0, trainable_ = 0, state_ = 0;
};

/// A layer, or a join of branches, in its place in a model. Places are numbered so that all inputs come before.
template <class T, class D>
struct PlacedLayer {
  std::string name, type;                    ///< "residual/conv2d_1", "Conv2D"
  std::shared_ptr<const Layer<T, D>> layer;  ///< null for a join
  std::shared_ptr<const Join<T, D>> join;
  std::shared_ptr<const LayerPair<T, D>> pair;  ///< with the next layer, which alone takes its output; or null
  std::vector<Index> inputs;                    ///< places whose outputs it takes; -1 is the model's input
  bool takes_sums = false;                      ///< the layer above can give `gradient_sums`
  bool gives_dz = false, takes_dz = false;      ///< to the layer below, from the one above: dL/dz of an activation y = f(z)
  std::vector<char> adds;                       ///< an input's gradient is added to that of a later place, which wrote it first
  Index uses = 0;                               ///< places that take its output
  Shape input, output;                          ///< of one sample
  std::vector<Shape> kept, kept_batches;
  Index scratch = 0;
  Index trainable = 0, state = 0;  ///< scalars

  bool passes_through(bool training) const { return layer && layer->passes_through(training); }
};

}  // namespace tarn
