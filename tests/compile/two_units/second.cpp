// SPDX-License-Identifier: MIT
#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

const void* pool_of_second() { return &tarn::parallel::detail::holder(); }
