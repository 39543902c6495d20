/// Products of tiles in double precision, on the vector units: the inner part of every kernel here that multiplies matrices.
///
/// A block of kTileThreads threads computes a tile of kTileSide * kPer rows and as many columns of op(A) op(B). Thread t holds
/// rows t % 16 + 16 a and columns t / 16 + 16 b: the elements that the same thread of kernels/covariance.cuh has. The inner
/// dimension passes through shared memory in chunks of kTileDepth; while one chunk is multiplied the next one is on its way
/// into registers, and the two buffers take turns, so a chunk costs one barrier. The leading dimension of the buffers is odd:
/// neither orientation meets a bank conflict, in writing or in reading.
///
/// kPer = 4 (64 x 64): 2 fused multiply-adds per number read from shared memory. kPer = 2 (32 x 32): half that, but four times
/// as many blocks where there are too few to fill the device.
#pragma once

#include "backend/views.hpp"
#include "kernels/shared.cuh"

#include <cuda_runtime.h>

#include <cstdint>

namespace warpbo::backend::cuda {

inline constexpr int kTileThreads = 256;
inline constexpr int kTileSide = 16;
inline constexpr int kTileDepth = 16;
static_assert(kTileThreads == kTileSide * kTileSide && kTileDepth == kTileSide);

/// Where the inner dimension of the product runs in a stored matrix: along its rows or down its columns. A is stored as it is
/// (across) or transposed (down), B as it is (down) or transposed (across).
enum class Inner { across, down };

/// One side of a product.
struct TileOperand {
  ConstMatrix matrix;
  bool lower = false;  ///< only elements with row >= column are read; the others count as 0
};

template <int kPer>
struct TileBuffers {
  static constexpr int kTile = kTileSide * kPer;
  static constexpr int kLeading = kTile + 1;
  double left[2][kTileDepth * kLeading];
  double right[2][kTileDepth * kLeading];
};

/// Row of the tile (column of the right side's tile) of this thread's element number `index`.
__device__ inline int tile_row(int index) { return static_cast<int>(threadIdx.x) % kTileSide + kTileSide * index; }
__device__ inline int tile_column(int index) { return static_cast<int>(threadIdx.x) / kTileSide + kTileSide * index; }

/// What one thread brings of each chunk of an operand.
template <Inner kInner, int kPer>
class TileLoader {
 public:
  /// The elements whose outer index is first, first + 1, ... and whose inner index is from `inner` on and below `end`.
  __device__ void fetch(const TileOperand& operand, std::int64_t first, std::int64_t inner, std::int64_t end) {
    const ConstMatrix& matrix = operand.matrix;
#pragma unroll
    for (int q = 0; q < kPer; ++q) {
      const std::int64_t o = first + outer(q), k = inner + depth(q);
      const std::int64_t row = kInner == Inner::across ? o : k, column = kInner == Inner::across ? k : o;
      const bool inside = k < end && row < matrix.rows && column < matrix.columns && (!operand.lower || row >= column);
      value_[q] = inside ? matrix.data[row + column * matrix.leading] : 0.0;
    }
  }
  __device__ void store(double* buffer) const {
#pragma unroll
    for (int q = 0; q < kPer; ++q) buffer[depth(q) * TileBuffers<kPer>::kLeading + outer(q)] = value_[q];
  }

 private:
  // Neighbouring threads take neighbouring addresses.
  static constexpr int kTile = kTileSide * kPer;
  __device__ static int outer(int q) {
    const int t = static_cast<int>(threadIdx.x);
    return kInner == Inner::across ? t % kTile : t / kTileDepth + kTileThreads / kTileDepth * q;
  }
  __device__ static int depth(int q) {
    const int t = static_cast<int>(threadIdx.x);
    return kInner == Inner::across ? t / kTile + kTileThreads / kTile * q : t % kTileDepth;
  }

  double value_[kPer];
};

template <int kPer>
__device__ inline void clear_tile(double (&sum)[kPer][kPer]) {
#pragma unroll
  for (int b = 0; b < kPer; ++b)
#pragma unroll
    for (int a = 0; a < kPer; ++a) sum[b][a] = 0;
}

/// sum[b][a] += the sum over inner indices in [begin, end) of left(row + tile_row(a), k) right(k, column + tile_column(b)).
/// Elements beyond the edges of the operands count as 0. All threads of the block must call it; nobody may be using the buffers
/// when it begins, and nobody is when it ends.
template <Inner kLeft, Inner kRight, int kPer>
__device__ inline void tile_product(TileBuffers<kPer>& buffers, const TileOperand& left, std::int64_t row,
                                    const TileOperand& right, std::int64_t column, std::int64_t begin, std::int64_t end,
                                    double (&sum)[kPer][kPer]) {
  constexpr int kLeading = TileBuffers<kPer>::kLeading;
  if (begin >= end) return;
  TileLoader<kLeft, kPer> left_loader;
  TileLoader<kRight, kPer> right_loader;
  left_loader.fetch(left, row, begin, end);
  right_loader.fetch(right, column, begin, end);
  left_loader.store(buffers.left[0]);
  right_loader.store(buffers.right[0]);
  __syncthreads();
  int current = 0;
  for (std::int64_t inner = begin; inner < end; inner += kTileDepth) {
    const bool more = inner + kTileDepth < end;
    if (more) {
      left_loader.fetch(left, row, inner + kTileDepth, end);
      right_loader.fetch(right, column, inner + kTileDepth, end);
    }
    const double* rows = buffers.left[current];
    const double* columns = buffers.right[current];
#pragma unroll 8
    for (int k = 0; k < kTileDepth; ++k) {
      double a_values[kPer], b_values[kPer];
#pragma unroll
      for (int q = 0; q < kPer; ++q) {
        a_values[q] = rows[k * kLeading + tile_row(q)];
        b_values[q] = columns[k * kLeading + tile_column(q)];
      }
#pragma unroll
      for (int b = 0; b < kPer; ++b)
#pragma unroll
        for (int a = 0; a < kPer; ++a) sum[b][a] += a_values[a] * b_values[b];
    }
    current = 1 - current;
    if (more) {
      left_loader.store(buffers.left[current]);
      right_loader.store(buffers.right[current]);
    }
    __syncthreads();
  }
}

}  // namespace warpbo::backend::cuda
