/// Expected improvement and its logarithm, for minimization: the expectation of max(incumbent - Y, 0) for Y ~ N(mean, sd^2).
///
/// EI = sd h(z), z = (incumbent - mean)/sd, h(z) = phi(z) + z Phi(z). Ament et al. 2023 (arXiv 2310.20708, section 4) compute
/// log h in three branches, because phi + z Phi cancels for z < -1 and erfcx(z) stops helping below -1/sqrt(eps). With
/// scaled_improvement (normal.hpp) both lower branches are one expression without cancellation:
///   h(z) = max(z, 0) + exp(-z^2/2) scaled_improvement(|z|)
///   z <= 0: log h = -z^2/2 + log scaled_improvement(-z),   which tends to -z^2/2 - 2 log|z| - log(2 pi)/2.
#pragma once

#include "math/normal.hpp"

namespace warpbo::math {

/// h(z) = phi(z) + z Phi(z).
WARPBO_HD inline double improvement(double z) {
  return (z > 0 ? z : 0.0) + exponential(-0.5 * z * z) * scaled_improvement(std::fabs(z));
}

/// log h(z); finite for |z| up to 1e150.
WARPBO_HD inline double log_improvement(double z) {
  if (z > 0) return std::log(improvement(z));
  return -0.5 * z * z + std::log(scaled_improvement(-z));
}

/// d log h / dz = Phi(z) / h(z); about |z| far below zero.
WARPBO_HD inline double log_improvement_slope(double z) {
  if (z > 0) return normal_cdf(z) / improvement(z);
  return scaled_cdf(-z) / scaled_improvement(-z);
}

/// A value and its derivatives with respect to mean and standard deviation.
struct ImprovementValue {
  double value;
  double by_mean;
  double by_sd;
};

/// EI: d/dmean = -Phi(z), d/dsd = phi(z).
WARPBO_HD inline ImprovementValue expected_improvement(double mean, double sd, double incumbent) {
  const double z = (incumbent - mean) / sd;
  return {sd * improvement(z), -normal_cdf(z), normal_pdf(z)};
}

/// log EI: d/dmean = -(log h)'/sd, d/dsd = (1 - z (log h)')/sd, written phi/(h sd) so that nothing cancels.
WARPBO_HD inline ImprovementValue log_expected_improvement(double mean, double sd, double incumbent) {
  const double z = (incumbent - mean) / sd;
  const double by_sd = z > 0 ? normal_pdf(z) / improvement(z) : kInverseSqrt2Pi / scaled_improvement(-z);
  return {log_improvement(z) + std::log(sd), -log_improvement_slope(z) / sd, by_sd / sd};
}

}  // namespace warpbo::math
