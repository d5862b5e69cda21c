// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <typeinfo>
#include <vector>

#include <tarn/core/tensor.hpp>

namespace support {

/// The largest difference, relative to the largest magnitude expected (to 1 where all that is expected vanishes).
/// Infinite where sizes differ or a value is not a number.
template <class Got, class Expected>
double relative_error(const Got& got, const Expected& expected) {
  const auto size = static_cast<std::size_t>(std::distance(expected.begin(), expected.end()));
  if (static_cast<std::size_t>(std::distance(got.begin(), got.end())) != size) return std::numeric_limits<double>::infinity();
  double largest = 0, difference = 0;
  auto value = got.begin();
  for (const auto& reference : expected) {
    const double distance = std::abs(static_cast<double>(*value++) - static_cast<double>(reference));
    if (!std::isfinite(distance)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, distance);
    largest = std::max(largest, std::abs(static_cast<double>(reference)));
  }
  return difference / (largest > 1e-6 ? largest : 1);
}

/// What agreement with a reference in float64 means for a result computed in T.
template <class T>
constexpr double reference_tolerance = sizeof(T) == 4 ? 1e-5 : 1e-10;

template <class Values>
std::vector<double> doubles(const Values& values) {
  std::vector<double> result;
  for (const auto& value : values) result.push_back(static_cast<double>(value));
  return result;
}

/// Whether two tensors hold the same bits.
template <class T>
bool same_bits(const tarn::TensorView<const T>& a, const tarn::TensorView<const T>& b) {
  return a.shape() == b.shape() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)) == 0);
}
template <class T>
bool same_bits(const tarn::Tensor<T>& a, const tarn::Tensor<T>& b) {
  return same_bits(a.view(), b.view());
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(),
                        infinity = std::numeric_limits<double>::infinity();

/// The text of the error that `call` throws, which must be of this very type.
template <class Error = tarn::IoError, class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return typeid(error) == typeid(Error) ? std::string{error.what()}
                                          : std::string{"an error of a derived type: "} + error.what();
  }
  return "nothing was thrown";
}

}  // namespace support
