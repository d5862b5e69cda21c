// SPDX-License-Identifier: MIT
#pragma once

// Data sets, from files and from memory: the component tarn::data, which needs zlib (for IDX files that are compressed).

#include <tarn/data/csv.hpp>
#include <tarn/data/dataset.hpp>
#include <tarn/data/idx.hpp>
#include <tarn/data/idx_writer.hpp>
#include <tarn/data/min_max_scaler.hpp>
#include <tarn/data/mnist.hpp>
#include <tarn/data/npy.hpp>
#include <tarn/data/one_hot.hpp>
#include <tarn/data/standardizer.hpp>

#ifdef TARN_COMPILED
#include <tarn/compiled/data.hpp>
#endif
