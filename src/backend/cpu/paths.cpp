#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/features.hpp"
#include "backend/cpu/query_tile.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cpu;

/// Row first + q of the call, which is query q of `tile`.
class PathRow {
 public:
  PathRow(const Paths& call, std::int64_t row) : call_(call), row_(row) {
    const std::int64_t problem = call.problems.empty() ? row : call.problems.data[row];
    const std::int64_t path = call.paths_of.data[problem];
    const PathModel& paths = call.paths;
    amplitudes_ = paths.amplitudes.data + path * paths.amplitudes.leading;
    updates_ = paths.updates.data + path * paths.updates.leading;
    spread_ = paths.spread.empty() ? 1.0 : paths.spread.data[path];
  }

  /// `coefficients` (n), `angle` and `slope` (J) are workspace.
  void evaluate(QueryTile& tile, std::int64_t query, double* coefficients, double* angle, double* slope) const {
    const Model& model = call_.paths.model;
    const FourierFeatures& features = call_.paths.features;
    const std::int64_t n = model.points.rows, count = features.frequencies.rows;
    const bool with_gradient = !call_.gradient.empty();
    subtract_scaled(n, model.weights.data, spread_, updates_, coefficients);
    feature_angles(features, call_.queries, row_, angle);
    const double wave = wave_sum(count, angle, amplitudes_, amplitudes_ + count, with_gradient ? slope : nullptr);
    call_.value.data[row_] = model.mean + model.outputscale * tile.product(query, coefficients) + spread_ * wave;
    if (!with_gradient) return;
    double* out = call_.gradient.data + row_;
    tile.gradient(query, coefficients, 0, out, call_.gradient.leading);
    for (std::int64_t k = 0; k < call_.queries.columns; ++k)
      if (!is_categorical(features.kernel, k))
        out[k * call_.gradient.leading] +=
            spread_ * dot(count, features.frequencies.data + features.first.data[k] * features.frequencies.leading, slope);
  }

 private:
  const Paths& call_;
  std::int64_t row_;
  const double* amplitudes_;
  const double* updates_;
  double spread_;
};

}  // namespace

void CpuBackend::run(const Paths& call) {
  const std::int64_t d = call.queries.columns, n = call.paths.model.points.rows, count = call.paths.features.frequencies.rows;
  std::int64_t m = call.queries.rows;
  if (call.active != nullptr) m = std::min<std::int64_t>(m, *call.active);
  if (m == 0) return;
  const bool with_gradient = !call.gradient.empty();
  const PreparedModel prepared(call.paths.model, d, scratch_);
  const std::int64_t width = tile_size(m);
  const double cost = query_cost(prepared, m, false, with_gradient) +
                      static_cast<double>(m) * feature_cost(call.paths.features, d) * (with_gradient ? 1.5 : 1);
  team_.each((m + width - 1) / width, cost, [&](std::int64_t task) {
    const std::int64_t first = task * width, rows = std::min(width, m - first);
    QueryTile tile(prepared, call.queries.block(first, 0, rows, d), with_gradient, scratch_);
    Scratch scratch(scratch_, padded(n) + 2 * padded(count));
    double* coefficients = scratch.take(n);
    double* angle = scratch.take(count);
    double* slope = scratch.take(count);
    for (std::int64_t q = 0; q < rows; ++q) PathRow(call, first + q).evaluate(tile, q, coefficients, angle, slope);
  });
}

}  // namespace warpbo::backend
