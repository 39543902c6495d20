#include "backend/cpu/cpu_backend.hpp"
#include "backend/cpu/dense.hpp"
#include "backend/cpu/gram.hpp"

#include <algorithm>

namespace warpbo::backend {

namespace {

using namespace cpu;

/// Queries [first, first + count), count <= kStrip. `row` is the new row of the factor without its diagonal, side by side.
void extend(const PosteriorExtend& call, const ScaledPoints& queries, const double* point, const double* row,
            std::int64_t first, std::int64_t count) {
  const std::int64_t n = call.row_factor.columns;
  alignas(64) double squared[kStrip], value[kStrip];
  squared_distances(queries, first, padded(count), point, squared);
  covariance_values(call.kernel.family, padded(count), squared, value);
  // v = (k(z, x) - row_factor V(x)) / diagonal
  gemv_transposed(n, count, -1, call.whitened.data + first * call.whitened.leading, call.whitened.leading, row, 1, value);
  for (std::int64_t q = 0; q < count; ++q) {
    const double v = value[q] / call.diagonal;
    value[q] = v;
    call.whitened.data[n + (first + q) * call.whitened.leading] = v;
    if (call.variance.empty()) continue;
    const double rest = call.variance.data[first + q] - call.outputscale * v * v;
    call.variance.data[first + q] = rest < 0 ? 0.0 : rest;
  }
  for (std::int64_t s = 0; s < call.mean.columns; ++s) {
    const double innovation = call.innovations.data[s];
    double* mean = call.mean.data + first + s * call.mean.leading;
    for (std::int64_t q = 0; q < count; ++q) mean[q] += value[q] * innovation;
  }
}

}  // namespace

void CpuBackend::run(const PosteriorExtend& call) {
  const std::int64_t n = call.row_factor.columns, m = call.queries.rows, d = call.queries.columns;
  if (m == 0) return;
  Scratch scratch(scratch_, ColumnScales::scratch_size(d) + padded(m) * d + kLanes * d + padded(d) + padded(n));
  const auto scales = ColumnScales::make(call.kernel, call.theta, d, scratch);
  const auto queries = scales.scale(call.queries, scratch.take(scales.points_size(m)));
  const auto point_columns = scales.scale(call.point, scratch.take(scales.points_size(1)));
  double* point = scratch.take(d);
  gather_point(point_columns, 0, point);
  double* row = scratch.take(n);
  for (std::int64_t i = 0; i < n; ++i) row[i] = call.row_factor.data[i * call.row_factor.leading];
  // Memory-bound: about 0.7 nanoseconds per number read.
  const double cost =
      static_cast<double>(m) * (0.7 * static_cast<double>(n) + covariance_cost(d) + static_cast<double>(call.mean.columns));
  team_.each((m + kStrip - 1) / kStrip, cost,
             [&](std::int64_t task) { extend(call, queries, point, row, task * kStrip, std::min(kStrip, m - task * kStrip)); });
}

}  // namespace warpbo::backend
