#include "backend/cpu/improvement_loops.hpp"

#include "backend/cpu/vectorize.hpp"
#include "math/expected_improvement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::backend::cpu {

namespace {

/// Keeps z^2 finite. A NaN stays one.
[[gnu::always_inline]] inline double standardized(double mean, double incumbent, double inverse_sd) {
  const double z = (incumbent - mean) * inverse_sd;
  return z < -1e150 ? -1e150 : z > 1e150 ? 1e150 : z;
}

/// The largest over the samples of -z^2/2 where z < 0, and 0 elsewhere: what log-sum-exp takes out of the sum.
WARPBO_VECTORIZED
void raise_exponents(std::int64_t count, const double* __restrict mean, double incumbent, const double* __restrict inverse_sd,
                     double* __restrict largest) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double z = standardized(mean[i], incumbent, inverse_sd[i]);
    const double exponent = z < 0 ? -0.5 * z * z : 0.0;
    largest[i] = exponent > largest[i] ? exponent : largest[i];
  }
}

/// total += h(z) exp(-largest). A sample with z > 0 puts `largest` at 0, so the part max(z, 0) needs no factor.
WARPBO_VECTORIZED
void add_improvements(std::int64_t count, const double* __restrict mean, double incumbent, const double* __restrict inverse_sd,
                      const double* __restrict largest, double* __restrict total) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double z = standardized(mean[i], incumbent, inverse_sd[i]);
    const double size = std::fabs(z);
    total[i] += (z > 0 ? z : 0.0) + math::exponential(-0.5 * z * z - largest[i]) * math::scaled_improvement(size);
  }
}

/// The same, and Phi(z) exp(-largest) -> cdf, phi(z) sqrt(2 pi) exp(-largest) added to density.
WARPBO_VECTORIZED
void add_improvement_terms(std::int64_t count, const double* __restrict mean, double incumbent,
                           const double* __restrict inverse_sd, const double* __restrict largest, double* __restrict total,
                           double* __restrict cdf, double* __restrict density) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double z = standardized(mean[i], incumbent, inverse_sd[i]);
    const double size = std::fabs(z);
    const double e = math::exponential(-0.5 * z * z - largest[i]);
    const double tail = e * math::scaled_cdf(size);
    total[i] += (z > 0 ? z : 0.0) + e * math::scaled_improvement(size);
    cdf[i] = z > 0 ? 1.0 - tail : tail;
    density[i] += e;
  }
}

void log_improvements(const AcquisitionSpec& spec, std::int64_t count, const double* mean, std::int64_t leading,
                      const double* variance, double* value, double* by_mean, double* by_variance) {
  alignas(64) double inverse_sd[kQueryStrip], largest[kQueryStrip], total[kQueryStrip], density[kQueryStrip];
  const std::int64_t samples = spec.incumbents.size;
  for (std::int64_t i = 0; i < count; ++i) {
    inverse_sd[i] = 1 / std::sqrt(variance[i]);
    largest[i] = -std::numeric_limits<double>::infinity();
    total[i] = density[i] = 0;
  }
  for (std::int64_t s = 0; s < samples; ++s)
    raise_exponents(count, mean + s * leading, spec.incumbents.data[s], inverse_sd, largest);
  for (std::int64_t s = 0; s < samples; ++s) {
    if (by_mean == nullptr)
      add_improvements(count, mean + s * leading, spec.incumbents.data[s], inverse_sd, largest, total);
    else
      add_improvement_terms(count, mean + s * leading, spec.incumbents.data[s], inverse_sd, largest, total,
                            by_mean + s * kQueryStrip, density);
  }
  for (std::int64_t i = 0; i < count; ++i)
    value[i] = largest[i] + std::log(total[i] / static_cast<double>(samples)) - std::log(inverse_sd[i]);
  if (by_mean == nullptr) return;
  for (std::int64_t s = 0; s < samples; ++s)
    for (std::int64_t i = 0; i < count; ++i) by_mean[i + s * kQueryStrip] *= -inverse_sd[i] / total[i];
  // d EI/d sd = phi, and d sd/d variance = 1/(2 sd).
  for (std::int64_t i = 0; i < count; ++i) by_variance[i] = math::kInverseSqrt2Pi * density[i] / total[i] / (2 * variance[i]);
}

}  // namespace

void acquisition_values(const AcquisitionSpec& spec, std::int64_t count, const double* mean, std::int64_t leading,
                        const double* variance, double* value, double* by_mean, double* by_variance) {
  alignas(64) double floored[kQueryStrip];
  if (needs_variance(spec))
    for (std::int64_t i = 0; i < count; ++i) floored[i] = variance[i] < kVarianceFloor ? kVarianceFloor : variance[i];
  switch (spec.kind) {
    case AcquisitionKind::log_ei:
      log_improvements(spec, count, mean, leading, floored, value, by_mean, by_variance);
      break;
    case AcquisitionKind::ucb:
      for (std::int64_t i = 0; i < count; ++i) value[i] = spec.parameter * std::sqrt(floored[i]) - mean[i];
      break;
    case AcquisitionKind::mean:
      for (std::int64_t i = 0; i < count; ++i) value[i] = -mean[i];
      break;
    case AcquisitionKind::sd:
      for (std::int64_t i = 0; i < count; ++i) value[i] = std::sqrt(floored[i]);
      break;
  }
  if (by_mean == nullptr) return;
  if (spec.kind != AcquisitionKind::log_ei) {
    std::fill_n(by_mean, count, needs_mean(spec) ? -1.0 : 0.0);
    const double factor = spec.kind == AcquisitionKind::ucb ? spec.parameter : 1.0;
    for (std::int64_t i = 0; i < count; ++i) by_variance[i] = needs_variance(spec) ? factor / (2 * std::sqrt(floored[i])) : 0.0;
  }
  // At the floor the variance does not move.
  if (needs_variance(spec))
    for (std::int64_t i = 0; i < count; ++i)
      if (variance[i] < kVarianceFloor) by_variance[i] = 0;
}

}  // namespace warpbo::backend::cpu
