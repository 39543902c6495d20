#include "samplers/gp_domain.hpp"

#include "math/philox.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::samplers {

GpDomain::GpDomain(const space::Encoder& encoder, const Parameters& fixed) : encoder_(encoder) {
  for (const space::Column& column : encoder.columns())
    columns_.push_back({column.kind == space::ColumnKind::continuous, column.kind == space::ColumnKind::categorical, column.levels});
  if (fixed.empty()) return;
  std::vector<double> row(columns_.size(), 0.5);
  encoder.encode(fixed, row);
  const std::vector<ParameterSpec>& specs = encoder.space().parameters();
  for (std::size_t c = 0; c < columns_.size(); ++c)
    if (fixed.contains(specs[encoder.columns()[c].parameter].name)) fixed_.push_back({c, row[c]});
}

double GpDomain::level_value(std::size_t column, std::int64_t level) const { return encoder_.level_value(column, level); }
std::int64_t GpDomain::nearest_level(std::size_t column, double value) const { return encoder_.nearest_level(column, value); }

void GpDomain::movable(std::span<const double> row, std::span<unsigned char> movable) const {
  encoder_.activity(row, movable);
  for (const Fixed& fixed : fixed_) movable[fixed.column] = 0;
}

void GpDomain::apply_fixed(std::span<double> row) const {
  for (const Fixed& fixed : fixed_) row[fixed.column] = fixed.value;
}

void GpDomain::snap(std::span<double> row) const {
  apply_fixed(row);
  encoder_.snap(row);
}

bool GpDomain::feasible(std::span<const double> row) const {
  for (const Fixed& fixed : fixed_)
    if (row[fixed.column] != fixed.value) return false;
  return encoder_.feasible(row);
}

std::uint64_t GpDomain::key(std::span<const double> row) const {
  std::uint64_t hash = 0;
  for (const double value : row) hash = math::mix64(hash ^ static_cast<std::uint64_t>(std::llround(value * 0x1p27)));
  return hash;
}

bool GpDomain::admissible(std::span<const double> row) const { return !excluded_.contains(key(row)) && feasible(row); }

void GpDomain::exclude(std::span<const double> row) { excluded_.insert(key(row)); }

bool GpDomain::sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const {
  if (!encoder_.sample(uniforms, seed, row)) return false;
  if (fixed_.empty()) return true;
  snap(row);
  for (std::uint64_t attempt = 0; !feasible(row) && attempt < 200; ++attempt) {
    if (!encoder_.sample(uniforms, math::mix64(seed + attempt), row)) return false;
    snap(row);
  }
  return feasible(row);
}

double GpDomain::violation(std::span<const double> row, std::span<double> gradient) const {
  return encoder_.violation(row, gradient);
}

GpDomain::Remaining GpDomain::remaining(std::int64_t limit) const {
  // Excluded points make room: a space of limit + |excluded| points may have only `limit` left.
  const double most = static_cast<double>(limit) + static_cast<double>(excluded_.size());
  double points = 1;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const bool fixed = std::any_of(fixed_.begin(), fixed_.end(), [&](const Fixed& f) { return f.column == c; });
    if (fixed) continue;
    if (columns_[c].continuous) return {};
    points *= static_cast<double>(columns_[c].levels);
    if (points > 4 * most) return {};
  }
  Remaining out;
  std::unordered_set<std::uint64_t> seen;  // absent conditionals make several combinations one point
  std::vector<std::int64_t> level(columns_.size(), 0);
  std::vector<double> row(columns_.size());
  for (bool more = true; more;) {
    for (std::size_t c = 0; c < columns_.size(); ++c) row[c] = columns_[c].continuous ? 0.5 : encoder_.level_value(c, level[c]);
    snap(row);
    if (admissible(row) && seen.insert(key(row)).second) {
      if (static_cast<std::int64_t>(seen.size()) > limit) return {};
      out.rows.insert(out.rows.end(), row.begin(), row.end());
    }
    more = false;
    for (std::size_t c = 0; c < columns_.size() && !more; ++c) {  // mixed-radix counting; fixed and continuous columns stand still
      if (columns_[c].continuous || std::any_of(fixed_.begin(), fixed_.end(), [&](const Fixed& f) { return f.column == c; })) continue;
      if (++level[c] < columns_[c].levels) more = true;
      else level[c] = 0;
    }
  }
  out.finite = true;
  return out;
}

}  // namespace warpbo::samplers
