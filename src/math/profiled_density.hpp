/// The closed forms of the likelihood whose mean and outputscale are at their optimum (Likelihood in src/backend/backend.hpp).
#pragma once

#include "math/host_device.hpp"

#include <cmath>

namespace warpbo::math {

/// The outputscale that maximizes the posterior density: `quadratic` = r'C^-1 r of n residuals, inverse-gamma prior.
WARPBO_HD inline double profiled_outputscale(double n, double quadratic, double shape, double rate) {
  return (quadratic + 2 * rate) / (n + 2 * shape + 2);
}

/// The negative log density of data and outputscale, without the priors of the hyperparameters.
WARPBO_HD inline double negative_log_density(double n, double quadratic, double log_determinant, double outputscale,
                                             double shape, double rate) {
  constexpr double kLog2Pi = 1.8378770664093453;
  return 0.5 * n * std::log(outputscale) + 0.5 * log_determinant + (quadratic + 2 * rate) / (2 * outputscale) +
         (shape + 1) * std::log(outputscale) + 0.5 * n * kLog2Pi;
}

/// The negative logarithm of a normal density, up to a constant, and its slope. An infinite `sd` gives 0.
WARPBO_HD inline double normal_penalty(double x, double center, double sd) {
  const double offset = (x - center) / sd;
  return 0.5 * offset * offset;
}
WARPBO_HD inline double normal_penalty_slope(double x, double center, double sd) { return (x - center) / (sd * sd); }

}  // namespace warpbo::math
