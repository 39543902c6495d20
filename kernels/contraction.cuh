/// One 64 x 64 tile of the weights W of a likelihood's gradient, contracted with what every dimension adds to r^2.
///
/// Threads and pairs as in covariance.cuh: thread t holds rows t % 16 + 16 a and columns t / 16 + 16 b.
#pragma once

#include "kernels/likelihood.cuh"
#include "kernels/reduce.cuh"
#include "kernels/tile_product.cuh"

namespace warpbo::backend::cuda {

using PairBlock = double[kPairsPerThread][kPairsPerThread];  // [b][a]

/// Shared memory of the two stages, one after the other.
union ContractionMemory {
  TileBuffers<kPairsPerThread> product;
  PairTiles pairs;
};

/// precision = the tile of C^-1 = T'T that begins at (row, column), row >= column, with T = L^-1 (n x n, lower).
__device__ inline void precision_tile(TileBuffers<kPairsPerThread>& buffers, const ConstMatrix& inverse, std::int64_t row,
                                      std::int64_t column, PairBlock& precision) {
  static_assert(kTileThreads == kPairThreads && kTileSide == kPairStride);  // the same thread has the same elements
  const TileOperand operand{inverse, true};
  clear_tile(precision);
  tile_product<Inner::down, Inner::down>(buffers, operand, row, operand, column, row, inverse.rows, precision);
}

/// precision = the tile of the matrix C^-1, zeros beyond its end.
__device__ inline void load_precision_tile(const ConstMatrix& matrix, std::int64_t row, std::int64_t column,
                                           PairBlock& precision) {
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) {
      const std::int64_t i = row + tx + kPairStride * a, j = column + ty + kPairStride * b;
      precision[b][a] = i < matrix.rows && j < matrix.columns ? matrix.data[i + j * matrix.leading] : 0.0;
    }
}

/// precision -> W dk/dr^2 below the diagonal of a member's n points, 0 elsewhere. Returns this thread's part of the trace of W
/// times the noise weights. `alpha` = C^-1 (y - mean).
__device__ inline double weigh_tile(const LikelihoodArgs& args, std::int64_t member, std::int64_t n, const double* alpha,
                                    double outputscale, std::int64_t row, std::int64_t column, const PairBlock& squared,
                                    PairBlock& precision) {
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
  const double scale = 1 / outputscale;
  double trace = 0;
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b) {
    const std::int64_t j = column + ty + kPairStride * b;
    const double scaled = j < n ? alpha[j] * scale : 0.0;
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) {
      const std::int64_t i = row + tx + kPairStride * a;
      const double weight = i < n ? 0.5 * (precision[b][a] - alpha[i] * scaled) : 0.0;
      if (i == j && i < n) trace += weight * args.noise_weight(member, i);
      precision[b][a] = i > j && i < n ? weight * math::covariance(args.covariance.family, squared[b][a]).slope : 0.0;
    }
  }
  return trace;
}

struct TilePartials {
  double value[kPairChunk][kPairThreads / kWarp];
};

/// sums[k] = sum over the tile's pairs of weights times what dimension k adds to r^2, for all dimensions. `tiles` still holds
/// the last chunk that pair_squared_distances has loaded.
__device__ inline void contract_tile(PairTiles& tiles, const CovarianceView& covariance, const ConstMatrix& points,
                                     std::int64_t row, std::int64_t column, const PairBlock& weights, double* sums) {
  TilePartials& partial = block_shared<TilePartials>();
  const int t = static_cast<int>(threadIdx.x), tx = t % kPairStride, ty = t / kPairStride;
  for (std::int64_t first = 0; first < covariance.columns; first += kPairChunk) {
    if (covariance.columns > kPairChunk) load_pair_tiles(tiles, covariance, points, row, points, column, first);
    for (int k = 0; k < kPairChunk && first + k < covariance.columns; ++k) {
      const double level_weight = tiles.level_weight[k];
      double sum[kPairsPerThread] = {};
#pragma unroll
      for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
        for (int a = 0; a < kPairsPerThread; ++a)
          sum[b] += weights[b][a] *
                    squared_term(tiles.rows[k][tx + kPairStride * a] - tiles.columns[k][ty + kPairStride * b], level_weight);
      const double total = warp_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
      if (lane() == 0) partial.value[k][warp()] = total;
    }
    __syncthreads();
    if (t < kPairChunk && first + t < covariance.columns) {
      double sum = 0;
      for (int w = 0; w < kPairThreads / kWarp; ++w) sum += partial.value[t][w];
      sums[first + t] = sum;
    }
    __syncthreads();
  }
}

}  // namespace warpbo::backend::cuda
