// SPDX-License-Identifier: MIT
#pragma once

// Weights to and from files, histories to files: the component tarn::io, which needs nlohmann/json.

#include <tarn/io/history.hpp>
#include <tarn/io/safetensors.hpp>
#include <tarn/io/weights.hpp>
