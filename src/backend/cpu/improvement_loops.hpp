/// Acquisition values from moments, as vector code over queries.
#pragma once

#include "backend/backend.hpp"

#include <cstdint>

namespace warpbo::backend::cpu {

/// Queries per call.
inline constexpr std::int64_t kQueryStrip = 128;

/// Columns of the mean that the acquisition reads.
inline std::int64_t samples_used(const AcquisitionSpec& spec) {
  return spec.kind == AcquisitionKind::log_ei ? spec.incumbents.size : 1;
}
inline bool needs_variance(const AcquisitionSpec& spec) { return spec.kind != AcquisitionKind::mean; }
inline bool needs_mean(const AcquisitionSpec& spec) { return spec.kind != AcquisitionKind::sd; }

/// Values of `count` <= kQueryStrip queries; mean is count x samples_used with distance `leading`. If `by_mean` is not null,
/// also the derivatives with respect to every mean (same layout, distance kQueryStrip) and to the variance. What the kind does
/// not need may be null.
void acquisition_values(const AcquisitionSpec& spec, std::int64_t count, const double* mean, std::int64_t leading,
                        const double* variance, double* value, double* by_mean, double* by_variance);

}  // namespace warpbo::backend::cpu
