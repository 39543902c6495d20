#include "gp/warp.hpp"

#include "gp/standardize.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::gp {

namespace {

/// The value below which a share of the sorted values lies, by linear interpolation.
double quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = position - static_cast<double>(below);
  return sorted[below] * (1 - fraction) + sorted[above] * fraction;
}

void compress_bad_side(std::vector<double>& values) {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const double median = quantile(sorted, 0.5);
  const double spread = std::max(median - sorted.front(), quantile(sorted, 0.75) - quantile(sorted, 0.25));
  if (!(spread > 0) || !std::isfinite(spread)) return;
  for (double& y : values) {
    const double beyond = (y - median) / spread - 1;
    if (beyond > 0) y = median + spread * (1 + std::log1p(beyond));
  }
}

}  // namespace

std::vector<double> warped_targets(std::span<const double> targets, bool compress) {
  std::vector<double> values(targets.begin(), targets.end());
  if (values.empty()) return values;
  // Differences of numbers near the largest double overflow; at a quarter of the scale they do not.
  for (double& y : values) y *= 0.25;
  if (compress && values.size() >= 4) compress_bad_side(values);
  const Standardization standard = Standardization::of(values);
  for (double& y : values) y = standard.forward(y);
  return values;
}

}  // namespace warpbo::gp
