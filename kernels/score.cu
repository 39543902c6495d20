/// Acquisition values from moments that are at hand.
///
/// One thread per query; neighbouring threads read neighbouring queries of each column of the mean, twice (the largest exponent
/// first, then the sum). Floor: 8 m (S + 2) bytes, or about 90 double-precision instructions per mean: m = 1e5, S = 64 is bound
/// by arithmetic at 35 us. Test: tests/backend/acquisition_test.cpp (Score).
#include "kernels/score.hpp"

#include "kernels/launch.cuh"

namespace warpbo::backend {

namespace cuda {

namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) score_kernel(ScoreArgs args) {
  const std::int64_t q = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (q >= args.rows.used()) return;
  const auto mean = [&](std::int64_t s) { return args.mean.data[q + s * args.mean.leading]; };
  const double variance = args.variance != nullptr ? args.variance[q] : 0.0;
  args.out[q] = acquire<OneThread>(args.acquisition, mean, variance).value;
}

}  // namespace

void queue_score(CudaBackend& backend, const ScoreArgs& args) {
  launch(backend, shape(ceil_div(args.rows.count, kThreads), kThreads), score_kernel, args);
}

}  // namespace cuda

void CudaBackend::run(const Score& score) {
  enter();
  const double* variance = score.variance.empty() ? nullptr : score.variance.data;
  cuda::queue_score(
      *this, {cuda::acquisition_view(score.acquisition), score.mean, variance, score.out.data, {nullptr, 0, score.out.size}});
}

}  // namespace warpbo::backend
