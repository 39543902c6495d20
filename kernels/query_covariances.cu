/// Covariances of a tile of queries with all points and, for gradients, their derivatives with respect to r^2.
///
/// One thread per point, kOthers queries per block of 128 points (query_distances.cuh): one query for few queries, so that all
/// multiprocessors have something to do, eight for many, so that a coordinate is loaded once for eight pairs. Writes are along
/// the points. Floor: 8 n c bytes written per matrix (16 with slopes) or n c (2 d + 30) fp64 instructions. n = 1000, c = 20,
/// d = 10: 1.2e6 instructions are 0.1 us; what takes the time is one chain of loads (theta, coordinates: 2 x 0.4 us), an
/// exponential and a Matern: about 1.5 us. n = 10,000, c = 1638: 131 MB, 50 us. Test: tests/backend/posterior_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/query_distances.cuh"
#include "kernels/query_tile.hpp"

namespace warpbo::backend::cuda {

namespace {

constexpr int kManyOthers = 8;

struct CovarianceArgs {
  CovarianceView covariance;
  ConstMatrix points, queries;
  Matrix out;
  double* slope;  // same shape as `out`, or null
  QueryRows rows;
};

template <int kOthers>
__global__ void __launch_bounds__(kStripThreads) query_covariance_kernel(CovarianceArgs args) {
  const std::int64_t strips = (args.points.rows + kStripThreads - 1) / kStripThreads;
  const std::int64_t i = blockIdx.x % strips * kStripThreads + threadIdx.x, first = blockIdx.x / strips * kOthers;
  const std::int64_t used = args.rows.used();
  if (first >= used) return;
  double squared[kOthers];
  strip_squared_distances(args.covariance, args.points, i, args.queries, first, squared);
  if (i >= args.points.rows) return;
#pragma unroll
  for (int o = 0; o < kOthers; ++o) {
    if (first + o >= used) break;
    const math::CovarianceValue k = math::covariance(args.covariance.family, squared[o]);
    const std::int64_t at = i + (first + o) * args.out.leading;
    args.out.data[at] = k.value;
    if (args.slope != nullptr) args.slope[at] = k.slope;
  }
}

template <int kOthers>
void launch_covariances(CudaBackend& backend, const CovarianceArgs& args) {
  const std::int64_t blocks = ceil_div(args.points.rows, kStripThreads) * ceil_div(args.queries.rows, kOthers);
  launch(backend, shape(blocks, kStripThreads), query_covariance_kernel<kOthers>, args);
}

}  // namespace

void QueryTile::covariances(bool slopes) {
  covariance_ = take();
  if (slopes) slope_ = take();
  const CovarianceArgs args{covariance_view(model_.kernel, model_.theta, queries_.columns),
                            model_.points,
                            queries_,
                            covariance_,
                            slopes ? slope_.data : nullptr,
                            rows_};
  if (few_queries(backend_, rows_.count))
    launch_covariances<1>(backend_, args);
  else
    launch_covariances<kManyOthers>(backend_, args);
}

}  // namespace warpbo::backend::cuda
