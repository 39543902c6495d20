/// What the operations on function samples share.
#pragma once

#include "backend/backend.hpp"
#include "backend/cpu/feature_loops.hpp"

#include <algorithm>
#include <cstdint>

namespace warpbo::backend::cpu {

[[nodiscard]] inline bool is_categorical(const KernelSpec& kernel, std::int64_t column) {
  return !kernel.categorical.empty() && kernel.categorical.data[column] != 0;
}

/// angle[j] of all features at row `row` of `points`.
inline void feature_angles(const FourierFeatures& features, const ConstMatrix& points, std::int64_t row, double* angle) {
  const std::int64_t count = features.frequencies.rows;
  std::fill_n(angle, count, 0.0);
  for (std::int64_t k = 0; k < points.columns; ++k) {
    const double x = points.data[row + k * points.leading];
    const bool categorical = is_categorical(features.kernel, k);
    const std::int64_t column = features.first.data[k] + (categorical ? static_cast<std::int64_t>(x) : 0);
    add_scaled(count, categorical ? 1.0 : x, features.frequencies.data + column * features.frequencies.leading, angle);
  }
}

/// Rough nanoseconds of all features at one point of `columns` columns.
inline double feature_cost(const FourierFeatures& features, std::int64_t columns) {
  return static_cast<double>(features.frequencies.rows) * (1.5 + 0.15 * static_cast<double>(columns));
}

}  // namespace warpbo::backend::cpu
