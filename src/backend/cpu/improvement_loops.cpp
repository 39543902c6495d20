#include "backend/cpu/improvement_loops.hpp"

#include "backend/cpu/vectorize.hpp"
#include "math/sampled_improvement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::backend::cpu {

namespace {

/// The largest over the samples of -z^2/2 where z < 0, and 0 elsewhere: what log-sum-exp takes out of the sum.
WARPBO_VECTORIZED
void raise_exponents(std::int64_t count, const double* __restrict mean, double incumbent, const double* __restrict inverse_sd,
                     double* __restrict largest) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double exponent = math::improvement_exponent(math::standardized_gain(mean[i], incumbent, inverse_sd[i]));
    largest[i] = exponent > largest[i] ? exponent : largest[i];
  }
}

/// total += h(z) exp(-largest).
WARPBO_VECTORIZED
void add_improvements(std::int64_t count, const double* __restrict mean, double incumbent, const double* __restrict inverse_sd,
                      const double* __restrict largest, double* __restrict total) {
  for (std::int64_t i = 0; i < count; ++i) {
    total[i] += math::improvement_term(math::standardized_gain(mean[i], incumbent, inverse_sd[i]), largest[i]).total;
  }
}

/// The same, and Phi(z) exp(-largest) -> cdf, phi(z) sqrt(2 pi) exp(-largest) added to density.
WARPBO_VECTORIZED
void add_improvement_terms(std::int64_t count, const double* __restrict mean, double incumbent,
                           const double* __restrict inverse_sd, const double* __restrict largest, double* __restrict total,
                           double* __restrict cdf, double* __restrict density) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto term = math::improvement_term(math::standardized_gain(mean[i], incumbent, inverse_sd[i]), largest[i]);
    total[i] += term.total;
    cdf[i] = term.cdf;
    density[i] += term.density;
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
    for (std::int64_t i = 0; i < count; ++i) floored[i] = math::floored_variance(variance[i]);
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
      if (variance[i] < math::kVarianceFloor) by_variance[i] = 0;
}

}  // namespace warpbo::backend::cpu
