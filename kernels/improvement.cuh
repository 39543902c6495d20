/// Acquisition values and derivatives at one query, by one thread or by the lanes of one warp. The arithmetic is that of
/// src/math/sampled_improvement.hpp.
#pragma once

#include "backend/backend.hpp"
#include "kernels/reduce.cuh"
#include "math/sampled_improvement.hpp"

#include <cmath>
#include <cstdint>

namespace warpbo::backend::cuda {

/// AcquisitionSpec as kernels take it.
struct AcquisitionView {
  AcquisitionKind kind = AcquisitionKind::log_ei;
  const double* incumbents = nullptr;
  std::int64_t samples = 1;  ///< columns of the mean that are read
  double parameter = 0;

  [[nodiscard]] WARPBO_HD bool needs_mean() const { return kind != AcquisitionKind::sd; }
  [[nodiscard]] WARPBO_HD bool needs_variance() const { return kind != AcquisitionKind::mean; }
};

[[nodiscard]] inline AcquisitionView acquisition_view(const AcquisitionSpec& spec) {
  return {spec.kind, spec.incumbents.data, spec.kind == AcquisitionKind::log_ei ? spec.incumbents.size : 1, spec.parameter};
}

/// Who goes through the samples: one thread alone, or a warp whose lanes take every 32nd.
struct OneThread {
  [[nodiscard]] static __device__ int first() { return 0; }
  [[nodiscard]] static constexpr __device__ int step() { return 1; }
  [[nodiscard]] static __device__ double sum(double value) { return value; }
  [[nodiscard]] static __device__ double max(double value) { return value; }
};
struct OneWarp {
  [[nodiscard]] static __device__ int first() { return lane(); }
  [[nodiscard]] static constexpr __device__ int step() { return kWarp; }
  [[nodiscard]] static __device__ double sum(double value) { return warp_sum(value); }
  [[nodiscard]] static __device__ double max(double value) { return warp_max(value); }
};

/// The value at one query and what its derivatives need.
struct Acquired {
  double value;
  double by_variance;
  double largest, total, inverse_sd;  ///< log_ei: see math/sampled_improvement.hpp

  /// The derivative with respect to the mean of a sample.
  [[nodiscard]] __device__ double by_mean(const AcquisitionView& acquisition, double mean, std::int64_t sample) const {
    if (acquisition.kind == AcquisitionKind::log_ei) {
      const double z = math::standardized_gain(mean, acquisition.incumbents[sample], inverse_sd);
      return math::improvement_term(z, largest).cdf * (-inverse_sd / total);
    }
    return acquisition.needs_mean() ? -1.0 : 0.0;
  }
};

template <class Team, class MeanAt>
__device__ inline Acquired acquire_log_ei(const AcquisitionView& acquisition, MeanAt&& mean, double variance) {
  const double inverse_sd = 1 / std::sqrt(variance);
  double largest = -static_cast<double>(INFINITY);
  for (std::int64_t s = Team::first(); s < acquisition.samples; s += Team::step()) {
    const double exponent = math::improvement_exponent(math::standardized_gain(mean(s), acquisition.incumbents[s], inverse_sd));
    largest = exponent > largest ? exponent : largest;
  }
  largest = Team::max(largest);
  double total = 0, density = 0;
  for (std::int64_t s = Team::first(); s < acquisition.samples; s += Team::step()) {
    const auto term = math::improvement_term(math::standardized_gain(mean(s), acquisition.incumbents[s], inverse_sd), largest);
    total += term.total;
    density += term.density;
  }
  total = Team::sum(total);
  density = Team::sum(density);
  const double value = largest + std::log(total / static_cast<double>(acquisition.samples)) - std::log(inverse_sd);
  // d EI/d sd = phi, and d sd/d variance = 1/(2 sd).
  return {value, math::kInverseSqrt2Pi * density / total / (2 * variance), largest, total, inverse_sd};
}

/// `mean(s)` is the mean of sample s; `variance` may be anything if the acquisition does not need it. To be called by all of
/// the team, which all get the result.
template <class Team, class MeanAt>
__device__ inline Acquired acquire(const AcquisitionView& acquisition, MeanAt&& mean, double variance) {
  const double floored = math::floored_variance(variance);
  Acquired out{};
  switch (acquisition.kind) {
    case AcquisitionKind::log_ei:
      out = acquire_log_ei<Team>(acquisition, mean, floored);
      break;
    case AcquisitionKind::ucb:
      out.value = acquisition.parameter * std::sqrt(floored) - mean(0);
      out.by_variance = acquisition.parameter / (2 * std::sqrt(floored));
      break;
    case AcquisitionKind::mean:
      out.value = -mean(0);
      break;
    case AcquisitionKind::sd:
      out.value = std::sqrt(floored);
      out.by_variance = 1 / (2 * std::sqrt(floored));
      break;
  }
  // At the floor the variance does not move.
  if (variance < math::kVarianceFloor) out.by_variance = 0;
  return out;
}

}  // namespace warpbo::backend::cuda
