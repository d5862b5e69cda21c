// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <tarn/core/tensor.hpp>
#include <tarn/schedulers/schedule.hpp>

namespace tarn {

/// A part of an optimizer's state: one number for each weight, in the parameters' layout. The name is that of the quantity,
/// the same in every model, so that the state can be saved by name.
template <class T, class D>
struct Slot {
  const char* name;
  TensorView<T, D> values;
};

}  // namespace tarn
