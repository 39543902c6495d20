/// Squared distances of one point per thread to a few others in shared memory: for kernels whose pairs lie in narrow strips.
///
/// Neighbouring threads read neighbouring points; the others are read by all threads at once. Coordinates go by in chunks of
/// kStripChunk dimensions, scaled by 1/lengthscale: any number of dimensions, two fp64 instructions per pair and dimension.
/// (For square tiles see covariance.cuh.)
#pragma once

#include "kernels/covariance.cuh"

namespace warpbo::backend::cuda {

inline constexpr int kStripThreads = 128;
inline constexpr int kStripChunk = 16;

template <int kOthers>
struct StripChunk {
  alignas(16) double others[kStripChunk][kOthers];
  double scale[kStripChunk];
  double level_weight[kStripChunk];  // 1/lengthscale^2 of a categorical dimension, negative for a numeric one
};

/// r^2 between point `row` of `own` and points first, ..., first + kOthers - 1 of `others`; without meaning where either does
/// not exist. All kStripThreads threads must call it; it contains barriers.
template <int kOthers>
__device__ inline void strip_squared_distances(const CovarianceView& covariance, const ConstMatrix& own, std::int64_t row,
                                               const ConstMatrix& others, std::int64_t first, double (&squared)[kOthers]) {
  auto& chunk = block_shared<StripChunk<kOthers>>();
#pragma unroll
  for (int o = 0; o < kOthers; ++o) squared[o] = 0;
  for (std::int64_t begin = 0; begin < covariance.columns; begin += kStripChunk) {
    const int count = static_cast<int>(covariance.columns - begin < kStripChunk ? covariance.columns - begin : kStripChunk);
    // On their way while the scales are computed.
    double coordinate[kStripChunk];
#pragma unroll
    for (int c = 0; c < kStripChunk; ++c)
      coordinate[c] = c < count && row < own.rows ? own.data[row + (begin + c) * own.leading] : 0.0;
    __syncthreads();
    for (int at = static_cast<int>(threadIdx.x); at < count * kOthers; at += kStripThreads) {
      const int c = at / kOthers, o = at % kOthers;
      const double scale = covariance.inverse_lengthscale(begin + c);
      chunk.others[c][o] = first + o < others.rows ? scale * others.data[first + o + (begin + c) * others.leading] : 0.0;
      if (o > 0) continue;
      chunk.scale[c] = scale;
      chunk.level_weight[c] = covariance.is_categorical(begin + c) ? scale * scale : -1.0;
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kStripChunk; ++c) {
      if (c >= count) break;
      const double x = coordinate[c] * chunk.scale[c], level_weight = chunk.level_weight[c];
      if (level_weight < 0) {
#pragma unroll
        for (int o = 0; o < kOthers; ++o) {
          const double delta = x - chunk.others[c][o];
          squared[o] += delta * delta;
        }
      } else {
#pragma unroll
        for (int o = 0; o < kOthers; ++o) squared[o] += x != chunk.others[c][o] ? level_weight : 0.0;
      }
    }
  }
}

}  // namespace warpbo::backend::cuda
