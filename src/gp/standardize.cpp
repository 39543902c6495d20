#include "gp/standardize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace warpbo::gp {

Standardization Standardization::of(std::span<const double> targets) {
  Standardization out;
  double largest = 0;
  for (const double y : targets) largest = std::max(largest, std::fabs(y));
  if (targets.empty() || largest == 0) return out;
  const double n = static_cast<double>(targets.size());
  double mean = 0;
  for (const double y : targets) mean += y / largest / n;
  double variance = 0;
  for (const double y : targets) variance += (y / largest - mean) * (y / largest - mean) / n;
  out.center = mean * largest;
  const double deviation = std::sqrt(variance);
  // Below the rounding error of the values themselves there is no variation to scale by.
  const double floor = 4 * std::numeric_limits<double>::epsilon();
  out.scale = deviation > floor ? deviation * largest : largest;
  out.scale = std::max(out.scale, std::numeric_limits<double>::min());
  return out;
}

}  // namespace warpbo::gp
