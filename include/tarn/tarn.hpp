// SPDX-License-Identifier: MIT
#pragma once

// Everything of the component tarn::tarn: tensors, layers, losses, optimizers, training. Needs the standard library and Eigen.

#include <tarn/core/devices.hpp>
#include <tarn/core/peak.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/layers/activations.hpp>
#include <tarn/layers/batch_norm.hpp>
#include <tarn/layers/blocks.hpp>
#include <tarn/layers/conv2d.hpp>
#include <tarn/layers/dense.hpp>
#include <tarn/layers/dropout.hpp>
#include <tarn/layers/flatten.hpp>
#include <tarn/layers/pool2d.hpp>
#include <tarn/layers/sequential.hpp>
#include <tarn/losses/binary_cross_entropy.hpp>
#include <tarn/losses/categorical_cross_entropy.hpp>
#include <tarn/losses/hinge.hpp>
#include <tarn/losses/huber.hpp>
#include <tarn/losses/mean_absolute_error.hpp>
#include <tarn/losses/mean_squared_error.hpp>
#include <tarn/losses/perceptron.hpp>
#include <tarn/losses/squared_hinge.hpp>
#include <tarn/optim/adam.hpp>
#include <tarn/optim/rmsprop.hpp>
#include <tarn/optim/sgd.hpp>
#include <tarn/schedulers/compositions.hpp>
#include <tarn/schedulers/cyclic.hpp>
#include <tarn/train/csv_logger.hpp>
#include <tarn/train/early_stopping.hpp>
#include <tarn/train/ensemble_trainer.hpp>
#include <tarn/train/progress.hpp>
#include <tarn/train/range_test.hpp>
#include <tarn/train/trainer.hpp>
#include <tarn/version.hpp>

#ifdef TARN_COMPILED
#include <tarn/compiled/tarn.hpp>
#endif
