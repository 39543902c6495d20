/// Walks through the points of a region that is a grid: every combination of levels, in a fixed order, each distinct point
/// once.
#pragma once

#include "samplers/region.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace warpbo::samplers {

/// The order is that of nested loops over the space's columns: the first declared parameter moves slowest, the last one
/// fastest, each from its lowest level up. A parameter that does not exist in a point has one level there, so that nothing
/// comes twice. Fixed columns stand still. Constraints are not looked at.
class PointWalk {
 public:
  /// Continuous columns take `grid_points` values evenly from 0 to 1 of their encoded range (one value: the middle).
  PointWalk(const Region& region, int grid_points);

  /// True if every column that is not fixed has levels of its own.
  static bool is_finite(const Region& region);

  /// An upper bound of the number of points: the product of all levels, at most 2^62. Conditions may make it less.
  [[nodiscard]] std::int64_t total() const noexcept { return total_; }

  void to_first();
  /// Somewhere in the walk: column c at level floor(uniforms[c] * levels).
  void to(std::span<const double> uniforms);
  /// False, and then at the first point again, when the last one was reached.
  bool next();

  /// The point as a snapped row.
  [[nodiscard]] const std::vector<double>& row() const noexcept { return row_; }

 private:
  [[nodiscard]] double value(std::size_t column, std::int64_t level) const;
  void place();

  const Region& region_;
  std::vector<std::int64_t> levels_;  // per column; 1 for fixed ones
  std::vector<std::int64_t> digits_;
  std::vector<unsigned char> active_;
  std::vector<double> row_;
  std::int64_t total_ = 1;
};

}  // namespace warpbo::samplers
