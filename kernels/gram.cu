/// Kernel matrices: the lower triangle of C = k(X, X) + noise, and k(X, Z) in full.
///
/// One block per tile of 64 x 64 pairs, tiles of the lower triangle only, one grid row per batch member. Floor for one triangle
/// of n points: n^2/2 (2d + 30) fp64 instructions or 4 n^2 bytes written, whichever takes longer (at d = 10 both weigh the
/// same). Test: tests/backend/gram_test.cpp.
#include "kernels/gram.hpp"

#include "kernels/covariance.cuh"
#include "kernels/launch.cuh"

namespace warpbo::backend {

namespace {

using namespace cuda;

struct GramArgs {
  CovarianceView covariance;
  ConstMatrix points;
  const double* noise_weights;  // null: ones
  double jitter;
  Matrix out;
  const std::int32_t* active;  // null: all members
  const LikelihoodData* data;  // null: all members have what stands above
  const std::int32_t* indices;
};

__global__ void __launch_bounds__(kPairThreads) gram_kernel(GramArgs args) {
  const std::int64_t member = blockIdx.y;
  if (args.active != nullptr && member >= *args.active) return;
  const TriangleTile tile = triangle_tile(blockIdx.x);
  const std::int64_t row = tile.row * kPairTile, column = tile.column * kPairTile;
  CovarianceView covariance = args.covariance.at_row(member);
  ConstMatrix points = args.points.member(member);
  const double* noise_weights = args.noise_weights;
  if (args.data != nullptr) {
    const LikelihoodData& own = args.data[args.indices[member]];
    covariance.categorical = own.categorical;
    points = own.points;
    noise_weights = own.noise_weights;
  }
  double squared[kPairsPerThread][kPairsPerThread];
  pair_squared_distances(block_shared<PairTiles>(), covariance, points, row, points, column, squared);
  const Matrix out = args.out.member(member);
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b) {
    const std::int64_t j = column + ty + kPairStride * b;
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) {
      const std::int64_t i = row + tx + kPairStride * a;
      if (i < j || i >= out.rows || j >= out.columns) continue;
      double value = math::covariance(covariance.family, squared[b][a]).value;
      if (i >= points.rows) {
        value = i == j ? 1.0 : 0.0;
      } else if (i == j) {
        value += covariance.noise() * (noise_weights != nullptr ? noise_weights[i] : 1.0) + args.jitter;
      }
      out.data[i + j * out.leading] = value;
    }
  }
}

struct CrossGramArgs {
  CovarianceView covariance;
  ConstMatrix left, right;
  Matrix out;
};

__global__ void __launch_bounds__(kPairThreads) cross_gram_kernel(CrossGramArgs args) {
  const std::int64_t row_tiles = (args.left.rows + kPairTile - 1) / kPairTile;
  const std::int64_t row = blockIdx.x % row_tiles * kPairTile, column = blockIdx.x / row_tiles * kPairTile;
  double squared[kPairsPerThread][kPairsPerThread];
  pair_squared_distances(block_shared<PairTiles>(), args.covariance, args.left, row, args.right, column, squared);
  const int tx = static_cast<int>(threadIdx.x) % kPairStride, ty = static_cast<int>(threadIdx.x) / kPairStride;
#pragma unroll
  for (int b = 0; b < kPairsPerThread; ++b)
#pragma unroll
    for (int a = 0; a < kPairsPerThread; ++a) {
      const std::int64_t i = row + tx + kPairStride * a, j = column + ty + kPairStride * b;
      if (i < args.out.rows && j < args.out.columns)
        args.out.data[i + j * args.out.leading] = math::covariance(args.covariance.family, squared[b][a]).value;
    }
}

}  // namespace

void cuda::fill_gram(CudaBackend& backend, const Gram& gram, const std::int32_t* active, const LikelihoodData* data,
                     const std::int32_t* indices) {
  const std::int64_t n = gram.points.rows, d = gram.points.columns, tiles = ceil_div(n, kPairTile);
  launch(
      backend, shape(tiles * (tiles + 1) / 2, kPairThreads, gram.out.batch), gram_kernel,
      GramArgs{covariance_view(gram.kernel, gram.theta, d), gram.points,
               gram.noise_weights.empty() ? nullptr : gram.noise_weights.data, gram.jitter, gram.out, active, data, indices});
}

void CudaBackend::run(const Gram& gram) {
  enter();
  cuda::fill_gram(*this, gram, nullptr);
}

void CudaBackend::run(const CrossGram& cross) {
  enter();
  const std::int64_t tiles = ceil_div(cross.left.rows, kPairTile) * ceil_div(cross.right.rows, kPairTile);
  launch(*this, shape(tiles, kPairThreads), cross_gram_kernel,
         CrossGramArgs{covariance_view(cross.kernel, cross.theta, cross.left.columns), cross.left, cross.right, cross.out});
}

}  // namespace warpbo::backend
