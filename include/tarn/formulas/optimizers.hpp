// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

namespace tarn {

/// What every update does around its own formula: the gradient is scaled, then kept in [-limit, limit], and the weight shrinks
/// to its part `keep`.
template <class T>
struct UpdateTerms {
  T rate = 0;
  T keep = 1;                               ///< 1 - weight decay times rate
  T scale = 1;                              ///< of the gradient: what clipping by norm asks for
  T limit = std::numeric_limits<T>::max();  ///< of the gradient's magnitude: what clipping by value asks for

  /// The same in another scalar.
  template <class U>
  UpdateTerms<U> as() const {
    constexpr T largest = static_cast<T>(std::numeric_limits<U>::max());
    return {static_cast<U>(rate), static_cast<U>(keep), static_cast<U>(scale), static_cast<U>(limit < largest ? limit : largest)};
  }
};

/// What RMSprop's update needs beside them.
template <class T>
struct RMSpropTerms {
  T rho = 0, rest = 1;  ///< rest: 1 - rho
  T momentum = 0;
  T epsilon = 0;
  bool centered = false;
};

/// What Adam's update needs beside them; the rate is already corrected for the step.
template <class T>
struct AdamTerms {
  T rest_1 = 1, rest_2 = 1;  ///< 1 - beta_1, 1 - beta_2
  T epsilon = 0;
};

}  // namespace tarn
