/// The covariance matrix of a scaled data set, for the operations that factor it.
#pragma once

#include "backend/cpu/scaled_points.hpp"
#include "backend/cpu/team.hpp"

namespace warpbo::backend::cpu {

/// Diagonal of C beyond k(x, x): noise * weight_i + jitter.
struct Nugget {
  double noise = 0;
  ConstVector weights;
  double jitter = 0;

  [[nodiscard]] double at(std::int64_t row) const { return noise * (weights.empty() ? 1.0 : weights.data[row]) + jitter; }
};

/// Lower triangle of C.
void fill_gram(math::KernelFamily family, const ScaledPoints& points, const Nugget& nugget, double* out, std::int64_t leading,
               const Team& team);

/// Rough nanoseconds of one covariance in `columns` dimensions, on one core.
inline double covariance_cost(std::int64_t columns) { return 0.8 + 0.15 * static_cast<double>(columns); }

}  // namespace warpbo::backend::cpu
