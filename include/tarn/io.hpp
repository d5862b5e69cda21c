// SPDX-License-Identifier: MIT
#pragma once

// Weights to and from files, histories and profiles as JSON: the component tarn::io, which needs nlohmann/json.

#include <tarn/io/history.hpp>
#include <tarn/io/profile.hpp>
#include <tarn/io/safetensors.hpp>
#include <tarn/io/weights.hpp>
