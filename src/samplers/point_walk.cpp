#include "samplers/point_walk.hpp"

#include <algorithm>

namespace warpbo::samplers {

PointWalk::PointWalk(const Region& region, int grid_points)
    : region_(region),
      levels_(region.dimensions(), 1),
      digits_(region.dimensions(), 0),
      active_(region.dimensions(), 1),
      row_(region.dimensions()) {
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  for (std::size_t c = 0; c < levels_.size(); ++c) {
    const space::Column& column = region.encoder().columns()[c];
    if (!region.fixed(c)) levels_[c] = column.kind == space::ColumnKind::continuous ? grid_points : column.levels;
    total_ = levels_[c] > kMost / total_ ? kMost : total_ * levels_[c];
  }
  to_first();
}

bool PointWalk::is_finite(const Region& region) {
  for (std::size_t c = 0; c < region.dimensions(); ++c) {
    if (!region.fixed(c) && region.encoder().columns()[c].kind == space::ColumnKind::continuous) return false;
  }
  return true;
}

double PointWalk::value(std::size_t column, std::int64_t level) const {
  if (region_.fixed(column)) return *region_.fixed(column);
  if (region_.encoder().columns()[column].kind != space::ColumnKind::continuous) {
    return region_.encoder().level_value(column, level);
  }
  return levels_[column] == 1 ? 0.5 : static_cast<double>(level) / static_cast<double>(levels_[column] - 1);
}

void PointWalk::place() {
  for (std::size_t c = 0; c < row_.size(); ++c) row_[c] = value(c, digits_[c]);
  // Conditions name earlier parameters only, so the digits decide from left to right what exists.
  region_.encoder().activity(row_, active_);
  for (std::size_t c = 0; c < row_.size(); ++c) {
    if (active_[c] == 0) digits_[c] = 0;
  }
  region_.encoder().snap(row_);
}

void PointWalk::to_first() {
  std::fill(digits_.begin(), digits_.end(), 0);
  place();
}

void PointWalk::to(std::span<const double> uniforms) {
  for (std::size_t c = 0; c < digits_.size(); ++c) {
    const auto level = static_cast<std::int64_t>(uniforms[c] * static_cast<double>(levels_[c]));
    digits_[c] = std::clamp<std::int64_t>(level, 0, levels_[c] - 1);
  }
  place();
}

bool PointWalk::next() {
  for (std::size_t c = digits_.size(); c-- > 0;) {
    if (active_[c] == 0 || digits_[c] + 1 >= levels_[c]) {
      digits_[c] = 0;
      continue;
    }
    ++digits_[c];
    place();
    return true;
  }
  place();
  return false;
}

}  // namespace warpbo::samplers
