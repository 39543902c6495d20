/// Targets made friendlier to a Gaussian process: what is far worse than the rest is pulled in, what is good is left as it is.
#pragma once

#include <span>
#include <vector>

namespace warpbo::gp {

/// Standardized targets for minimization, from finite values at any scale. Order is kept (strictly, up to rounding).
///
/// With median m and spread s (the distance from the best value to the median, or the interquartile range if that is larger),
/// values above m + s are compressed logarithmically: m + s (1 + log(1 + (y - m - s) / s)). One wild outlier therefore costs
/// the rest no resolution. The result has zero mean and unit variance; constant targets give zeros.
[[nodiscard]] std::vector<double> warped_targets(std::span<const double> targets, bool compress);

}  // namespace warpbo::gp
