/// What the two ways of evaluating a likelihood share: arguments, priors, and the density from a few sums.
#pragma once

#include "backend/backend.hpp"
#include "kernels/covariance.cuh"
#include "math/profiled_density.hpp"

#include <cmath>
#include <cstdint>

namespace warpbo::backend {
class CudaBackend;
}

namespace warpbo::backend::cuda {

/// Likelihood of backend.hpp as kernels take it.
struct LikelihoodArgs {
  CovarianceView covariance;  ///< of member 0
  ConstMatrix points, targets;
  const double* noise_weights;  ///< null: ones
  HyperPrior prior;
  const std::int32_t* active;  ///< null: all members
  double* value;
  Matrix gradient;  ///< empty: values only
  std::int32_t* info;
  const LikelihoodData* data = nullptr;  ///< null: all members have what stands above
  const std::int32_t* indices = nullptr;

  [[nodiscard]] __device__ bool idle(std::int64_t member) const { return active != nullptr && member >= *active; }
  [[nodiscard]] __device__ bool with_gradient() const { return !gradient.empty(); }

  // What a member has. They are read where they are needed and not kept: registers are scarce.
  [[nodiscard]] __device__ const LikelihoodData& own(std::int64_t member) const { return data[indices[member]]; }
  [[nodiscard]] __device__ ConstMatrix points_of(std::int64_t member) const {
    return data != nullptr ? own(member).points : points.member(member);
  }
  [[nodiscard]] __device__ std::int64_t size_of(std::int64_t member) const {
    return data != nullptr ? own(member).points.rows : points.rows;
  }
  [[nodiscard]] __device__ const double* targets_of(std::int64_t member) const {
    return data != nullptr ? own(member).targets : targets.member(member).data;
  }
  [[nodiscard]] __device__ double noise_weight(std::int64_t member, std::int64_t i) const {
    const double* weights = data != nullptr ? own(member).noise_weights : noise_weights;
    return weights != nullptr ? weights[i] : 1.0;
  }
  [[nodiscard]] __device__ const HyperPrior& prior_of(std::int64_t member) const {
    return data != nullptr ? own(member).prior : prior;
  }
  [[nodiscard]] __device__ CovarianceView covariance_of(std::int64_t member) const {
    CovarianceView out = covariance.at_row(member);
    if (data != nullptr) out.categorical = own(member).categorical;
    return out;
  }
};

/// Evaluates all members by one block each if n is small enough for that; false (and nothing done) if it is not.
[[nodiscard]] bool small_likelihood(CudaBackend& backend, const LikelihoodArgs& args, std::int64_t batch);

__device__ inline double prior_penalty(const HyperPrior& prior, const CovarianceView& covariance, std::int64_t k) {
  const double theta = covariance.theta[k * covariance.leading];
  return k < covariance.columns ? math::normal_penalty(theta, prior.lengthscale_center, prior.lengthscale_sd)
                                : math::normal_penalty(theta, prior.noise_center, prior.noise_sd);
}
__device__ inline double prior_slope(const HyperPrior& prior, const CovarianceView& covariance, std::int64_t k) {
  const double theta = covariance.theta[k * covariance.leading];
  return k < covariance.columns ? math::normal_penalty_slope(theta, prior.lengthscale_center, prior.lengthscale_sd)
                                : math::normal_penalty_slope(theta, prior.noise_center, prior.noise_sd);
}

/// What every thread needs to know of a member after its factor is known.
struct Density {
  double mean = 0;
  double outputscale = 1;
  double value = 0;
};

}  // namespace warpbo::backend::cuda
