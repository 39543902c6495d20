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

constexpr double kLeastOffset = 0.1;  // of values better than the best target

/// What the maps refer to.
struct Statistics {
  double best = 0, median = 0, range = 0, interquartile = 0;
};

Statistics statistics_of(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return {sorted.front(), quantile(sorted, 0.5), sorted.back() - sorted.front(),
          quantile(sorted, 0.75) - quantile(sorted, 0.25)};
}

void compress(const Statistics& of, WarpedTargets& out) {
  const double spread = std::max(of.median - of.best, of.interquartile);
  if (!(spread > 0) || !std::isfinite(spread)) return;
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const double beyond = (out.values[i] - of.median) / spread - 1;
    if (beyond <= 0) continue;
    out.log_slopes[i] -= std::log1p(beyond);
    out.values[i] = of.median + spread * (1 + std::log1p(beyond));
  }
}

/// False where the targets do not allow it.
bool take_logarithm(const Statistics& of, double offset, WarpedTargets& out) {
  const double spread = of.median - of.best;
  if (!(spread > 0) || !std::isfinite(of.range / spread)) return false;
  for (std::size_t i = 0; i < out.values.size(); ++i) {
    const double logarithm = std::log(std::max((out.values[i] - of.best) / spread + offset, kLeastOffset * offset));
    out.log_slopes[i] -= logarithm;
    out.values[i] = spread * logarithm;
  }
  return true;
}

/// Differences of numbers near the largest double overflow; at a quarter of the scale they do not.
constexpr double kSafeScale = 0.25;
constexpr std::size_t kFewestWarped = 4;

/// Takes `out` through the map that belongs to `targets`.
void map(const Warp& warp, const WarpedTargets& targets, WarpedTargets& out) {
  if (warp.kind == Warp::Kind::none || targets.values.size() < kFewestWarped) return;
  const Statistics statistics = statistics_of(targets.values);
  if (warp.kind != Warp::Kind::logarithm || !take_logarithm(statistics, warp.offset, out)) compress(statistics, out);
}

WarpedTargets scaled(std::span<const double> targets) {
  WarpedTargets out{{targets.begin(), targets.end()}, std::vector<double>(targets.size(), std::log(kSafeScale))};
  for (double& y : out.values) y *= kSafeScale;
  return out;
}

}  // namespace

WarpedTargets warp_targets(std::span<const double> targets, const Warp& warp) {
  WarpedTargets out = scaled(targets);
  map(warp, out, out);
  const Standardization standard = Standardization::of(out.values);
  for (double& y : out.values) y = standard.forward(y);
  for (double& slope : out.log_slopes) slope -= std::log(standard.scale);
  return out;
}

std::vector<double> warp_like(std::span<const double> targets, const Warp& warp, std::span<const double> values) {
  WarpedTargets own = scaled(targets), out = scaled(values);
  map(warp, own, out);
  map(warp, own, own);
  const Standardization standard = Standardization::of(own.values);
  for (double& y : out.values) y = standard.forward(y);
  return std::move(out.values);
}

}  // namespace warpbo::gp
