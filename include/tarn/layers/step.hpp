// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <tarn/layers/profile.hpp>
#include <tarn/layers/workspace.hpp>

namespace tarn {

/// What a layer may touch during one pass over a batch: parameters, gradients, what it keeps, scratch memory, randomness.
/// All handles are those that the layer was given by its Setup.
template <class T, class D = Cpu>
class Step {
 public:
  /// A pass in inference mode: nothing of the model changes.
  Step(const Parameters<T, D>& parameters, Workspace<T, D>& workspace) : parameters_{&parameters}, workspace_{&workspace} {}
  /// A training pass. `gradients` has the layout of the trainable parameters; `number` counts steps for the randomness.
  Step(Parameters<T, D>& parameters, Workspace<T, D>& workspace, TensorView<T, D> gradients, SeedOf<D> seed, Index number)
      : parameters_{&parameters},
        mutable_{&parameters},
        workspace_{&workspace},
        gradients_{gradients},
        seed_{seed},
        number_{number} {}

  bool training() const { return mutable_ != nullptr; }
  /// Whether the layer's weights are to stay as they are: a layer with statistics of the batch then works as in inference.
  bool frozen() const { return frozen_; }
  /// Whether somebody will look at all activations and gradients of this pass.
  bool watched() const { return watched_; }
  void watch() { watched_ = true; }
  /// Whether each layer works by itself. Otherwise neighbours may work as one, which pays where lanes are full.
  bool apart() const { return watched_ || workspace_->few(); }
  /// Where the time of this pass goes, if anybody asks. From `record` on the clock runs for what is booked first.
  Profile* profile() const { return profile_; }
  void record(Profile* profile, Index samples) {
    profile_ = profile;
    if (profile) profile->begin(workspace_->layers(), samples, training(), pass_clock(D{}));
  }
  /// All that `record` was to see is booked.
  void finish() {
    if (profile_) profile_->end();
  }
  /// What was done since the last booking was not a layer's.
  void book(Profile::Other what, Index numbers = 0) {
    if (profile_) profile_->book(what, training(), static_cast<double>(numbers * scalars_per_number<T, D>()) * sizeof(T));
  }

  /// Current value; an empty view for a parameter that the layer does without.
  TensorView<const T, D> value(const Parameter& p) const { return p ? (*parameters_)[p] : TensorView<const T, D>{}; }
  /// A moving statistic and the like, to be changed in a training pass. Throws StateError in inference mode.
  TensorView<T, D> state(const Parameter& p) const {
    if (!mutable_) throw StateError("Step: the state of a model does not change in inference mode");
    return (*mutable_)[p];
  }
  /// Where the gradient of a trainable parameter goes; an empty view for a parameter that the layer does without.
  TensorView<T, D> gradient(const Parameter& p) const { return p ? gradients_.part(p.offset, p.shape) : TensorView<T, D>{}; }

  TensorView<T, D> kept(Kept handle) const { return workspace_->kept(layer_, handle); }
  Batch<T, D> kept_batch(Kept handle, Index count) const { return workspace_->kept_batch(layer_, handle, count); }
  /// Working memory of at least the size that the layer asked for; its content is rubbish at every call.
  TensorView<T, D> scratch() const { return workspace_->scratch(); }
  /// The layer's own random numbers in this step.
  StreamOf<D> stream() const { return {seed_, Purpose::layer, layer_, number_}; }

  /// In `backward`: the elementwise function that x went through last, where its derivative is to be put into dx; else Linear.
  const Activation& below() const { return below_; }
  /// In `backward`: of y = f(z), what is left to do on the way from what arrives to dL/dz. Linear where dL/dz arrives.
  Activation left(const Activation& f) const { return takes_dz_ ? Activation{} : f; }

  /// In `backward`: where sums of dx and of dx x go, [2, c] over all but the last axis, if dx itself is not wanted; else empty.
  const TensorView<T, D>& dx_sums() const { return dx_sums_; }
  void sum_dx(const TensorView<T, D>& sums) { dx_sums_ = sums; }
  /// In `backward`: whether such sums have come, and no dy.
  bool takes_sums() const { return takes_sums_; }
  void take_sums() { takes_sums_ = true; }

  /// The model says whose turn it is.
  void enter(Index layer, bool frozen, const Activation& below = Linear{}, bool takes_dz = false) {
    layer_ = layer;
    frozen_ = frozen;
    below_ = below;
    takes_dz_ = takes_dz;
    takes_sums_ = false;
    dx_sums_ = {};
  }

 private:
  const Parameters<T, D>* parameters_;
  Parameters<T, D>* mutable_ = nullptr;
  Workspace<T, D>* workspace_;
  Profile* profile_ = nullptr;
  TensorView<T, D> gradients_;
  SeedOf<D> seed_{};
  Index number_ = 0;
  Index layer_ = 0;
  bool frozen_ = false, watched_ = false, takes_dz_ = false, takes_sums_ = false;
  Activation below_;
  TensorView<T, D> dx_sums_;
};

}  // namespace tarn
