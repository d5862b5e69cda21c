// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include <tarn/core/storage.hpp>

namespace tarn {

/// Memory whose numbers can be read one by one; others go through `ops::to_host`.
template <class D>
concept Indexable = !OnGpu<D>;

/// A dense row-major array that somebody else owns; `T` may be const. Images are [.., h, w, c].
template <class T, class D = Cpu>
class TensorView {
 public:
  TensorView() = default;
  TensorView(T* data, const Shape& shape) : data_{data}, shape_{shape} {}
  /// A view of const scalars from one of mutable ones.
  template <class U>
    requires(std::is_same_v<const U, T> && !std::is_same_v<U, T>)
  TensorView(const TensorView<U, D>& other) : data_{other.data()}, shape_{other.shape()} {}

  T* data() const { return data_; }
  const Shape& shape() const { return shape_; }
  Index size() const { return shape_.size(); }
  Index scalars() const { return size() * scalars_per_number<T, D>(); }  ///< in memory
  /// A part of a flat buffer, from number `first` on.
  TensorView part(Index first, const Shape& shape) const { return {data_ + first * scalars_per_number<T, D>(), shape}; }
  T& operator[](Index element) const requires Indexable<D> { return data_[element]; }
  T* begin() const requires Indexable<D> { return data_; }
  T* end() const requires Indexable<D> { return data_ + size(); }

 private:
  T* data_ = nullptr;
  Shape shape_{0};
};

/// A dense row-major array that owns its elements: parameters, data sets, results.
template <class T, class D = Cpu>
class Tensor {
 public:
  Tensor() : shape_{0} {}
  /// Zeros of this shape.
  explicit Tensor(const Shape& shape) : shape_{shape}, storage_{shape.size()} {}
  /// A copy of `values`. Throws ShapeError where their number is not the shape's size.
  Tensor(const Shape& shape, const std::vector<std::remove_const_t<T>>& values) requires Indexable<D> : Tensor(shape) {
    if (static_cast<Index>(values.size()) != shape.size())
      throw ShapeError("Tensor: ", values.size(), " values for shape ", shape.to_string(), ", expected ", shape.size());
    std::copy(values.begin(), values.end(), data());
  }

  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  /// Leaves an empty tensor of shape [0] behind.
  Tensor(Tensor&& other) noexcept : shape_{std::exchange(other.shape_, Shape{0})}, storage_{std::move(other.storage_)} {}
  Tensor& operator=(Tensor&& other) noexcept {
    shape_ = std::exchange(other.shape_, Shape{0});
    storage_ = std::move(other.storage_);
    return *this;
  }

  T* data() { return storage_.data(); }
  const T* data() const { return storage_.data(); }
  const Shape& shape() const { return shape_; }
  Index size() const { return shape_.size(); }
  T& operator[](Index element) requires Indexable<D> { return data()[element]; }
  const T& operator[](Index element) const requires Indexable<D> { return data()[element]; }
  T* begin() requires Indexable<D> { return data(); }
  T* end() requires Indexable<D> { return data() + size(); }
  const T* begin() const requires Indexable<D> { return data(); }
  const T* end() const requires Indexable<D> { return data() + size(); }

  TensorView<T, D> view() { return {data(), shape_}; }
  TensorView<const T, D> view() const { return {data(), shape_}; }
  operator TensorView<T, D>() { return view(); }
  operator TensorView<const T, D>() const { return view(); }

 private:
  Shape shape_;
  Storage<T, D> storage_;
};

namespace ops {

/// The same values in memory that the processor reads: x itself or, from the GPU, a copy, when all that was started before is done.
template <class T, OnCpu D>
TensorView<const T, D> to_host(const TensorView<const T, D>& x) {
  return x;
}
template <class T>
Tensor<T, Cpu> to_host(const TensorView<const T, Gpu>& x);
template <class T, class D>
  requires(!std::is_const_v<T>)
auto to_host(const TensorView<T, D>& x) { return to_host(TensorView<const T, D>{x}); }
/// y = x, from the processor's memory to the GPU's. Throws ShapeError where sizes differ.
template <class T>
void upload(const TensorView<const T, Cpu>& x, const TensorView<T, Gpu>& y);

}  // namespace ops

template <class T>
using RowMajorMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A tensor as an Eigen matrix at no cost: its last extent gives the columns, the others together the rows.
/// A vector or a scalar is one row.
template <class T>
auto matrix(const TensorView<T, Cpu>& tensor) {
  using Matrix = std::conditional_t<std::is_const_v<T>, const RowMajorMatrix<std::remove_const_t<T>>, RowMajorMatrix<T>>;
  const Index columns = tensor.shape().rank() == 0 ? 1 : tensor.shape().back();
  return Eigen::Map<Matrix>(tensor.data(), columns == 0 ? 0 : tensor.size() / columns, columns);
}
template <class T>
auto matrix(Tensor<T, Cpu>& tensor) {
  return matrix(tensor.view());
}
template <class T>
auto matrix(const Tensor<T, Cpu>& tensor) {
  return matrix(tensor.view());
}

template <class T>
void matrix(const Tensor<T, Cpu>&&) = delete;  // the map would outlive a temporary

/// The elements of a tensor as one Eigen column array, at no cost.
template <class T>
auto array(const TensorView<T, Cpu>& tensor) {
  using Array = Eigen::Array<std::remove_const_t<T>, Eigen::Dynamic, 1>;
  return Eigen::Map<std::conditional_t<std::is_const_v<T>, const Array, Array>>(tensor.data(), tensor.size());
}
template <class T>
auto array(Tensor<T, Cpu>& tensor) {
  return array(tensor.view());
}
template <class T>
auto array(const Tensor<T, Cpu>& tensor) {
  return array(tensor.view());
}

template <class T>
void array(const Tensor<T, Cpu>&&) = delete;

}  // namespace tarn
