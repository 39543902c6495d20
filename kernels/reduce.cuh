/// Reductions within a warp and within a block: the only file that uses warp operations. Every function must be reached by all
/// threads of the warp or block; block sizes are multiples of 32. The order of every sum is fixed, so results repeat bit for
/// bit.
#pragma once

#include "kernels/shared.cuh"

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

namespace warpbo::backend::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kFullMask = 0xffffffffu;

/// Where a thread stands in a one-dimensional block.
__device__ inline int lane() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ inline int warp() { return static_cast<int>(threadIdx.x) / kWarp; }
__device__ inline int warps() { return static_cast<int>(blockDim.x) / kWarp; }

/// The sum over the warp, in every lane.
__device__ inline double warp_sum(double value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(kFullMask, value, offset);
  return value;
}

/// The sums over the warp of kCount values (a power of 2) at once, by half of them less in every exchange: lane l ends with the
/// sums number l * kCount / 32, ... in values[0], ...; with fewer than 32 values, neighbouring lanes hold the same sum.
template <int kCount>
__device__ inline void warp_share_sums(double (&values)[kCount]) {
  int count = kCount;
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const bool upper = (lane() & offset) != 0;
    if (count > 1) {
      count /= 2;
#pragma unroll
      for (int i = 0; i < kCount / 2; ++i)
        if (i < count) {
          const double sent = upper ? values[i] : values[i + count], kept = upper ? values[i + count] : values[i];
          values[i] = kept + __shfl_xor_sync(kFullMask, sent, offset);
        }
    } else {
      values[0] += __shfl_xor_sync(kFullMask, values[0], offset);
    }
  }
}

/// The largest over the warp, in every lane; NaN counts as smallest.
__device__ inline double warp_max(double value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value = fmax(value, __shfl_xor_sync(kFullMask, value, offset));
  return value;
}

/// The value that lane `source` holds, in every lane.
__device__ inline double warp_broadcast(double value, int source) { return __shfl_sync(kFullMask, value, source); }

/// What one lane has written, the others may read afterwards.
__device__ inline void warp_sync() { __syncwarp(kFullMask); }

/// How many lanes below this one hold `true`, and in `total` how many of the warp do.
__device__ inline int warp_rank(bool flag, int& total) {
  const unsigned votes = __ballot_sync(kFullMask, flag);
  total = __popc(votes);
  return __popc(votes & ((1u << lane()) - 1u));
}

struct BlockCounts {
  int value[kWarp];
};

/// How many threads below this one hold `true`, and in `total` how many of the block do. Contains barriers; may be called again
/// at once.
__device__ inline int block_rank(bool flag, int& total) {
  BlockCounts& counts = block_shared<BlockCounts>();
  int own = 0;
  const int rank = warp_rank(flag, own);
  if (lane() == 0) counts.value[warp()] = own;
  __syncthreads();
  int before = 0;
  total = 0;
  for (int w = 0; w < warps(); ++w) {
    if (w < warp()) before += counts.value[w];
    total += counts.value[w];
  }
  __syncthreads();
  return before + rank;
}

struct BlockPartials {
  double value[kWarp];
};

/// The sum over the block, in every thread. Contains barriers; may be called again at once.
__device__ inline double block_sum(double value) {
  BlockPartials& partial = block_shared<BlockPartials>();
  value = warp_sum(value);
  if (lane() == 0) partial.value[warp()] = value;
  __syncthreads();
  value = warp_sum(lane() < warps() ? partial.value[lane()] : 0.0);
  __syncthreads();
  return value;
}

/// Several sums over the block at once, in every thread: the latency of one. Contains barriers; may be called again at once.
template <int kCount>
struct BlockPartialSums {
  double value[kCount][kWarp];
};
template <int kCount>
__device__ inline void block_sums(double (&values)[kCount]) {
  BlockPartialSums<kCount>& partial = block_shared<BlockPartialSums<kCount>>();
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
#pragma unroll
    for (int i = 0; i < kCount; ++i) values[i] += __shfl_xor_sync(kFullMask, values[i], offset);
#pragma unroll
  for (int i = 0; i < kCount; ++i)
    if (lane() == 0) partial.value[i][warp()] = values[i];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kCount; ++i) values[i] = lane() < warps() ? partial.value[i][lane()] : 0.0;
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
#pragma unroll
    for (int i = 0; i < kCount; ++i) values[i] += __shfl_xor_sync(kFullMask, values[i], offset);
  __syncthreads();
}

/// The largest over the block, in every thread; NaN counts as smallest.
__device__ inline double block_max(double value) {
  BlockPartials& partial = block_shared<BlockPartials>();
  value = warp_max(value);
  if (lane() == 0) partial.value[warp()] = value;
  __syncthreads();
  value = warp_max(lane() < warps() ? partial.value[lane()] : -INFINITY);
  __syncthreads();
  return value;
}

}  // namespace warpbo::backend::cuda
