// SPDX-License-Identifier: MIT
#include <tarn/fwd.hpp>

#include <tarn/data.hpp>
#include <tarn/tarn.hpp>

const void* pool_of_second();

int main() {  // one pool for the process, whichever unit asks
  return pool_of_second() == &tarn::parallel::detail::holder() ? 0 : 1;
}
