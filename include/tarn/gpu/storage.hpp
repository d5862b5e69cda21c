// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <new>
#include <utility>
#include <vector>

#include <tarn/core/storage.hpp>
#include <tarn/core/tensor.hpp>
#include <tarn/gpu/context.hpp>
#include <tarn/ops/detail.hpp>

namespace tarn {

/// A buffer on the GPU of the context that was current when it was made; that context outlives it.
template <class T>
class Storage<T, Gpu> {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Storage() = default;
  /// `size` zeros; of size 0 nothing is allocated, and no GPU is needed. Throws DeviceError.
  explicit Storage(Index size) : Storage(size, nullptr) {}
  Storage(const Storage& other) : Storage(other.size_, other.context_) {
    if (size_ > 0) context_->copy(data_, other.data_, bytes());
  }
  Storage(Storage&& other) noexcept
      : context_{other.context_}, data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  Storage& operator=(Storage other) noexcept {
    std::swap(context_, other.context_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Storage() {
    if (data_) context_->release(data_);
  }

  T* data() { return data_; }  ///< in the GPU's memory: not to be read here
  const T* data() const { return data_; }
  Index size() const { return size_; }

 private:
  Storage(Index size, gpu::Context* context) : size_{size} {
    if (size == 0) return;
    if (static_cast<std::size_t>(size) > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc{};
    context_ = context ? context : &gpu::Context::current();
    data_ = static_cast<T*>(context_->allocate(bytes()));
    try {
      context_->zero(data_, bytes());
    } catch (...) {
      context_->release(data_);
      throw;
    }
  }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  gpu::Context* context_ = nullptr;
  T* data_ = nullptr;
  Index size_ = 0;
};

namespace ops {

template <class T>
void upload(const TensorView<const T, Cpu>& x, const TensorView<T, Gpu>& y) {
  detail::check_size("upload", "y", y.size(), x.size());
  if (x.size() > 0) gpu::Context::current().upload(y.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
}
template <class T>
Tensor<T, Cpu> to_host(const TensorView<const T, Gpu>& x) {
  Tensor<T, Cpu> y{x.shape()};
  if (x.size() > 0) gpu::Context::current().download(y.data(), x.data(), static_cast<std::size_t>(x.size()) * sizeof(T));
  return y;
}
template <class T>
Tensor<T, Cpu> to_host(const Tensor<T, Gpu>& x) {
  return to_host(x.view());
}

}  // namespace ops
}  // namespace tarn
