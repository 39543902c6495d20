/// Moments from a tile's covariances K and whitened columns V.
///
/// moments: one warp per query goes down its columns; mean of a single sample and variance in one pass. Floor: 16 n c bytes
/// read (8 without the mean): n = 10,000, c = 1638: 262 MB, 87 us beside 2.8 ms for V itself.
///
/// means, for S samples and few queries: one warp per sample and two queries, so 2 ceil(S / 4) ceil(c / 2) warps read
/// weights and covariances from L2. n = 1000, S = 64, c = 20: 160 blocks, 48 KB each at 64 bytes a cycle, about 1 us. For many
/// queries it is a product of matrices. Test: tests/backend/posterior_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/query_tile.hpp"
#include "kernels/reduce.cuh"

namespace warpbo::backend::cuda {

namespace {

constexpr int kMomentThreads = 256;
constexpr int kMeanThreads = 128;
constexpr int kMeanQueries = 2;

struct MomentArgs {
  std::int64_t n;
  ConstMatrix covariance;  // n x c, or empty: no mean wanted
  ConstMatrix whitened;    // n x c, or empty: no variance wanted
  const double* weights;   // null: no mean wanted, or no samples
  double mean, outputscale;
  double* mean_out;
  double* variance_out;
  QueryRows rows;
};

__global__ void __launch_bounds__(kMomentThreads) query_moments_kernel(MomentArgs args) {
  const std::int64_t q = static_cast<std::int64_t>(blockIdx.x) * (kMomentThreads / kWarp) + warp();
  if (q >= args.rows.used()) return;
  double product = 0, explained = 0;
#pragma unroll 4
  for (std::int64_t i = lane(); i < args.n; i += kWarp) {
    if (args.weights != nullptr) product += args.covariance.data[i + q * args.covariance.leading] * args.weights[i];
    const double v = args.variance_out != nullptr ? args.whitened.data[i + q * args.whitened.leading] : 0.0;
    explained += v * v;
  }
  product = warp_sum(product);
  explained = warp_sum(explained);
  if (lane() > 0) return;
  const double rest = 1 - explained;
  if (args.mean_out != nullptr) args.mean_out[q] = args.mean + args.outputscale * product;
  // A NaN stays a NaN.
  if (args.variance_out != nullptr) args.variance_out[q] = args.outputscale * (rest < 0 ? 0.0 : rest);
}

struct MeanArgs {
  ConstMatrix covariance;  // n x c
  ConstMatrix weights;     // n x S
  double mean, outputscale;
  Matrix out;  // c x S
  QueryRows rows;
};

__global__ void __launch_bounds__(kMeanThreads) query_means_kernel(MeanArgs args) {
  const std::int64_t pairs = (args.rows.count + kMeanQueries - 1) / kMeanQueries;
  const std::int64_t q = blockIdx.x % pairs * kMeanQueries, used = args.rows.used();
  const std::int64_t s = blockIdx.x / pairs * (kMeanThreads / kWarp) + warp();
  if (q >= used || s >= args.out.columns) return;
  const double* weights = args.weights.data + s * args.weights.leading;
  const double* first = args.covariance.data + q * args.covariance.leading;
  const double* second = q + 1 < used ? first + args.covariance.leading : first;
  double sums[kMeanQueries] = {};
#pragma unroll 8
  for (std::int64_t i = lane(); i < args.weights.rows; i += kWarp) {
    const double weight = weights[i];
    sums[0] += weight * first[i];
    sums[1] += weight * second[i];
  }
#pragma unroll
  for (int j = 0; j < kMeanQueries; ++j) {
    const double sum = warp_sum(sums[j]);
    if (lane() == 0 && q + j < used) args.out.data[q + j + s * args.out.leading] = args.mean + args.outputscale * sum;
  }
}

__global__ void __launch_bounds__(kMomentThreads) copy_whitened_kernel(ConstMatrix from, Matrix to, QueryRows rows) {
  const std::int64_t q = static_cast<std::int64_t>(blockIdx.x) * (kMomentThreads / kWarp) + warp();
  if (q >= rows.used()) return;
  for (std::int64_t i = lane(); i < to.rows; i += kWarp) to.data[i + q * to.leading] = from.data[i + q * from.leading];
}

[[nodiscard]] Shape warp_per_query(std::int64_t queries) {
  return shape(ceil_div(queries, kMomentThreads / kWarp), kMomentThreads);
}

}  // namespace

void QueryTile::moments(double* mean, double* variance) {
  if (mean == nullptr && variance == nullptr) return;
  const double* weights = mean != nullptr && !model_.weights.empty() ? model_.weights.data : nullptr;
  launch(
      backend_, warp_per_query(rows_.count), query_moments_kernel,
      MomentArgs{model_.points.rows, covariance_, whitened_, weights, model_.mean, model_.outputscale, mean, variance, rows_});
}

void QueryTile::means(const Matrix& out, bool only_used) {
  const ConstMatrix weights = model_.weights.block(0, 0, model_.points.rows, out.columns);
  if (out.columns == 0) return;
  if (few_queries(backend_, rows_.count) || only_used || weights.rows == 0) {
    const std::int64_t blocks = ceil_div(rows_.count, kMeanQueries) * ceil_div(out.columns, kMeanThreads / kWarp);
    launch(backend_, shape(blocks, kMeanThreads), query_means_kernel,
           MeanArgs{covariance_, weights, model_.mean, model_.outputscale, out, rows_});
    return;
  }
  backend_.fill(out, model_.mean);
  backend_.run(Multiply{covariance_, true, false, weights, false, model_.outputscale, 1, out});
}

void QueryTile::copy_whitened(const Matrix& out) {
  launch(backend_, warp_per_query(rows_.count), copy_whitened_kernel, whitened_, out, rows_);
}

}  // namespace warpbo::backend::cuda
