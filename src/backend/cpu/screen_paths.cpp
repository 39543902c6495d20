#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/dense.hpp"
#include "backend/cpu/features.hpp"
#include "backend/cpu/gram.hpp"
#include "backend/cpu/query_tile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::backend {

namespace {

using namespace cpu;

constexpr std::int64_t kBasisBytes = std::int64_t{24} << 20;
constexpr std::int64_t kCandidatesPerTask = 16;

/// Paths per product: wide enough that packing the basis does not count, narrow enough for several threads. A function of the
/// sizes alone, so that results do not depend on the number of threads.
std::int64_t paths_per_task(std::int64_t q) { return q <= 128 ? 32 : q <= 1024 ? 64 : 192; }

/// What all paths share at a chunk of candidates: [features; covariances] and the posterior mean.
class Basis {
 public:
  Basis(const ScreenPaths& call, std::int64_t chunk, ScratchPool& pool)
      : call_(call),
        pool_(pool),
        prepared_(call.paths.model, call.candidates.columns, pool),
        features_(2 * call.paths.features.frequencies.rows),
        leading_(padded(features_) + padded(call.paths.model.points.rows)),
        scratch_(pool, leading_ * chunk + padded(chunk)),
        data_(scratch_.take(leading_ * chunk)),
        mean_(scratch_.take(chunk)) {}

  void fill(std::int64_t first, std::int64_t count, const Team& team) {
    const double cost = static_cast<double>(count) * (feature_cost(call_.paths.features, call_.candidates.columns)) +
                        query_cost(prepared_, count, false, false);
    team.each((count + kCandidatesPerTask - 1) / kCandidatesPerTask, cost, [&](std::int64_t task) {
      const std::int64_t begin = task * kCandidatesPerTask;
      fill_candidates(first, begin, std::min(kCandidatesPerTask, count - begin));
    });
  }

  /// out (count x paths) = posterior mean + spread (deviation) for paths [path, path + paths) at the `count` candidates.
  void values(std::int64_t count, std::int64_t path, std::int64_t paths, double* out) const {
    const PathModel& model = call_.paths;
    const std::int64_t n = model.model.points.rows;
    gemm(Op::transpose, Op::none, count, paths, features_, 1, data_, leading_,
         model.amplitudes.data + path * model.amplitudes.leading, model.amplitudes.leading, 0, out, count);
    gemm(Op::transpose, Op::none, count, paths, n, -model.model.outputscale, data_ + padded(features_), leading_,
         model.updates.data + path * model.updates.leading, model.updates.leading, 1, out, count);
    for (std::int64_t s = 0; s < paths; ++s) {
      const double spread = model.spread.empty() ? 1.0 : model.spread.data[path + s];
      for (std::int64_t i = 0; i < count; ++i) out[i + s * count] = mean_[i] + spread * out[i + s * count];
    }
  }

 private:
  void fill_candidates(std::int64_t first, std::int64_t begin, std::int64_t count) {
    const Model& model = call_.paths.model;
    const std::int64_t n = model.points.rows, d = call_.candidates.columns, half = features_ / 2;
    Scratch scratch(pool_, padded(half));
    double* angle = scratch.take(half);
    const ConstMatrix points = call_.candidates.block(first + begin, 0, count, d);
    const QueryTile tile(prepared_, points, false, pool_);
    for (std::int64_t i = 0; i < count; ++i) {
      double* column = data_ + (begin + i) * leading_;
      feature_angles(call_.paths.features, points, i, angle);
      cosines_and_sines(half, angle, column, column + half);
      std::copy_n(tile.covariance(i), n, column + padded(features_));
    }
    tile.means(1, mean_ + begin, count);
  }

  const ScreenPaths& call_;
  ScratchPool& pool_;
  PreparedModel prepared_;
  std::int64_t features_, leading_;
  Scratch scratch_;
  double* data_;
  double* mean_;
};

/// Takes values[0 ... count) of candidates first, first + 1, ... into a path's sorted list.
void merge(const double* values, std::int64_t first, std::int64_t count, std::int64_t places, std::int32_t* indices,
           double* kept) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double value = std::isnan(values[i]) ? std::numeric_limits<double>::infinity() : values[i];
    // Candidates come in ascending order: an equal one that is in the list already stays before this one.
    if (!(value < kept[places - 1] || indices[places - 1] < 0)) continue;
    std::int64_t at = places - 1;
    for (; at > 0 && (indices[at - 1] < 0 || value < kept[at - 1]); --at) {
      kept[at] = kept[at - 1];
      indices[at] = indices[at - 1];
    }
    kept[at] = value;
    indices[at] = static_cast<std::int32_t>(first + i);
  }
}

}  // namespace

void CpuBackend::run(const ScreenPaths& call) {
  const std::int64_t m = call.candidates.rows, q = call.indices.columns, places = call.indices.rows;
  if (q == 0 || places == 0) return;
  for (std::int64_t s = 0; s < q; ++s) {
    std::fill_n(call.indices.data + s * call.indices.leading, places, -1);
    std::fill_n(call.values.data + s * call.values.leading, places, std::numeric_limits<double>::infinity());
  }
  if (m == 0) return;
  const std::int64_t n = call.paths.model.points.rows, rows = n + call.paths.amplitudes.rows + 2 * kLanes;
  const std::int64_t fitting = kBasisBytes / 8 / rows / kCandidatesPerTask * kCandidatesPerTask;
  const std::int64_t chunk = std::min(m, std::max(fitting, 4 * kCandidatesPerTask)), width = paths_per_task(q);
  Basis basis(call, chunk, scratch_);
  for (std::int64_t first = 0; first < m; first += chunk) {
    const std::int64_t count = std::min(chunk, m - first);
    basis.fill(first, count, team_);
    const double cost = dense_cost(2.0 * static_cast<double>(count) * static_cast<double>(rows) * static_cast<double>(q));
    team_.each((q + width - 1) / width, cost, [&](std::int64_t task) {
      const std::int64_t path = task * width, paths = std::min(width, q - path);
      Scratch scratch(scratch_, padded(count * paths));
      double* values = scratch.take(count * paths);
      basis.values(count, path, paths, values);
      for (std::int64_t s = 0; s < paths; ++s)
        merge(values + s * count, first, count, places, call.indices.data + (path + s) * call.indices.leading,
              call.values.data + (path + s) * call.values.leading);
    });
  }
}

}  // namespace warpbo::backend
