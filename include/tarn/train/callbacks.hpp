// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <tarn/train/history.hpp>

namespace tarn {

/// What is planned, told when `fit` begins.
struct FitInfo {
  Index epochs = 0;                       ///< begun or finished, 0 where that is not known
  Index steps = 0;                        ///< at most; 0 where only the epochs are counted
  Index samples = 0;                      ///< trained on in an epoch: without those held out
  std::vector<std::string> metrics = {};  ///< names of `Metrics::values`
};

/// What a hook may return to end the training after the current step or epoch. A hook may also return nothing.
enum class Training { go_on, stop };

/// Any object with one or more of these hooks, each optional:
///   on_fit_begin(const FitInfo&)   on_epoch_begin(Index epoch)   on_step_end(const StepInfo&)
///   on_epoch_end(const EpochRecord&)   on_fit_end(const History&)
/// With `bool wants_step() const` a callback may say before each step that it will not look at its loss and metrics: on the GPU,
/// where nobody wants them, they are not read, and are 0.
/// The object is copied; to read its state afterwards give it references, or pass std::ref(object).
class Callback {
 public:
  template <class Object>
    requires(!std::is_same_v<std::remove_cvref_t<Object>, Callback>)
  Callback(Object object) {  // NOLINT: implicit, so that a list of callbacks is a list of objects
    set(std::move(object));
  }

  void fit_begin(const FitInfo& info) const {
    if (fit_begin_) fit_begin_(info);
  }
  void epoch_begin(Index epoch) const {
    if (epoch_begin_) epoch_begin_(epoch);
  }
  /// Whether `step_end` looks at loss and metrics.
  bool wants_step() const { return step_end_ && (!wants_step_ || wants_step_()); }
  Training step_end(const StepInfo& info) const { return step_end_ ? step_end_(info) : Training::go_on; }
  Training epoch_end(const EpochRecord& record) const { return epoch_end_ ? epoch_end_(record) : Training::go_on; }
  void fit_end(const History& history) const {
    if (fit_end_) fit_end_(history);
  }

 private:
  template <class Object>
  struct Unwrapped {
    using Type = Object;
  };
  template <class Object>
  struct Unwrapped<std::reference_wrapper<Object>> {
    using Type = Object;
  };

  template <class Call>
  static Training told(Call call) {
    if constexpr (std::is_same_v<decltype(call()), Training>) {
      return call();
    } else {
      static_assert(std::is_void_v<decltype(call())>, "a hook returns tarn::Training or nothing");
      call();
      return Training::go_on;
    }
  }

  template <class Object>
  void set(Object object) {
    using Hooks = typename Unwrapped<Object>::Type;
    constexpr bool fit_begin = requires(Hooks & h, const FitInfo& i) { h.on_fit_begin(i); };
    constexpr bool epoch_begin = requires(Hooks & h) { h.on_epoch_begin(Index{}); };
    constexpr bool step_end = requires(Hooks & h, const StepInfo& i) { h.on_step_end(i); };
    constexpr bool epoch_end = requires(Hooks & h, const EpochRecord& r) { h.on_epoch_end(r); };
    constexpr bool fit_end = requires(Hooks & h, const History& r) { h.on_fit_end(r); };
    static_assert((fit_begin || !requires { &Hooks::on_fit_begin; }) && (epoch_begin || !requires { &Hooks::on_epoch_begin; }) &&
                      (step_end || !requires { &Hooks::on_step_end; }) && (epoch_end || !requires { &Hooks::on_epoch_end; }) &&
                      (fit_end || !requires { &Hooks::on_fit_end; }),
                  "a hook takes what the list above says");
    static_assert(fit_begin || epoch_begin || step_end || epoch_end || fit_end, "a callback needs at least one hook");
    auto shared = std::make_shared<Object>(std::move(object));
    if constexpr (fit_begin) fit_begin_ = [shared](const FitInfo& i) { static_cast<Hooks&>(*shared).on_fit_begin(i); };
    if constexpr (epoch_begin) epoch_begin_ = [shared](Index e) { static_cast<Hooks&>(*shared).on_epoch_begin(e); };
    if constexpr (step_end)
      step_end_ = [shared](const StepInfo& i) { return told([&] { return static_cast<Hooks&>(*shared).on_step_end(i); }); };
    if constexpr (requires(const Hooks& h) { h.wants_step(); })
      wants_step_ = [shared] { return static_cast<const Hooks&>(*shared).wants_step(); };
    if constexpr (epoch_end)
      epoch_end_ = [shared](const EpochRecord& r) { return told([&] { return static_cast<Hooks&>(*shared).on_epoch_end(r); }); };
    if constexpr (fit_end) fit_end_ = [shared](const History& h) { static_cast<Hooks&>(*shared).on_fit_end(h); };
  }

  std::function<void(const FitInfo&)> fit_begin_;
  std::function<void(Index)> epoch_begin_;
  std::function<Training(const StepInfo&)> step_end_;
  std::function<bool()> wants_step_;
  std::function<Training(const EpochRecord&)> epoch_end_;
  std::function<void(const History&)> fit_end_;
};

// A function at one hook: `.callbacks = {AtEpochEnd{[](const EpochRecord& record) { ... }}}`. It may return Training.

template <class Function>
struct AtFitBegin {
  Function function;
  auto on_fit_begin(const FitInfo& info) { return function(info); }
};
template <class Function>
struct AtEpochBegin {
  Function function;
  auto on_epoch_begin(Index epoch) { return function(epoch); }
};
template <class Function>
struct AtStepEnd {
  Function function;
  auto on_step_end(const StepInfo& step) { return function(step); }
};
template <class Function>
struct AtEpochEnd {
  Function function;
  auto on_epoch_end(const EpochRecord& record) { return function(record); }
};
template <class Function>
struct AtFitEnd {
  Function function;
  auto on_fit_end(const History& history) { return function(history); }
};
template <class Function>
AtFitBegin(Function) -> AtFitBegin<Function>;
template <class Function>
AtEpochBegin(Function) -> AtEpochBegin<Function>;
template <class Function>
AtStepEnd(Function) -> AtStepEnd<Function>;
template <class Function>
AtEpochEnd(Function) -> AtEpochEnd<Function>;
template <class Function>
AtFitEnd(Function) -> AtFitEnd<Function>;

}  // namespace tarn
