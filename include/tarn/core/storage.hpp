// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include <tarn/core/device.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/instruction_set.hpp>

namespace tarn {

/// Bytes to which every buffer is aligned: a cache line, and the widest vector.
inline constexpr std::size_t alignment = 64;

/// An owning buffer of scalars on a device. On the CPU a cache line of room follows, so that a vector may be read past the end.
template <class T, class D = Cpu>
class Storage;

template <class T>
class Storage<T, Cpu> {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Storage() = default;
  /// `size` zeros. Throws std::bad_alloc.
  explicit Storage(Index size) : size_{size} {
    if (size == 0) return;
    const std::size_t room = static_cast<std::size_t>(size) + alignment / sizeof(T);
    if (room > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc{};
    data_ = static_cast<T*>(::operator new (room * sizeof(T), std::align_val_t{alignment}));
    std::fill_n(data_, room, T{});
  }
  Storage(const Storage& other) : Storage(other.size_) { std::copy_n(other.data_, size_, data_); }
  Storage(Storage&& other) noexcept : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  Storage& operator=(Storage other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Storage() {
    if (data_) ::operator delete (data_, std::align_val_t{alignment});
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  Index size() const { return size_; }

 private:
  T* data_ = nullptr;
  Index size_ = 0;
};

/// Scalars in memory for each number of a tensor.
template <class T, class D>
Index scalars_per_number() {
  return std::is_same_v<D, CpuModels> ? cpu::lanes<T>() : 1;
}

/// Room for `size` numbers of each model.
template <class T>
class Storage<T, CpuModels> {
 public:
  Storage() = default;
  explicit Storage(Index size) : scalars_{size * scalars_per_number<T, CpuModels>()}, size_{size} {}

  T* data() { return scalars_.data(); }
  const T* data() const { return scalars_.data(); }
  Index size() const { return size_; }

 private:
  Storage<T, Cpu> scalars_;
  Index size_ = 0;
};

}  // namespace tarn
