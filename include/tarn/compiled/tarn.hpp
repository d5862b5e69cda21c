// SPDX-License-Identifier: MIT
#pragma once

// Says what the library of the target tarn::compiled holds, so that a program that links it compiles none of it.
// Other scalars and devices, and trainers of other losses, are instantiated in the program as ever.

#include <tarn/layers/activations.hpp>
#include <tarn/layers/batch_norm.hpp>
#include <tarn/layers/conv2d.hpp>
#include <tarn/layers/dense.hpp>
#include <tarn/layers/dropout.hpp>
#include <tarn/layers/flatten.hpp>
#include <tarn/layers/pool2d.hpp>
#include <tarn/layers/sequential.hpp>
#include <tarn/losses/binary_cross_entropy.hpp>
#include <tarn/losses/categorical_cross_entropy.hpp>
#include <tarn/losses/mean_squared_error.hpp>
#include <tarn/optim/adam.hpp>
#include <tarn/optim/rmsprop.hpp>
#include <tarn/optim/sgd.hpp>
#include <tarn/train/progress.hpp>
#include <tarn/train/trainer.hpp>

#define TARN_COMPILED_TEMPLATE extern template
namespace tarn {
#include <tarn/compiled/layers.inc>
#include <tarn/compiled/training.inc>
}  // namespace tarn
#undef TARN_COMPILED_TEMPLATE
