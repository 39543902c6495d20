/// The loops over pairs of points, as vector code. Rows come in multiples of kLanes: the arrays behind `left` are padded, so
/// that no loop has a remainder.
#pragma once

#include "backend/cpu/scratch.hpp"
#include "backend/kernel.hpp"

#include <cstdint>

namespace warpbo::backend::cpu {

/// Rows per call: r^2, k and dk/dr^2 of a strip stay in the first-level cache.
inline constexpr std::int64_t kStrip = 256;

/// Points made ready for distances: numeric columns first, multiplied by 1/lengthscale; then the categorical ones as they are,
/// each with its weight 1/lengthscale^2.
struct ScaledPoints {
  const double* data = nullptr;  ///< column-major; rows up to the next multiple of kLanes exist and are 0
  std::int64_t leading = 0;
  std::int64_t rows = 0;
  std::int64_t numeric = 0;
  std::int64_t columns = 0;
  const double* weights = nullptr;  ///< columns - numeric
};

/// out[i] = r^2 between row first + i of `left` and the point `right` (one value per column), i < rows.
void squared_distances(const ScaledPoints& left, std::int64_t first, std::int64_t rows, const double* right, double* out);

/// value[i] = k, slope[i] = dk/d(r^2) at squared[i].
void covariance_values(math::KernelFamily family, std::int64_t rows, const double* squared, double* value);
void covariance_slopes(math::KernelFamily family, std::int64_t rows, const double* squared, double* value, double* slope);

/// sums[8 k + lane] += sum over i of factor[i] times what column k adds to r^2 between row first + i and `right`, split over
/// lanes.
void add_weighted_squares(const ScaledPoints& left, std::int64_t first, std::int64_t rows, const double* right,
                          const double* factor, double* sums);

/// sums[8 k + lane] += sum over i of factor[i] (right_k - left_ik) for the numeric columns.
void add_weighted_differences(const ScaledPoints& left, std::int64_t first, std::int64_t rows, const double* right,
                              const double* factor, double* sums);

/// out[i] = (a x[i] + b y[i]) slope[i]; a null x, or b = 0, is left out.
void combine(std::int64_t rows, double a, const double* x, double b, const double* y, const double* slope, double* out);

/// Sum of x[i]^2, in an order that depends on `rows` alone.
double sum_of_squares(std::int64_t rows, const double* x);

/// The lanes of `sums` added up in fixed order.
inline double sum_lanes(const double* sums) {
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

}  // namespace warpbo::backend::cpu
