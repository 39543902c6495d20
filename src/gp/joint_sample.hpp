/// Predictions of a fitted process, moments and joint samples, as host vectors.
#pragma once

#include "gp/regression.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::gp {

struct Moments {
  std::vector<double> mean, variance;
};

/// Posterior mean and latent variance at row-major m x d queries.
[[nodiscard]] Moments predict(const Regression& regression, std::span<const double> queries);

/// `count` joint samples of the latent function at the m queries, row-major count x m, by a Cholesky factor of the posterior
/// covariance (jittered from m eps upwards): O(n m^2 + m^3).
[[nodiscard]] std::vector<double> joint_sample(const Regression& regression, std::span<const double> queries,
                                               std::int64_t count, std::uint64_t seed);

}  // namespace warpbo::gp
