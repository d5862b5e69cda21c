// SPDX-License-Identifier: MIT
#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

#include <tarn/fwd.hpp>

const void* pool_of_second() { return &tarn::parallel::detail::holder(); }
