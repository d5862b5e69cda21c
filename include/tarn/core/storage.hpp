// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <tarn/core/device.hpp>
#include <tarn/core/shape.hpp>
#include <tarn/cpu/instruction_set.hpp>

#if defined(__clang__)
#define TARN_SANITIZED (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TARN_SANITIZED 1
#else
#define TARN_SANITIZED 0
#endif

namespace tarn {

/// Bytes to which every buffer is aligned: a cache line, and the widest vector.
inline constexpr std::size_t alignment = 64;

namespace detail {

/// Memory of zeros. From 4 MiB on it is the system's own pages: zeros from the first touch on, by whichever thread, and large where
/// there are such. (To fill LeNet's arena for 32768 samples in pages of 4 KiB takes seconds.) A sanitizer watches what the allocator
/// gives, and therefore gets all of it.
struct Memory {
  void* data = nullptr;
  bool pages = false;  ///< said here, since some parts of a program may be sanitized and others not
};
/// Throws std::bad_alloc.
[[gnu::cold]] inline Memory allocate(std::size_t bytes) {
#if defined(__linux__) && !TARN_SANITIZED
  if (bytes >= std::size_t{1} << 22) {
    void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc{};
    madvise(pages, bytes, MADV_HUGEPAGE);  // a wish
    return {pages, true};
  }
#endif
  return {std::memset(::operator new (bytes, std::align_val_t{alignment}), 0, bytes)};
}
[[gnu::cold]] inline void release(const Memory& memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
  if (memory.pages) {
    munmap(memory.data, bytes);
    return;
  }
#endif
  ::operator delete (memory.data, std::align_val_t{alignment});
}

}  // namespace detail

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
    if (static_cast<std::size_t>(size) > (std::numeric_limits<std::size_t>::max() - alignment) / sizeof(T))
      throw std::bad_alloc{};
    memory_ = detail::allocate(bytes());
  }
  Storage(const Storage& other) : Storage(other.size_) { std::copy_n(other.data(), size_, data()); }
  Storage(Storage&& other) noexcept : memory_{std::exchange(other.memory_, {})}, size_{std::exchange(other.size_, 0)} {}
  Storage& operator=(Storage other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Storage() {
    if (memory_.data) detail::release(memory_, bytes());
  }

  T* data() { return static_cast<T*>(memory_.data); }
  const T* data() const { return static_cast<const T*>(memory_.data); }
  Index size() const { return size_; }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T) + alignment; }

  detail::Memory memory_;
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
