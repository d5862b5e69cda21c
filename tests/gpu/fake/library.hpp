// SPDX-License-Identifier: MIT
#pragma once

#include "driver.hpp"

namespace fake {

/// What libraries above the driver have in common: their objects are the state's, their work goes through its streams.
struct Library {
  template <class Object>
  static Object* make() {
    auto* const object = new Object;
    state->objects.insert(object);
    return object;
  }
  template <class Object>
  static bool destroy(Object* object) {
    if (state->objects.erase(object) == 0) return false;
    delete object;
    return true;
  }
  static bool alive(const void* object) { return state->objects.count(const_cast<void*>(object)) == 1; }

  /// Whether `bytes` from there on are allocated, and aligned as a plan was told.
  static bool usable(const void* address, std::size_t bytes, std::size_t alignment) {
    return state->memory.holds(address_of(address), bytes) && address_of(address) % alignment == 0;
  }
  static bool overlap(const void* a, std::size_t a_bytes, const void* b, std::size_t b_bytes) {
    return address_of(a) < address_of(b) + b_bytes && address_of(b) < address_of(a) + a_bytes;
  }
};

/// A library's function that counts its calls and, at the one asked for, fails instead.
template <auto function, auto failure>
struct CountedCall;
template <class Status, class... Parameters, Status (*function)(Parameters...), Status failure>
struct CountedCall<function, failure> {
  static inline const char* name = "";
  static Status call(Parameters... arguments) {
    const int number = ++state->calls[name];
    const auto found = state->fail_at.find(name);
    if (found == state->fail_at.end() || found->second != number) return function(arguments...);
    if (cleans_up(name)) function(arguments...);  // what it held goes all the same
    return failure;
  }
};

}  // namespace fake
