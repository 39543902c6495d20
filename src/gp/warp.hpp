/// Targets made friendlier to a Gaussian process.
#pragma once

#include <span>
#include <vector>

namespace warpbo::gp {

/// A strictly increasing map of targets, before they are standardized. With the best value b, the median m and the spread s of
/// the targets (the distance from b to m):
///   none         y;
///   compressed   values above m + s are pulled in, m + s (1 + log(1 + (y - m - s) / s)), where s is the interquartile range
///                if that is larger: one wild outlier costs the rest no resolution, what is good is left as it is;
///   logarithm    s log((y - b) / s + offset): what is good is drawn apart, for objectives that vary over orders of magnitude.
///                Where m = b, or the targets' range is more than a double holds of s, it is `compressed`.
/// Fewer than four targets are left as they are.
struct Warp {
  enum class Kind { none, compressed, logarithm };
  Kind kind = Kind::compressed;
  double offset = 1;  ///< of the logarithm; small ones draw the best further apart
};

struct WarpedTargets {
  std::vector<double> values;      ///< zero mean and unit variance; constant targets give zeros
  std::vector<double> log_slopes;  ///< logarithm of d value / d target at every target, the statistics held fixed
};

/// Targets for minimization, finite, at any scale. Order is kept (strictly, up to rounding).
[[nodiscard]] WarpedTargets warp_targets(std::span<const double> targets, const Warp& warp);

/// What the map of `targets` makes of other values (predictions of them). Where the logarithm does not exist, or is less than
/// that of a tenth of the offset, it is taken of that tenth.
[[nodiscard]] std::vector<double> warp_like(std::span<const double> targets, const Warp& warp, std::span<const double> values);

}  // namespace warpbo::gp
