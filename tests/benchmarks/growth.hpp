// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "measure.hpp"

namespace benchmark {

/// Time of a training step against batch size, channels, width, depth and threads: leaves `growth.csv` and, where gnuplot is
/// installed, `growth.svg` in the folder, which is made if missing. Throws IoError where it cannot be written.
void write_growth(const Settings& settings, const std::string& folder);

}  // namespace benchmark
