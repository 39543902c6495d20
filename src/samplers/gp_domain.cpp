#include "samplers/gp_domain.hpp"

#include "math/philox.hpp"

#include <cmath>
#include <limits>

namespace warpbo::samplers {

GpDomain::GpDomain(const Region& region) : region_(region) {
  for (const space::Column& column : region.encoder().columns())
    columns_.push_back(
        {column.kind == space::ColumnKind::continuous, column.kind == space::ColumnKind::categorical, column.levels});
}

double GpDomain::level_value(std::size_t column, std::int64_t level) const {
  return region_.encoder().level_value(column, level);
}

std::int64_t GpDomain::nearest_level(std::size_t column, double value) const {
  return region_.encoder().nearest_level(column, value);
}

void GpDomain::movable(std::span<const double> row, std::span<unsigned char> movable) const {
  region_.encoder().activity(row, movable);
  for (std::size_t c = 0; c < columns_.size(); ++c)
    if (region_.fixed(c)) movable[c] = 0;
}

void GpDomain::snap(std::span<double> row) const { region_.impose(row); }

bool GpDomain::feasible(std::span<const double> row) const { return region_.admits(row); }

std::uint64_t GpDomain::key(std::span<const double> row) const {
  std::uint64_t hash = 0;
  for (const double value : row) hash = math::mix64(hash ^ static_cast<std::uint64_t>(std::llround(value * 0x1p27)));
  return hash;
}

bool GpDomain::admissible(std::span<const double> row) const { return !excluded_.contains(key(row)) && feasible(row); }

void GpDomain::exclude(std::span<const double> row) { excluded_.insert(key(row)); }

bool GpDomain::sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const {
  return region_.draw(uniforms, seed, row);
}

double GpDomain::violation(std::span<const double> row, std::span<double> gradient) const {
  return region_.encoder().violation(row, gradient);
}

bool GpDomain::few_points(double most) const {
  double points = 1;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].continuous && !region_.fixed(c)) return false;
    if (counted(c)) points *= static_cast<double>(columns_[c].levels);
    if (points > most) return false;
  }
  return true;
}

bool GpDomain::finite() const { return few_points(std::numeric_limits<double>::infinity()); }

GpDomain::Remaining GpDomain::remaining(std::int64_t limit) const {
  // What is excluded, infeasible or, for want of a parent, the same point makes room: count through somewhat more than `limit`.
  if (!few_points(4 * (static_cast<double>(limit) + static_cast<double>(excluded_.size())))) return {};
  Remaining out;
  std::unordered_set<std::uint64_t> seen;
  std::vector<std::int64_t> level(columns_.size(), 0);
  std::vector<double> row(columns_.size());
  for (bool more = true; more;) {
    for (std::size_t c = 0; c < columns_.size(); ++c) row[c] = counted(c) ? level_value(c, level[c]) : 0.5;
    snap(row);
    if (admissible(row) && seen.insert(key(row)).second) {
      if (static_cast<std::int64_t>(seen.size()) > limit) return {};
      out.rows.insert(out.rows.end(), row.begin(), row.end());
    }
    more = false;  // the next combination of levels, as digits of a mixed-radix number
    for (std::size_t c = 0; c < columns_.size() && !more; ++c) {
      if (!counted(c)) continue;
      more = ++level[c] < columns_[c].levels;
      if (!more) level[c] = 0;
    }
  }
  out.finite = true;
  return out;
}

}  // namespace warpbo::samplers
