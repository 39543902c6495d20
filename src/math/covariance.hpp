/// Covariance functions of the squared scaled distance r^2, and their derivatives with respect to it.
///
/// Both have unit variance. Written in r^2, nothing is singular at r = 0: the Matern-5/2 derivative is finite there.
#pragma once

#include "math/exponential.hpp"
#include "math/host_device.hpp"

#include <cmath>

namespace warpbo::math {

enum class KernelFamily { matern52, rbf };

/// k and dk/d(r^2) at one distance.
struct CovarianceValue {
  double value;
  double slope;
};

/// Matern-5/2: k = (1 + s + s^2/3) exp(-s), s = sqrt(5 r^2); dk/d(r^2) = -(5/6) (1 + s) exp(-s) (Rasmussen & Williams 2006,
/// eq. 4.17).
WARPBO_HD inline CovarianceValue matern52(double squared) {
  const double s = std::sqrt(5.0 * squared);
  const double e = exponential(-s);
  return {(1.0 + s + (5.0 / 3.0) * squared) * e, (-5.0 / 6.0) * (1.0 + s) * e};
}

/// Squared exponential: k = exp(-r^2/2); dk/d(r^2) = -k/2.
WARPBO_HD inline CovarianceValue rbf(double squared) {
  const double e = exponential(-0.5 * squared);
  return {e, -0.5 * e};
}

WARPBO_HD inline CovarianceValue covariance(KernelFamily family, double squared) {
  return family == KernelFamily::matern52 ? matern52(squared) : rbf(squared);
}

}  // namespace warpbo::math
