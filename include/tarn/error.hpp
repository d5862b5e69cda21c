// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace tarn {

/// Base of everything that Tarn throws. A message reads: where, what was received, what was expected, the remedy if known.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A value outside its range, an unknown name.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// An operation that the present state does not allow: a non-finite loss, scratch memory that was not reserved.
class StateError : public Error {
 public:
  using Error::Error;
};

/// Files: missing, unreadable, broken. The message names the file and, where there is one, the offset.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A device or an instruction set that this machine does not have.
class DeviceError : public Error {
 public:
  using Error::Error;
};

}  // namespace tarn
