/// Maps trials to points that a model can work with, and back.
///
/// A point has one column per parameter that has more than one value. Numeric columns (real, integer, ordinal) lie in [0, 1];
/// linear parameters map linearly, log parameters through the logarithm, so that low -> 0 and high -> 1 (the largest value that
/// the step allows). Categorical columns hold the index of the choice, compared by equality. A conditional parameter that does
/// not exist in a trial gets 0.5 (numeric) or -1 (categorical): two trials without it do not differ in this column, and a trial
/// without it sits in the middle of those that have it.
///
/// Snapped entries of continuous columns are multiples of 2^-48 (coarser where the range holds few doubles), so that encoding a
/// decoded point gives it back bit for bit. A real value from elsewhere therefore need not come back bit for bit from
/// decode(encode(value)): who fixes a value puts it back after decoding.
#pragma once

#include <warpbo/space.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace warpbo::space {

enum class ColumnKind {
  continuous,   ///< any value in [0, 1]
  grid,         ///< `levels` admissible values, increasing in [0, 1] (stepped real, integer, ordinal)
  categorical,  ///< 0, 1, ..., levels - 1
};

struct Column {
  ColumnKind kind = ColumnKind::continuous;
  std::int64_t levels = 0;    ///< grid and categorical: how many values; 0 for continuous
  std::size_t parameter = 0;  ///< index into Space::parameters()
  bool conditional = false;   ///< may be absent
};

class Encoder {
 public:
  /// Copies what it needs; throws what Space::validate throws.
  explicit Encoder(const Space& space);

  [[nodiscard]] std::size_t dimensions() const noexcept { return columns_.size(); }
  [[nodiscard]] const std::vector<Column>& columns() const noexcept { return columns_; }
  [[nodiscard]] const Space& space() const noexcept { return space_; }

  /// Writes the point of a trial's parameters (`dimensions()` values). Values outside the domain (an older history, another
  /// program) are clamped; unknown choices and wrong types return false, and the row is then unspecified.
  /// A parameter that is missing although it should exist (another program did not know it) is encoded like an absent one.
  bool encode(const Parameters& parameters, std::span<double> row) const;

  /// The trial of a point: every value exactly in its domain, absent conditionals left out, constants added, in the space's
  /// order. Continuous columns are clamped to [0, 1]; grid and categorical columns take the nearest admissible value.
  [[nodiscard]] Parameters decode(std::span<const double> row) const;

  /// Moves a point onto the values that decode() would give it: encode(decode(row)), without building Parameters.
  void snap(std::span<double> row) const;

  /// Value number `level` of a grid or categorical column, as it stands in a row.
  [[nodiscard]] double level_value(std::size_t column, std::int64_t level) const;
  /// The level nearest to a row's entry.
  [[nodiscard]] std::int64_t nearest_level(std::size_t column, double value) const;

  /// True when some parameters may be absent.
  [[nodiscard]] bool conditional() const noexcept;
  /// Sets `active[c]` to whether column c exists in this point.
  void activity(std::span<const double> row, std::span<unsigned char> active) const;

  /// True when the space has linear constraints.
  [[nodiscard]] bool constrained() const noexcept;
  /// Whether a snapped point satisfies every constraint that applies to it.
  [[nodiscard]] bool feasible(std::span<const double> row) const;
  /// Sum of squared violations of the constraints, each scaled by its range over the box, at any (not snapped) point; adds the
  /// derivative with respect to the row to `gradient` unless that is empty.
  double violation(std::span<const double> row, std::span<double> gradient) const;
  /// Draws a feasible, snapped point from uniform numbers in [0, 1): `uniforms` holds `dimensions()` of them for the first
  /// attempt, `seed` drives further ones (rejection, then hit-and-run from a feasible interior point). False when none was
  /// found.
  bool sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const;

 private:
  Space space_;
  std::vector<Column> columns_;
  struct Tables;  // bounds, transforms, levels, compiled conditions and constraints
  std::shared_ptr<const Tables> tables_;
};

}  // namespace warpbo::space
