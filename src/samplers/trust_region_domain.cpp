#include "samplers/trust_region_domain.hpp"

#include "math/philox.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::samplers {

namespace {

constexpr double kMovedCoordinates = 20;  // at a time, of many (Regis & Shoemaker 2013)

}  // namespace

TrustRegionDomain::TrustRegionDomain(acquisition::SearchDomain& domain, std::vector<double> centre,
                                     const std::vector<double>& half_widths)
    : domain_(domain), centre_(std::move(centre)), ranges_(centre_.size(), {0.0, 1.0}) {
  std::vector<unsigned char> movable(centre_.size());
  domain_.movable(centre_, movable);
  for (std::size_t c = 0; c < centre_.size(); ++c) {
    const acquisition::DomainColumn& column = domain_.columns()[c];
    if (column.categorical || movable[c] == 0) continue;
    double low = centre_[c] - half_widths[c], high = centre_[c] + half_widths[c];
    if (!column.continuous) {
      const std::int64_t level = domain_.nearest_level(c, centre_[c]);
      low = std::min(low, domain_.level_value(c, std::max<std::int64_t>(level - 1, 0)));
      high = std::max(high, domain_.level_value(c, std::min(level + 1, column.levels - 1)));
    }
    ranges_[c] = {std::max(low, 0.0), std::min(high, 1.0)};
  }
}

void TrustRegionDomain::snap(std::span<double> row) const {
  for (std::size_t c = 0; c < row.size(); ++c)
    if (!columns()[c].categorical) row[c] = std::clamp(row[c], ranges_[c].first, ranges_[c].second);
  domain_.snap(row);
}

bool TrustRegionDomain::sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const {
  const std::size_t d = centre_.size();
  const double chance = std::min(1.0, kMovedCoordinates / static_cast<double>(d));
  const std::size_t always = math::mix64(seed) % d;
  std::vector<double> moved(centre_);
  for (std::size_t c = 0; c < d; ++c) {
    if (c != always && !(math::philox_uniform(seed, 5, 0, c) < chance)) continue;
    const acquisition::DomainColumn& column = columns()[c];
    if (column.categorical)  // the centre's category half of the time
      moved[c] = uniforms[c] < 0.5 ? centre_[c] : std::floor((2 * uniforms[c] - 1) * static_cast<double>(column.levels));
    else
      moved[c] = ranges_[c].first + uniforms[c] * (ranges_[c].second - ranges_[c].first);
  }
  // Constraints are convex and the centre satisfies them: what is outside is pulled towards it, or, where the centre lies on
  // the boundary, mirrored.
  for (const double side : {1.0, -1.0}) {
    for (double share = 1; share > 0.05; share *= 0.7) {
      for (std::size_t c = 0; c < d; ++c)
        row[c] = columns()[c].categorical ? moved[c] : centre_[c] + side * share * (moved[c] - centre_[c]);
      snap(row);
      if (feasible(row)) return true;
      if (!constrained()) return false;
    }
  }
  return false;
}

}  // namespace warpbo::samplers
