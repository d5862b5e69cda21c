// SPDX-License-Identifier: MIT
#pragma once

// Everything of the component tarn::gpu. Compiles with and without the headers of the CUDA toolkit.

#include <tarn/core/devices.hpp>
#include <tarn/gpu/device_choice.hpp>
#include <tarn/gpu/driver/functions.hpp>
#include <tarn/gpu/event_clock.hpp>
#include <tarn/gpu/kernels/cache.hpp>
#include <tarn/gpu/ops/conv2d.hpp>
#include <tarn/gpu/ops/conv2d_kernel_gradient.hpp>
#include <tarn/gpu/ops/copy.hpp>
#include <tarn/gpu/ops/elementwise.hpp>
#include <tarn/gpu/ops/join.hpp>
#include <tarn/gpu/ops/losses.hpp>
#include <tarn/gpu/ops/matmul.hpp>
#include <tarn/gpu/ops/metrics.hpp>
#include <tarn/gpu/ops/norm.hpp>
#include <tarn/gpu/ops/optimizers.hpp>
#include <tarn/gpu/ops/pool2d.hpp>
#include <tarn/gpu/ops/random.hpp>
#include <tarn/gpu/ops/softmax.hpp>
#include <tarn/gpu/train/device_steps.hpp>
