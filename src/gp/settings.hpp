/// What is assumed about the function before any data.
#pragma once

#include "backend/kernel.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace warpbo::gp {

/// The model's fixed choices. Noise is always relative to the outputscale: noise variance / s^2.
struct Settings {
  math::KernelFamily family = math::KernelFamily::matern52;
  std::vector<std::uint8_t> categorical;  ///< per dimension: 1 if compared by equality
  backend::HyperPrior prior;
  double min_lengthscale = 0.01, max_lengthscale = 100;
  double min_noise = 1e-7, max_noise = 10;
  std::optional<double> fixed_noise;  ///< not fitted
};

/// The dimension-scaled prior of Hvarfner, Hellsten & Nardi (2024, arXiv 2402.02229): lengthscales LogNormal(sqrt 2 + ln(d)/2,
/// sqrt 3), noise LogNormal(-4, 1), for points in the unit cube and targets of unit variance.
[[nodiscard]] Settings default_settings(std::int64_t dimensions);

}  // namespace warpbo::gp
