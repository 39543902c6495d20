/// Log expected improvement averaged over sampled data sets: every sample s has its own mean and incumbent, all share one sd.
///
///   log (1/S) sum_s EI_s = largest + log(total / S) + log sd,   total = sum_s h(z_s) exp(-largest),
/// z_s = (incumbent_s - mean_s)/sd and h as in expected_improvement.hpp; `largest` is the largest of the exponents of h, so
/// that nothing underflows. (Ament et al. 2023, arXiv 2310.20708, section 4.)
#pragma once

#include "math/expected_improvement.hpp"

#include <cmath>

namespace warpbo::math {

/// The variance below which it counts as this much, in the square of the targets' unit (targets are standardized): LogEI stays
/// finite. A NaN stays one.
inline constexpr double kVarianceFloor = 1e-20;
WARPBO_HD inline double floored_variance(double variance) { return variance < kVarianceFloor ? kVarianceFloor : variance; }

/// z, kept where z^2 is finite. A NaN stays one.
WARPBO_HD inline double standardized_gain(double mean, double incumbent, double inverse_sd) {
  const double z = (incumbent - mean) * inverse_sd;
  return z < -1e150 ? -1e150 : z > 1e150 ? 1e150 : z;
}

/// The exponent that h(z) falls with: -z^2/2 where z < 0, and 0 elsewhere.
WARPBO_HD inline double improvement_exponent(double z) { return z < 0 ? -0.5 * z * z : 0.0; }

/// One sample's part, over exp(largest): h(z) for the total, Phi(z) for the derivative in its mean, phi(z) sqrt(2 pi) for the
/// derivative in the variance. A sample with z > 0 puts `largest` at 0, so the part max(z, 0) needs no factor.
struct ImprovementTerm {
  double total;
  double cdf;
  double density;
};
WARPBO_HD inline ImprovementTerm improvement_term(double z, double largest) {
  const double size = std::fabs(z);
  const double e = exponential(-0.5 * z * z - largest);
  const double tail = e * scaled_cdf(size);
  return {(z > 0 ? z : 0.0) + e * scaled_improvement(size), z > 0 ? 1.0 - tail : tail, e};
}

}  // namespace warpbo::math
