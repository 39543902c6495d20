/// One 64 x 64 tile of the weights W of a likelihood's gradient, contracted with what every dimension adds to r^2.
///
/// Threads and pairs as in covariance.cuh: thread t holds rows t % 16 + 16 a and columns t / 16 + 16 b.
#pragma once

#include "kernels/likelihood.cuh"
#include "kernels/reduce.cuh"

namespace warpbo::backend::cuda {

using PairBlock = double[kPairsPerThread][kPairsPerThread];  // [b][a]

struct PrecisionTiles {
  double left[kPairChunk][kPairTile + 1];
  double right[kPairChunk][kPairTile + 1];
};

/// precision = the tile of C^-1 = T'T that begins at (row, column), row >= column, with T = L^-1 (n x n, lower; what stands
/// above its diagonal is not used). The sum runs over the rows of T from `row` on; the next chunk of them is on its way from
/// memory while this one is multiplied.
__device__ inline void precision_tile(const ConstMatrix& inverse, std::int64_t row, std::int64_t column, PairBlock& precision) {
  PrecisionTiles& tiles = block_shared<PrecisionTiles>();
  const int t = static_cast<int>(threadIdx.x), tx = t % kPairStride, ty = t / kPairStride;
  constexpr int kLoads = kPairChunk * kPairTile / kPairThreads;
  static_assert(kPairChunk == kPairStride);
  double left[kLoads], right[kLoads];
  // Element (depth + tx, ty + 16 l) of both operands: neighbouring threads read neighbouring rows.
  const auto load = [&](std::int64_t depth) {
    const std::int64_t k = depth + tx;
#pragma unroll
    for (int l = 0; l < kLoads; ++l) {
      const std::int64_t i = row + ty + kPairStride * l, j = column + ty + kPairStride * l;
      left[l] = k < inverse.rows && i <= k ? inverse.data[k + i * inverse.leading] : 0.0;
      right[l] = k < inverse.rows && j <= k ? inverse.data[k + j * inverse.leading] : 0.0;
    }
  };
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) precision[b][a] = 0;
  load(row);
  for (std::int64_t depth = row; depth < inverse.rows; depth += kPairChunk) {
    __syncthreads();
#pragma unroll
    for (int l = 0; l < kLoads; ++l) {
      tiles.left[tx][ty + kPairStride * l] = left[l];
      tiles.right[tx][ty + kPairStride * l] = right[l];
    }
    __syncthreads();
    load(depth + kPairChunk);
#pragma unroll 4
    for (int k = 0; k < kPairChunk; ++k) {
      double rows[kPairsPerThread], columns[kPairsPerThread];
#pragma unroll
      for (int a = 0; a < kPairsPerThread; ++a) rows[a] = tiles.left[k][tx + kPairStride * a];
#pragma unroll
      for (int b = 0; b < kPairsPerThread; ++b) columns[b] = tiles.right[k][ty + kPairStride * b];
#pragma unroll
      for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
        for (int a = 0; a < kPairsPerThread; ++a) precision[b][a] += rows[a] * columns[b];
    }
  }
}

/// precision = the tile of the matrix C^-1, zeros beyond its end.
__device__ inline void load_precision_tile(const ConstMatrix& matrix, std::int64_t row, std::int64_t column, PairBlock& precision) {
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) {
      const std::int64_t i = row + tx + kPairStride * a, j = column + ty + kPairStride * b;
      precision[b][a] = i < matrix.rows && j < matrix.columns ? matrix.data[i + j * matrix.leading] : 0.0;
    }
}

/// precision -> W dk/dr^2 below the diagonal, 0 elsewhere. Returns this thread's part of the trace of W times the noise
/// weights. `alpha` = C^-1 (y - mean).
__device__ inline double weigh_tile(const LikelihoodArgs& args, const double* alpha, double outputscale, std::int64_t row,
                                    std::int64_t column, const PairBlock& squared, PairBlock& precision) {
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
  const std::int64_t n = args.points.rows;
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
      if (i == j && i < n) trace += weight * args.noise_weight(i);
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
