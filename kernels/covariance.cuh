/// Tiles of pairwise squared distances, the part that all kernels over pairs of points share.
///
/// A block of kPairThreads threads handles a tile of kPairTile x kPairTile pairs, each thread kPairsPerThread^2 of them: thread
/// t holds rows t % 16 + 16 a and columns t / 16 + 16 b, so that neighbouring threads touch neighbouring rows. Coordinates go
/// through shared memory in chunks of kPairChunk dimensions, scaled by 1/lengthscale as they are loaded: any number of
/// dimensions, and two fp64 instructions per pair and dimension.
#pragma once

#include "backend/kernel.hpp"
#include "kernels/shared.cuh"
#include "math/covariance.hpp"

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

namespace warpbo::backend::cuda {

inline constexpr int kPairTile = 64;
inline constexpr int kPairThreads = 256;
inline constexpr int kPairsPerThread = 4;
inline constexpr int kPairChunk = 16;
inline constexpr int kPairStride = kPairTile / kPairsPerThread;  // between the rows, and between the columns, of one thread

/// A covariance function with one vector of hyperparameters, as kernels take it (by value).
struct CovarianceView {
  math::KernelFamily family = math::KernelFamily::matern52;
  const std::uint8_t* categorical = nullptr;  ///< null: all numeric
  const double* theta = nullptr;              ///< log lengthscale of column k at theta[k * leading]; then log noise
  std::int64_t leading = 1;
  std::int64_t columns = 0;

  __device__ double inverse_lengthscale(std::int64_t k) const { return std::exp(-theta[k * leading]); }
  __device__ bool is_categorical(std::int64_t k) const { return categorical != nullptr && categorical[k] != 0; }
  __device__ double noise() const { return std::exp(theta[columns * leading]); }
  /// The same function with hyperparameters in row `row` of the matrix that `theta` points to.
  __device__ CovarianceView at_row(std::int64_t row) const {
    CovarianceView out = *this;
    out.theta += row;
    return out;
  }
};

/// For row 0 of theta.
[[nodiscard]] inline CovarianceView covariance_view(const KernelSpec& kernel, const ConstMatrix& theta, std::int64_t columns) {
  return {kernel.family, kernel.categorical.empty() ? nullptr : kernel.categorical.data, theta.data, theta.leading, columns};
}

/// What one dimension adds to r^2: `delta` is the difference of scaled coordinates; `level_weight` is 1/lengthscale^2 in a
/// categorical dimension and negative in a numeric one.
__device__ inline double squared_term(double delta, double level_weight) {
  return level_weight < 0 ? delta * delta : (delta != 0 ? level_weight : 0.0);
}

/// Scaled coordinates of one tile's rows and columns, and the level weights of the chunk's dimensions. In gradients the same
/// chunk is loaded again, so memory does not grow with the dimensions.
struct PairTiles {
  double rows[kPairChunk][kPairTile];
  double columns[kPairChunk][kPairTile];
  double scale[kPairChunk];
  double level_weight[kPairChunk];
};

/// Loads dimensions [first, first + kPairChunk) of the points from `row` in `left` and from `column` in `right`; zeros beyond
/// either end. All threads must call it; it begins and ends with a barrier.
__device__ inline void load_pair_tiles(PairTiles& tiles, const CovarianceView& covariance, const ConstMatrix& left,
                                       std::int64_t row, const ConstMatrix& right, std::int64_t column, std::int64_t first) {
  __syncthreads();
  if (threadIdx.x < kPairChunk) {
    const std::int64_t k = first + threadIdx.x;
    const double scale = k < covariance.columns ? covariance.inverse_lengthscale(k) : 0.0;
    tiles.scale[threadIdx.x] = scale;
    tiles.level_weight[threadIdx.x] = k < covariance.columns && covariance.is_categorical(k) ? scale * scale : -1.0;
  }
  __syncthreads();
  for (int at = static_cast<int>(threadIdx.x); at < kPairChunk * kPairTile; at += kPairThreads) {
    const int chunk = at / kPairTile, offset = at % kPairTile;
    const std::int64_t k = first + chunk, i = row + offset, j = column + offset;
    const double scale = tiles.scale[chunk];
    tiles.rows[chunk][offset] = k < covariance.columns && i < left.rows ? scale * left.data[i + k * left.leading] : 0.0;
    tiles.columns[chunk][offset] = k < covariance.columns && j < right.rows ? scale * right.data[j + k * right.leading] : 0.0;
  }
  __syncthreads();
}

/// r^2 of this thread's pairs of the tile that begins at (row, column): squared[b][a] belongs to row
/// row + threadIdx.x % 16 + 16 a and column column + threadIdx.x / 16 + 16 b. Pairs beyond either end hold numbers without
/// meaning.
__device__ inline void pair_squared_distances(PairTiles& tiles, const CovarianceView& covariance, const ConstMatrix& left,
                                              std::int64_t row, const ConstMatrix& right, std::int64_t column,
                                              double (&squared)[kPairsPerThread][kPairsPerThread]) {
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) squared[b][a] = 0;
  for (std::int64_t first = 0; first < covariance.columns; first += kPairChunk) {
    load_pair_tiles(tiles, covariance, left, row, right, column, first);
    for (int k = 0; k < kPairChunk; ++k) {
      const double weight = tiles.level_weight[k];
#pragma unroll
      for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
        for (int a = 0; a < kPairsPerThread; ++a)
          squared[b][a] += squared_term(tiles.rows[k][tx + kPairStride * a] - tiles.columns[k][ty + kPairStride * b], weight);
    }
  }
}

/// Tile (row, column) number `index` of the lower triangle of a square of tiles, counted row by row.
struct TriangleTile {
  std::int64_t row, column;
};
__device__ inline TriangleTile triangle_tile(std::int64_t index) {
  auto row = static_cast<std::int64_t>((std::sqrt(8.0 * static_cast<double>(index) + 1.0) - 1.0) / 2.0);
  while ((row + 1) * (row + 2) / 2 <= index) ++row;
  while (row * (row + 1) / 2 > index) --row;
  return {row, index - row * (row + 1) / 2};
}

}  // namespace warpbo::backend::cuda
