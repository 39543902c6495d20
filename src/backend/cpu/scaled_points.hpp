/// From points and log lengthscales to ScaledPoints.
#pragma once

#include "backend/cpu/covariance_loops.hpp"
#include "backend/views.hpp"

#include <cstdint>

namespace warpbo::backend::cpu {

/// The columns in the order of ScaledPoints, with their inverse lengthscales.
struct ColumnScales {
  std::int64_t columns = 0;
  std::int64_t numeric = 0;
  double* inverse = nullptr;  ///< 1/lengthscale of column order[k]
  double* weights = nullptr;  ///< 1/lengthscale^2 of the categorical ones: columns - numeric
  std::int64_t* order = nullptr;

  /// Doubles of scratch that make() takes.
  static std::int64_t scratch_size(std::int64_t columns) { return 3 * padded(columns); }
  /// `theta`: a 1 x (d + 1) view.
  static ColumnScales make(const KernelSpec& kernel, const ConstMatrix& theta, std::int64_t columns, Scratch& scratch);

  /// Doubles of an array for `rows` scaled points.
  [[nodiscard]] std::int64_t points_size(std::int64_t rows) const { return padded(rows) * columns; }
  /// Scales `points` into `out`, which has points_size(points.rows) elements.
  [[nodiscard]] ScaledPoints scale(const ConstMatrix& points, double* out) const;
};

/// One scaled point with its columns side by side.
inline void gather_point(const ScaledPoints& points, std::int64_t row, double* out) {
  for (std::int64_t k = 0; k < points.columns; ++k) out[k] = points.data[row + k * points.leading];
}

}  // namespace warpbo::backend::cpu
