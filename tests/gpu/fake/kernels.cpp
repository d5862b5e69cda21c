// SPDX-License-Identifier: MIT
#include "kernels.hpp"

#include <tuple>
#include <type_traits>
#include <utility>

#include <tarn/gpu/kernels/signatures.hpp>

#include "../emulator/kernels.hpp"

namespace fake {
namespace {

class Kernels {
 public:
  Kernels() {
    add_all<float>();
    add_all<double>();
  }
  std::map<std::string, Binder> table;

 private:
  template <class Told, class Taken>
  static constexpr bool same_argument =
      sizeof(Told) == sizeof(Taken) && alignof(Told) == alignof(Taken) &&
      std::is_pointer_v<Told> == std::is_pointer_v<Taken>&& std::is_floating_point_v<Told> == std::is_floating_point_v<Taken>;

  /// The signature that launches convert to and the kernel's own must agree.
  template <class T, class... Told, class... Taken>
  void add(const tarn::gpu::Kernel<T, Told...>& kernel, emulator::Mode mode, void (*body)(Taken...)) {
    static_assert((same_argument<Told, Taken> && ...));
    table["tarn::gpu::kernels::" + kernel.expression()] = [=](emulator::Dim grid, unsigned threads, void** arguments) {
      const auto values = read<Taken...>(arguments, std::index_sequence_for<Taken...>{});
      Work work;
      std::apply([&](const auto&... value) { (note(work, value), ...); }, values);
      work.run = [=] { emulator::launch(grid, threads, mode, [&] { std::apply(body, values); }); };
      return work;
    };
  }
  template <class... Taken, std::size_t... at>
  static std::tuple<Taken...> read(void** arguments, std::index_sequence<at...>) {
    return {*static_cast<Taken*>(arguments[at])...};
  }
  template <class Value>
  static void note(Work& work, const Value& value) {
    if constexpr (std::is_pointer_v<Value>)
      if (value) work.addresses.push_back(value);
  }

  template <class T>
  void add_all() {
    namespace told = tarn::gpu::kernel;
    namespace own = tarn::gpu::kernels;
    using emulator::Mode;
#define FAKE_PLAIN(name) add(told::name<T>, Mode::loop, &own::name<T>);
#define FAKE_FIBRES(name) add(told::name<T>, Mode::fibres, &own::name<T>);
    FAKE_PLAIN(activate)
    FAKE_PLAIN(activation_gradient)
    FAKE_PLAIN(add)
    FAKE_PLAIN(move_towards)
    FAKE_PLAIN(put_channels)
    FAKE_PLAIN(take_channels)
    FAKE_PLAIN(transpose)
    FAKE_PLAIN(finish_sums)
    FAKE_PLAIN(avg_pool2d)
    FAKE_PLAIN(avg_pool2d_gradient)
    FAKE_PLAIN(max_pool2d)
    FAKE_PLAIN(max_pool2d_gradient)
    FAKE_PLAIN(moments)
    FAKE_PLAIN(normalize)
    FAKE_PLAIN(normalize_parameter_gradients)
    FAKE_PLAIN(normalize_gradient)
    FAKE_PLAIN(sgd)
    FAKE_PLAIN(sgd_momentum)
    FAKE_PLAIN(rmsprop)
    FAKE_PLAIN(adam)
    FAKE_PLAIN(clip_by_norm)
    FAKE_PLAIN(find_nonfinite)
    FAKE_PLAIN(dropout)
    FAKE_PLAIN(begin_step)
    FAKE_PLAIN(end_step)
    FAKE_PLAIN(restore_if)
    FAKE_FIBRES(sum_rows)
    FAKE_FIBRES(moments_parts)
    FAKE_FIBRES(normalize_gradient_parts)
    FAKE_FIBRES(softmax)
    FAKE_FIBRES(softmax_gradient)
    FAKE_FIBRES(elementwise_loss)
    FAKE_FIBRES(cross_entropy_from_logits)
    FAKE_FIBRES(cross_entropy_from_probabilities)
    FAKE_FIBRES(sum_of_losses)
    FAKE_FIBRES(count_correct)
    FAKE_FIBRES(squares_parts)
#undef FAKE_PLAIN
#undef FAKE_FIBRES
    add(told::gather<T, std::uint8_t>, Mode::loop, &own::gather<T, std::uint8_t>);
    add(told::gather<T, std::int32_t>, Mode::loop, &own::gather<T, std::int32_t>);
    add(told::gather<T, float>, Mode::loop, &own::gather<T, float>);
    add(told::gather<T, double>, Mode::loop, &own::gather<T, double>);
  }
};

}  // namespace

std::map<std::string, Binder> kernels() { return Kernels{}.table; }

}  // namespace fake
