#include "backend/cpu/scaled_points.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::backend::cpu {

ColumnScales ColumnScales::make(const KernelSpec& kernel, const ConstMatrix& theta, std::int64_t columns, Scratch& scratch) {
  static_assert(sizeof(std::int64_t) == sizeof(double));
  ColumnScales out;
  out.columns = columns;
  out.inverse = scratch.take(columns);
  out.weights = scratch.take(columns);
  out.order = reinterpret_cast<std::int64_t*>(scratch.take(columns));
  const auto categorical = [&](std::int64_t k) { return !kernel.categorical.empty() && kernel.categorical.data[k] != 0; };
  for (std::int64_t k = 0; k < columns; ++k)
    if (!categorical(k)) out.order[out.numeric++] = k;
  std::int64_t next = out.numeric;
  for (std::int64_t k = 0; k < columns; ++k)
    if (categorical(k)) out.order[next++] = k;
  for (std::int64_t k = 0; k < columns; ++k) {
    out.inverse[k] = std::exp(-theta.data[out.order[k] * theta.leading]);
    if (k >= out.numeric) out.weights[k - out.numeric] = out.inverse[k] * out.inverse[k];
  }
  return out;
}

ScaledPoints ColumnScales::scale(const ConstMatrix& points, double* out) const {
  const std::int64_t leading = padded(points.rows);
  for (std::int64_t k = 0; k < columns; ++k) {
    const double* from = points.data + order[k] * points.leading;
    double* to = out + k * leading;
    const double factor = k < numeric ? inverse[k] : 1.0;
    for (std::int64_t i = 0; i < points.rows; ++i) to[i] = from[i] * factor;
    std::fill(to + points.rows, to + leading, 0.0);
  }
  return {out, leading, points.rows, numeric, columns, weights};
}

}  // namespace warpbo::backend::cpu
