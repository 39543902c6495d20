/// Random Fourier features of points: cosines and sines of J angles per point.
///
/// One thread per feature and kPoints points, so that a frequency is loaded once for all of them; coordinates are the same for
/// all threads of a warp, and writes are along the features. Floor: 16 J m bytes written, or J m (d + 35) fp64 instructions
/// (J = 1024, m = 10,000, d = 10: 168 MB, 56 us; 28 us of arithmetic). Test: tests/backend/paths_test.cpp.
#include "kernels/features.cuh"
#include "kernels/launch.cuh"
#include "math/sine_cosine.hpp"

namespace warpbo::backend {

namespace cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kPoints = 8;

__global__ void __launch_bounds__(kThreads) features_kernel(FeaturesView features, ConstMatrix points, Matrix out) {
  const std::int64_t count = features.frequencies.rows, strips = (count + kThreads - 1) / kThreads;
  const std::int64_t j = blockIdx.x % strips * kThreads + threadIdx.x, first = blockIdx.x / strips * kPoints;
  if (j >= count) return;
  double angle[kPoints] = {};
  for (std::int64_t k = 0; k < points.columns; ++k) {
#pragma unroll
    for (int p = 0; p < kPoints; ++p)
      if (first + p < points.rows) angle[p] += features.angle(j, k, points.data[first + p + k * points.leading]);
  }
#pragma unroll
  for (int p = 0; p < kPoints; ++p) {
    if (first + p >= points.rows) break;
    const math::SineCosine both = math::sine_cosine(angle[p]);
    double* column = out.data + (first + p) * out.leading;
    column[j] = both.cosine;
    column[count + j] = both.sine;
  }
}

}  // namespace

void queue_features(CudaBackend& backend, const FourierFeatures& features, const ConstMatrix& points, const Matrix& out) {
  const std::int64_t blocks = ceil_div(features.frequencies.rows, kThreads) * ceil_div(points.rows, kPoints);
  launch(backend, shape(blocks, kThreads), features_kernel, features_view(features), points, out);
}

}  // namespace cuda

void CudaBackend::run(const EvaluateFeatures& call) {
  enter();
  cuda::queue_features(*this, call.features, call.points, call.out);
}

}  // namespace warpbo::backend
