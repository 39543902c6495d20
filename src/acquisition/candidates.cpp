#include "acquisition/candidates.hpp"

#include "math/philox.hpp"
#include "math/sobol.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_set>

namespace warpbo::acquisition {

namespace {

/// Rows seen so far, by their bits.
class RowSet {
 public:
  /// True the first time.
  bool insert(std::span<const double> row) {
    std::uint64_t hash = 0;
    for (const double v : row) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &v, sizeof bits);
      hash = math::mix64(hash ^ bits);
    }
    return seen_.insert(hash).second;
  }

 private:
  std::unordered_set<std::uint64_t> seen_;
};

/// Moves one column by a normal step, reflected at the bounds; a categorical column takes a random level.
double perturbed(const SearchDomain& domain, std::size_t column, double value, double scale, math::PhiloxSequence& random) {
  const DomainColumn& info = domain.columns()[column];
  if (info.categorical)
    return domain.level_value(column, static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(info.levels))));
  double moved = value + scale * random.normal();
  if (!info.continuous && domain.nearest_level(column, moved) == domain.nearest_level(column, value)) {
    // A step shorter than the grid would never leave the level: go to a neighbour.
    const std::int64_t level = domain.nearest_level(column, value) + (moved > value ? 1 : -1);
    return domain.level_value(column, std::clamp<std::int64_t>(level, 0, info.levels - 1));
  }
  const auto [low, high] = domain.range(column);
  if (moved < low) moved = std::min(2 * low - moved, high);
  if (moved > high) moved = std::max(2 * high - moved, low);
  return moved;
}

}  // namespace

void perturb(const SearchDomain& domain, double scale, math::PhiloxSequence& random, std::span<double> row) {
  const std::size_t d = row.size();
  std::vector<unsigned char> movable(d);
  domain.movable(row, movable);
  const double share = std::min(1.0, 20.0 / static_cast<double>(d));
  // Small steps also come one or two coordinates at a time: that is how a narrow valley along an axis is followed.
  const double chance = random.uniform() < 0.5 ? share : std::min(share, 1.5 / static_cast<double>(d));
  const std::size_t always = random.below(d);
  for (std::size_t c = 0; c < d; ++c) {
    const bool chosen = c == always || random.uniform() < chance;
    const double categorical_chance = domain.columns()[c].categorical && c != always ? 0.5 : 1.0;
    if (movable[c] != 0 && chosen && random.uniform() < categorical_chance)
      row[c] = perturbed(domain, c, row[c], scale, random);
  }
  domain.snap(row);
}

std::vector<double> make_candidates(const SearchDomain& domain, const CandidateOptions& options) {
  const std::size_t d = domain.columns().size();
  SearchDomain::Remaining all = domain.remaining(options.count);
  if (all.finite) return std::move(all.rows);

  std::vector<double> rows;
  rows.reserve(static_cast<std::size_t>(options.count) * d);
  RowSet seen;
  const auto keep = [&](std::span<const double> row) {
    if (domain.admissible(row) && seen.insert(row)) rows.insert(rows.end(), row.begin(), row.end());
  };
  std::vector<double> row(d), uniforms(d);
  const std::size_t incumbents = options.incumbents.size() / std::max<std::size_t>(d, 1);
  const double global_share = incumbents == 0 ? 1.0 : options.global_share;
  const auto global = static_cast<std::int64_t>(std::ceil(static_cast<double>(options.count) * global_share));
  for (std::int64_t i = 0; i < global; ++i) {
    for (std::size_t c = 0; c < d; ++c)
      uniforms[c] = math::sobol_uniform(math::sobol_directions(), options.seed, static_cast<std::uint64_t>(i), c);
    if (domain.sample(uniforms, math::mix64(options.seed ^ static_cast<std::uint64_t>(i)), row)) keep(row);
  }
  for (std::int64_t i = 0; i < options.count - global; ++i) {
    math::PhiloxSequence random{options.seed, 1, static_cast<std::uint64_t>(i), 0};
    // Better incumbents are visited more often: a geometric choice.
    std::size_t which = 0;
    while (which + 1 < incumbents && random.uniform() < 0.5) ++which;
    const double scale = options.scales[static_cast<std::size_t>(i) % options.scales.size()];
    std::copy_n(options.incumbents.begin() + static_cast<std::ptrdiff_t>(which * d), d, row.begin());
    perturb(domain, scale, random, row);
    keep(row);
  }
  return rows;
}

}  // namespace warpbo::acquisition
