/// Non-owning views of a backend's memory. The host must not dereference them unless the backend is the CPU's own code.
///
/// All matrices are column-major. A batch is a sequence of equally shaped matrices `stride` elements apart; stride 0 means that
/// every member is the same matrix (many hyperparameter vectors over one data set).
#pragma once

#include "math/host_device.hpp"

#include <cstdint>
#include <type_traits>

namespace warpbo::backend {

template <class T>
struct VectorView {
  T* data = nullptr;
  std::int64_t size = 0;

  [[nodiscard]] WARPBO_HD bool empty() const noexcept { return size == 0; }
  template <class Const>
  requires(std::is_same_v<Const, const T> && !std::is_const_v<T>) WARPBO_HD operator VectorView<Const>() const noexcept {
    return {data, size};
  }
};

template <class T>
struct MatrixView {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t leading = 0;  ///< distance between columns, >= rows
  std::int64_t batch = 1;
  std::int64_t stride = 0;  ///< distance between batch members

  [[nodiscard]] WARPBO_HD bool empty() const noexcept { return data == nullptr || rows == 0 || columns == 0; }
  /// One member of the batch.
  [[nodiscard]] WARPBO_HD MatrixView member(std::int64_t index) const noexcept {
    return {data + index * stride, rows, columns, leading, 1, 0};
  }
  /// The sub-matrix that begins at (row, column), in every member.
  [[nodiscard]] WARPBO_HD MatrixView block(std::int64_t row, std::int64_t column, std::int64_t block_rows,
                                           std::int64_t block_columns) const noexcept {
    return {data + row + column * leading, block_rows, block_columns, leading, batch, stride};
  }
  template <class Const>
  requires(std::is_same_v<Const, const T> && !std::is_const_v<T>) WARPBO_HD operator MatrixView<Const>() const noexcept {
    return {data, rows, columns, leading, batch, stride};
  }
};

using Vector = VectorView<double>;
using ConstVector = VectorView<const double>;
using Matrix = MatrixView<double>;
using ConstMatrix = MatrixView<const double>;

}  // namespace warpbo::backend
