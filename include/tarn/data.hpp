// SPDX-License-Identifier: MIT
#pragma once

// Data sets from files: the component tarn::data, which needs zlib.

#include <tarn/data/dataset.hpp>
#include <tarn/data/idx.hpp>
#include <tarn/data/idx_writer.hpp>
#include <tarn/data/mnist.hpp>
