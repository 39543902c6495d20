/// Function samples, each at its own points: values and gradients.
///
/// Values: one block per row. Its threads go along the features, then along the data points in strips
/// (query_distances.cuh); each row reads its own path's columns of amplitudes and updates, so nothing is shared between rows of
/// different paths. For gradients each thread leaves what the value's derivative in an angle, and in a squared distance, is, J
/// + n numbers per row; a second kernel contracts them with frequencies and differences, one block per row and kColumns
/// columns. Floor: m (n (4 d + 40) + J (4 d + 50)) fp64 instructions, or 8 m (3 n + 4 J) bytes (with gradients): n = 1000, J =
/// 1024, d = 10, m = 10,000: 1.0 ms of arithmetic, 0.19 ms of memory. Meant for at least as many rows as multiprocessors. Test:
/// tests/backend/paths_test.cpp.
#include "kernels/features.cuh"
#include "kernels/launch.cuh"
#include "kernels/query_distances.cuh"
#include "kernels/query_rows.hpp"
#include "kernels/query_tile.hpp"
#include "kernels/reduce.cuh"
#include "math/sine_cosine.hpp"

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kColumns = 8;

struct PathArgs {
  CovarianceView covariance;
  FeaturesView features;
  ConstMatrix points, amplitudes, updates;
  const double* weights;
  const double* spread;  // null: ones
  double mean, outputscale;
  const std::int32_t* paths_of;
  const std::int32_t* problems;  // null: row a is problem a
  ConstMatrix queries;           // of the whole call
  QueryRows rows;
  double* value;  // of the whole call
  Matrix slopes;  // (J + n) x rows of the tile, or empty
  Matrix gradient;
};

/// The features' part of the value, over this thread's features.
__device__ double add_features(const PathArgs& args, std::int64_t row, std::int64_t path, double spread, double* slope) {
  const std::int64_t count = args.features.frequencies.rows;
  const double* cosines = args.amplitudes.data + path * args.amplitudes.leading;
  const double* sines = cosines + count;
  double sum = 0;
  for (std::int64_t j = threadIdx.x; j < count; j += kStripThreads) {
    double angle = 0;
    for (std::int64_t k = 0; k < args.queries.columns; ++k)
      angle += args.features.angle(j, k, args.queries.data[row + k * args.queries.leading]);
    const math::SineCosine both = math::sine_cosine(angle);
    const double a = spread * cosines[j], b = spread * sines[j];
    sum += a * both.cosine + b * both.sine;
    if (slope != nullptr) slope[j] = b * both.cosine - a * both.sine;
  }
  return sum;
}

__global__ void __launch_bounds__(kStripThreads, 1) path_value_kernel(PathArgs args) {
  if (blockIdx.x >= args.rows.used()) return;
  const std::int64_t row = args.rows.first + blockIdx.x, n = args.points.rows;
  const std::int64_t path = args.paths_of[args.problems != nullptr ? args.problems[row] : row];
  const double spread = args.spread != nullptr ? args.spread[path] : 1.0;
  double* slope = args.slopes.data != nullptr ? args.slopes.data + blockIdx.x * args.slopes.leading : nullptr;
  double sum = add_features(args, row, path, spread, slope);
  const double* update = args.updates.data + path * args.updates.leading;
  for (std::int64_t begin = 0; begin < n; begin += kStripThreads) {
    const std::int64_t i = begin + threadIdx.x;
    double squared[1];
    strip_squared_distances(args.covariance, args.points, i, args.queries, row, squared);
    if (i >= n) continue;
    const math::CovarianceValue k = math::covariance(args.covariance.family, squared[0]);
    const double coefficient = args.outputscale * (args.weights[i] - spread * update[i]);
    sum += coefficient * k.value;
    if (slope != nullptr) slope[args.features.frequencies.rows + i] = 2 * coefficient * k.slope;
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) args.value[row] = args.mean + sum;
}

__global__ void __launch_bounds__(kStripThreads) path_gradient_kernel(PathArgs args) {
  const std::int64_t chunks = (args.queries.columns + kColumns - 1) / kColumns;
  const std::int64_t local = blockIdx.x / chunks, first = blockIdx.x % chunks * kColumns;
  if (local >= args.rows.used()) return;
  const std::int64_t row = args.rows.first + local, n = args.points.rows, count = args.features.frequencies.rows;
  const double* slope = args.slopes.data + local * args.slopes.leading;
  double sums[kColumns] = {};
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const std::int64_t k = first + c;
    if (k >= args.queries.columns || args.features.is_categorical(k)) continue;
    const double x = args.queries.data[row + k * args.queries.leading], scale = args.covariance.inverse_lengthscale(k);
    const double* column = args.points.data + k * args.points.leading;
    double waves = 0, bumps = 0;
    for (std::int64_t j = threadIdx.x; j < count; j += kStripThreads) waves += slope[j] * args.features.frequency(j, k);
    for (std::int64_t i = threadIdx.x; i < n; i += kStripThreads) bumps += slope[count + i] * (x - column[i]);
    sums[c] = waves + bumps * scale * scale;
  }
  block_sums(sums);
#pragma unroll
  for (int c = 0; c < kColumns; ++c)
    if (threadIdx.x == 0 && first + c < args.queries.columns)
      args.gradient.data[row + (first + c) * args.gradient.leading] = sums[c];
}

PathArgs path_args(const Paths& call) {
  const PathModel& paths = call.paths;
  const Model& model = paths.model;
  PathArgs args;
  args.covariance = covariance_view(model.kernel, model.theta, call.queries.columns);
  args.features = features_view(paths.features);
  args.points = model.points;
  args.amplitudes = paths.amplitudes;
  args.updates = paths.updates;
  args.weights = model.weights.data;
  args.spread = paths.spread.empty() ? nullptr : paths.spread.data;
  args.mean = model.mean;
  args.outputscale = model.outputscale;
  args.paths_of = call.paths_of.data;
  args.problems = call.problems.empty() ? nullptr : call.problems.data;
  args.queries = call.queries;
  args.value = call.value.data;
  args.gradient = call.gradient;
  return args;
}

}  // namespace

void CudaBackend::run(const Paths& call) {
  enter();
  const std::int64_t sums = call.paths.features.frequencies.rows + call.paths.model.points.rows;
  PathArgs args = path_args(call);
  each_tile(*this, sums, call.queries.rows, 1, [&](std::int64_t first, std::int64_t count) {
    args.rows = {call.active, first, count};
    args.slopes = call.gradient.empty() ? Matrix{} : workspace().matrix(sums, count);
    launch(*this, shape(count, kStripThreads), path_value_kernel, args);
    if (call.gradient.empty()) return;
    const std::int64_t chunks = ceil_div(call.queries.columns, kColumns);
    launch(*this, shape(count * chunks, kStripThreads), path_gradient_kernel, args);
  });
}

}  // namespace warpbo::backend
