/// All function samples at a shared set of candidates, reduced to the best few per path.
///
/// Per tile of candidates: their features and covariances (evaluate_features.cu, query_covariances.cu), two products with the
/// paths' columns, and one block per path that merges the tile's values into its sorted list. The list is short: its places are
/// filled one after another, each by a scan of the tile, which the caches hold. Floor: 2 m q (2 J + n) flops of products
/// (m = 10,000, J = 1024, n = 1000, q = 1000: 0.9 ms) and `count` times 8 m q bytes, from L2. Test:
/// tests/backend/paths_test.cpp.
#include "kernels/features.cuh"
#include "kernels/launch.cuh"
#include "kernels/query_tile.hpp"
#include "kernels/reduce.cuh"
#include "kernels/triangles.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cuda;

constexpr int kThreads = 128;
constexpr std::int64_t kPathsPerTile = 1024;
constexpr double kNobody = 4294967296.0;  // an index behind all others

struct ScreenArgs {
  ConstMatrix deviation;  // candidates of the tile x paths
  const double* mean;     // of the posterior, at the tile's candidates
  const double* spread;   // null: ones
  std::int64_t first;     // the tile's first candidate
  MatrixView<std::int32_t> indices;
  Matrix values;
};

/// The path's list before the merge, and the indices chosen so far.
struct ScreenLists {
  double value[kMostScreened];
  double index[kMostScreened];
  double chosen[kMostScreened];
};

struct Place {
  double value, index;
  __device__ bool before(const Place& other) const {
    return value < other.value || (value == other.value && index < other.index);
  }
};

/// Replaces `best` by a candidate that comes before it and has not been chosen. That is asked by index: a tile may be merged
/// twice (each_tile), with values that differ in their last bits.
__device__ void consider(Place& best, double value, double index, const ScreenLists& lists, int places) {
  const Place place{value == value ? value : INFINITY, index};
  if (!place.before(best)) return;
  for (int p = 0; p < places; ++p)
    if (lists.chosen[p] == index) return;
  best = place;
}

__global__ void __launch_bounds__(kThreads) screen_kernel(ScreenArgs args) {
  ScreenLists& lists = block_shared<ScreenLists>();
  const std::int64_t path = blockIdx.x, candidates = args.deviation.rows;
  const int places = static_cast<int>(args.indices.rows), thread = static_cast<int>(threadIdx.x);
  std::int32_t* indices = args.indices.data + path * args.indices.leading;
  double* values = args.values.data + path * args.values.leading;
  const double* deviation = args.deviation.data + path * args.deviation.leading;
  const double spread = args.spread != nullptr ? args.spread[path] : 1.0;
  if (thread < places) {
    lists.value[thread] = values[thread];
    lists.index[thread] = indices[thread] < 0 ? kNobody : static_cast<double>(indices[thread]);
  }
  __syncthreads();
  for (int p = 0; p < places; ++p) {
    Place best{INFINITY, kNobody};
    for (std::int64_t i = thread; i < candidates; i += kThreads)
      consider(best, args.mean[i] + spread * deviation[i], static_cast<double>(args.first + i), lists, p);
    if (thread < places) consider(best, lists.value[thread], lists.index[thread], lists, p);
    const double value = -block_max(-best.value);
    const double index = -block_max(best.value == value ? -best.index : -kNobody);
    if (thread == 0) {
      lists.chosen[p] = index;
      values[p] = value;
      indices[p] = index < kNobody ? static_cast<std::int32_t>(index) : -1;
    }
    __syncthreads();
  }
}

__global__ void clear_kernel(MatrixView<std::int32_t> indices, Matrix values) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t place = at % indices.rows, path = at / indices.rows;
  if (path >= indices.columns) return;
  indices.data[place + path * indices.leading] = -1;
  values.data[place + path * values.leading] = INFINITY;
}

/// Everything of one tile; what it takes from the workspace it takes before it changes a list.
void screen_tile(CudaBackend& backend, const ScreenPaths& call, std::int64_t first, std::int64_t count) {
  const PathModel& paths = call.paths;
  const Model& model = paths.model;
  const std::int64_t q = call.indices.columns, n = model.points.rows, width = std::min(q, kPathsPerTile);
  const ConstMatrix candidates = call.candidates.block(first, 0, count, call.candidates.columns);
  const Matrix features = backend.workspace().matrix(paths.amplitudes.rows, count);
  const Matrix mean = backend.workspace().matrix(count, 1), deviation = backend.workspace().matrix(count, width);
  QueryTile tile(backend, model, candidates, {nullptr, 0, count});
  tile.covariances(false);
  queue_features(backend, paths.features, candidates, features);
  backend.fill(mean, model.mean);
  if (n > 0) multiply_full(backend, true, tile.covariance(), false, model.weights, model.outputscale, 1, mean);
  for (std::int64_t path = 0; path < q; path += width) {
    const std::int64_t columns = std::min(width, q - path);
    const Matrix out = deviation.block(0, 0, count, columns);
    multiply_full(backend, true, features, false, paths.amplitudes.block(0, path, paths.amplitudes.rows, columns), 1, 0, out);
    if (n > 0)
      multiply_full(backend, true, tile.covariance(), false, paths.updates.block(0, path, n, columns), -model.outputscale, 1,
                    out);
    launch(backend, shape(columns, kThreads), screen_kernel,
           ScreenArgs{out, mean.data, paths.spread.empty() ? nullptr : paths.spread.data + path, first,
                      call.indices.block(0, path, call.indices.rows, columns),
                      call.values.block(0, path, call.values.rows, columns)});
  }
}

}  // namespace

void CudaBackend::run(const ScreenPaths& call) {
  enter();
  const std::int64_t q = call.indices.columns, places = call.indices.rows;
  if (q == 0 || places == 0) return;
  launch(*this, shape(ceil_div(places * q, kThreads), kThreads), clear_kernel, call.indices, call.values);
  const std::int64_t rows = call.paths.amplitudes.rows + call.paths.model.points.rows + std::min(q, kPathsPerTile);
  each_tile(*this, rows, call.candidates.rows, 1,
            [&](std::int64_t first, std::int64_t count) { screen_tile(*this, call, first, count); });
}

}  // namespace warpbo::backend
