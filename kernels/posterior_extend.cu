/// The moments of many queries after the model got one more point z.
///
/// With V (n x m) the whitened columns and (row, diagonal) the new row of the factor:
///   v_q = (k(z, x_q) - row V_q) / diagonal,   variance_q -= outputscale v_q^2,   mean_qs += v_q innovation_s
/// A block of 256 threads takes 32 queries. Distances first, one thread per query and eighth of the dimensions (neighbouring
/// threads read neighbouring queries); then each warp goes down four columns of V at once, the row coming from shared memory in
/// chunks; then the means, neighbouring threads on neighbouring queries.
///
/// Floor: V is read once, 8 n m bytes, and 16 S m for the means: n = 1000, m = 1e4, S = 64: 90 MB, 30 us. Sixteen loads per
/// thread are under way at once. Test: tests/backend/posterior_test.cpp (PosteriorExtend).
#include "kernels/covariance.cuh"
#include "kernels/launch.cuh"
#include "kernels/reduce.cuh"

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kQueries = kWarp;                 // of a block
constexpr int kOwnQueries = kQueries / kWarps;  // of a warp
constexpr int kRowChunk = 1024;

struct ExtendArgs {
  CovarianceView covariance;
  ConstMatrix point, queries, row_factor;
  double diagonal, outputscale;
  ConstVector innovations;
  Matrix whitened, mean;
  Vector variance;
};

struct ExtendMemory {
  double row[kRowChunk];
  double squared[kWarps][kQueries];  // part of r^2 from every kWarps-th dimension
  double whitened[kQueries];         // v
};

/// r^2 between z and this block's queries, in kWarps parts.
__device__ void extend_distances(const ExtendArgs& args, std::int64_t first, ExtendMemory& memory) {
  const std::int64_t q = first + lane();
  double squared = 0;
  if (q < args.queries.rows)
    for (std::int64_t k = warp(); k < args.queries.columns; k += kWarps) {
      const double scale = args.covariance.inverse_lengthscale(k);
      const double delta =
          scale * args.queries.data[q + k * args.queries.leading] - scale * args.point.data[k * args.point.leading];
      squared += squared_term(delta, args.covariance.is_categorical(k) ? scale * scale : -1.0);
    }
  memory.squared[warp()][lane()] = squared;
}

/// This warp's products of the row with its columns of V, in every lane.
__device__ void extend_products(const ExtendArgs& args, std::int64_t first, ExtendMemory& memory,
                                double (&products)[kOwnQueries]) {
  const std::int64_t n = args.row_factor.columns, m = args.queries.rows;
  const double* columns[kOwnQueries];
#pragma unroll
  for (int j = 0; j < kOwnQueries; ++j) {
    const std::int64_t q = first + warp() * kOwnQueries + j;
    columns[j] = args.whitened.data + (q < m ? q : m - 1) * args.whitened.leading;
  }
  for (std::int64_t begin = 0; begin < n; begin += kRowChunk) {
    const int count = static_cast<int>(n - begin < kRowChunk ? n - begin : kRowChunk);
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads)
      memory.row[i] = args.row_factor.data[(begin + i) * args.row_factor.leading];
    __syncthreads();
#pragma unroll 4
    for (int i = lane(); i < count; i += kWarp) {
      const double row = memory.row[i];
#pragma unroll
      for (int j = 0; j < kOwnQueries; ++j) products[j] += row * columns[j][begin + i];
    }
  }
#pragma unroll
  for (int j = 0; j < kOwnQueries; ++j) products[j] = warp_sum(products[j]);
}

__global__ void __launch_bounds__(kThreads) extend_kernel(ExtendArgs args) {
  auto& memory = block_shared<ExtendMemory>();
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kQueries, n = args.row_factor.columns;
  extend_distances(args, first, memory);
  double products[kOwnQueries] = {};
  extend_products(args, first, memory, products);
  __syncthreads();
#pragma unroll
  for (int j = 0; j < kOwnQueries; ++j) {
    const int own = warp() * kOwnQueries + j;
    const std::int64_t q = first + own;
    double squared = 0;
    for (int part = 0; part < kWarps; ++part) squared += memory.squared[part][own];
    const double v = (math::covariance(args.covariance.family, squared).value - products[j]) / args.diagonal;
    if (lane() > 0) continue;
    memory.whitened[own] = v;
    if (q < args.queries.rows) args.whitened.data[n + q * args.whitened.leading] = v;
  }
  __syncthreads();
  const std::int64_t q = first + lane();
  if (q >= args.queries.rows) return;
  const double v = memory.whitened[lane()];
  if (warp() == 0 && !args.variance.empty()) {
    const double rest = args.variance.data[q] - args.outputscale * v * v;
    args.variance.data[q] = rest < 0 ? 0.0 : rest;
  }
#pragma unroll 4
  for (std::int64_t s = warp(); s < args.mean.columns; s += kWarps)
    args.mean.data[q + s * args.mean.leading] += v * args.innovations.data[s];
}

}  // namespace

void CudaBackend::run(const PosteriorExtend& call) {
  enter();
  launch(*this, shape(ceil_div(call.queries.rows, kQueries), kThreads), extend_kernel,
         ExtendArgs{covariance_view(call.kernel, call.theta, call.queries.columns), call.point, call.queries, call.row_factor,
                    call.diagonal, call.outputscale, call.innovations, call.whitened, call.mean, call.variance});
}

}  // namespace warpbo::backend
