/// Posterior moments at many queries, in tiles of bounded memory (kernels/query_tile.hpp).
///
/// Floor of means and variances: the product V = L^-1 K, n^2 m flops (n = 10,000, m = 1e5: 149 ms at 66.9 TF); around it each
/// tile writes K once, reads it twice and V once, 32 n m bytes in all (10.7 ms). Means alone are computed without storing K:
/// one thread per query goes through the points, eight at a time from shared memory, n m (2 d + 30) fp64 instructions (3.0 ms).
/// Few queries share the points out among several blocks, whose sums a second kernel adds in order. Test:
/// tests/backend/posterior_test.cpp.
#include "kernels/launch.cuh"
#include "kernels/query_distances.cuh"
#include "kernels/query_tile.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kPointsAtOnce = 16;
constexpr std::int64_t kPointsPerPart = 256;  // at least
constexpr std::int64_t kBlocksPerProcessor = 8;
constexpr int kSumThreads = 128;

struct MeanOnlyArgs {
  CovarianceView covariance;
  ConstMatrix points, queries;
  const double* weights;
  std::int64_t part;  // points per part, a multiple of kPointsAtOnce
  Matrix sums;        // m x parts
  QueryRows rows;
};

/// sums(q, p) = sum of k(x_q, x_i) w_i over the points of part p = blockIdx.y.
__global__ void __launch_bounds__(kStripThreads) mean_only_kernel(MeanOnlyArgs args) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kStripThreads, q = first + threadIdx.x;
  if (first >= args.rows.used()) return;
  const std::int64_t begin = blockIdx.y * args.part, n = args.points.rows;
  const std::int64_t end = begin + args.part < n ? begin + args.part : n;
  double sum = 0;
  for (std::int64_t i = begin; i < end; i += kPointsAtOnce) {
    double squared[kPointsAtOnce];
    strip_squared_distances(args.covariance, args.queries, q, args.points, i, squared);
#pragma unroll
    for (int o = 0; o < kPointsAtOnce; ++o)
      if (i + o < end) sum += math::covariance(args.covariance.family, squared[o]).value * args.weights[i + o];
  }
  if (q < args.rows.used()) args.sums.data[q + blockIdx.y * args.sums.leading] = sum;
}

__global__ void __launch_bounds__(kSumThreads)
    sum_parts_kernel(ConstMatrix sums, double mean, double outputscale, double* out, QueryRows rows) {
  const std::int64_t q = static_cast<std::int64_t>(blockIdx.x) * kSumThreads + threadIdx.x;
  if (q >= rows.used()) return;
  double sum = 0;
  for (std::int64_t p = 0; p < sums.columns; ++p) sum += sums.data[q + p * sums.leading];
  out[q] = mean + outputscale * sum;
}

void mean_only(CudaBackend& backend, const Posterior& call) {
  const std::int64_t n = call.model.points.rows, m = call.queries.rows, blocks = ceil_div(m, kStripThreads);
  const std::int64_t wanted = ceil_div(kBlocksPerProcessor * backend.multiprocessors(), blocks);
  const std::int64_t parts = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(1, ceil_div(n, kPointsPerPart)));
  const std::int64_t part = ceil_div(ceil_div(n, parts), kPointsAtOnce) * kPointsAtOnce;
  const Arena::Scope scope(backend.workspace());
  const Matrix sums = backend.workspace().matrix(m, parts);
  const QueryRows rows{call.active, 0, m};
  launch(backend, shape(blocks, kStripThreads, parts), mean_only_kernel,
         MeanOnlyArgs{covariance_view(call.model.kernel, call.model.theta, call.queries.columns), call.model.points,
                      call.queries, call.model.weights.data, part, sums, rows});
  launch(backend, shape(ceil_div(m, kSumThreads), kSumThreads), sum_parts_kernel, sums, call.model.mean, call.model.outputscale,
         call.mean.data, rows);
}

/// What a call wants, beside the means.
struct Wanted {
  bool variance, whitened, mean_gradient, variance_gradient;

  explicit Wanted(const Posterior& call)
      : variance(!call.variance.empty()),
        whitened(!call.whitened.empty()),
        mean_gradient(!call.mean_gradient.empty()),
        variance_gradient(!call.variance_gradient.empty()) {}
  [[nodiscard]] bool whitening() const { return variance || whitened || variance_gradient; }
  [[nodiscard]] bool gradients() const { return mean_gradient || variance_gradient; }
  /// n x c matrices per tile.
  [[nodiscard]] int matrices() const { return 1 + gradients() + whitening() + variance_gradient; }
};

void posterior_tile(CudaBackend& backend, const Posterior& call, const QueryRows& rows) {
  const std::int64_t first = rows.first, count = rows.count, d = call.queries.columns;
  const Wanted wanted(call);
  QueryTile tile(backend, call.model, call.queries.block(first, 0, count, d), rows);
  tile.covariances(wanted.gradients());
  const bool single = call.mean.columns == 1;
  if (!call.mean.empty() && !single) tile.means(call.mean.block(first, 0, count, call.mean.columns), call.active != nullptr);
  if (wanted.whitening()) {
    const Matrix out = wanted.whitened ? call.whitened.block(0, first, call.whitened.rows, count) : Matrix{};
    // A product may write beyond what is in use.
    const bool direct = wanted.whitened && call.active == nullptr;
    if (direct)
      tile.whiten(out);
    else
      tile.whiten();
    if (wanted.whitened && !direct) tile.copy_whitened(out);
  }
  tile.moments(single ? call.mean.data + first : nullptr, wanted.variance ? call.variance.data + first : nullptr);
  if (!wanted.gradients()) return;
  if (wanted.variance_gradient) tile.unwhiten();
  GradientOutputs outputs;
  if (wanted.mean_gradient) outputs.mean_gradient = call.mean_gradient.block(first, 0, count, d);
  if (wanted.variance_gradient) outputs.variance_gradient = call.variance_gradient.block(first, 0, count, d);
  tile.gradients(outputs, {});
}

}  // namespace

void CudaBackend::run(const Posterior& call) {
  enter();
  const Wanted wanted(call);
  const std::int64_t m = call.queries.rows;
  if (m == 0) return;
  if (!wanted.whitening() && !wanted.gradients() && call.mean.columns == 1) return mean_only(*this, call);
  if (!wanted.whitening() && !wanted.gradients() && call.mean.empty()) return;
  each_tile(*this, call.model.points.rows, m, wanted.matrices(), [&](std::int64_t first, std::int64_t count) {
    posterior_tile(*this, call, {call.active, first, count});
  });
}

}  // namespace warpbo::backend
