/// What the operations need to know about a covariance function.
#pragma once

#include "backend/views.hpp"
#include "math/covariance.hpp"

#include <cstdint>

namespace warpbo::backend {

/// k(x, x') = f(r), r^2 = sum_k delta_k^2 / l_k^2; delta_k = x_k - x'_k, or [x_k != x'_k] for categorical columns.
struct KernelSpec {
  math::KernelFamily family = math::KernelFamily::matern52;
  VectorView<const std::uint8_t> categorical;  ///< d flags in backend memory, or empty: all numeric
};

/// The prior of the hyperparameters, in the logarithm (see Likelihood).
struct HyperPrior {
  double lengthscale_center = 0, lengthscale_sd = 1;
  double noise_center = 0, noise_sd = 1;
  double shape = 1, rate = 1;  ///< inverse gamma on the outputscale
};

}  // namespace warpbo::backend
