/// The feasible set of the linear constraints in one context (which parameters exist, what the fixed ones are), and points in
/// it.
#pragma once

#include "space/compiled.hpp"
#include "space/random.hpp"
#include "space/simplex.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace warpbo::space {

/// Whether an exact search found a point, proved that there is none, or gave up.
enum class Found { yes, no, unknown };

/// The variables of the constraints that are free to move, each scaled linearly in the user's units to [0, 1]. Pivots of
/// equalities are eliminated: their domains became rows. Absent, fixed and single-valued variables are not part of it, nor are
/// those without a row.
class Polytope {
 public:
  /// `x` gives the values of variables that stay as they are (parents of conditions). With `keep_grids`, equalities over grids
  /// alone remain as rows, so that find() decides them exactly.
  Polytope(const Compiled& compiled, std::span<const double> x, std::span<const unsigned char> exists, bool keep_grids = false);

  [[nodiscard]] const LinearProgram& program() const noexcept { return program_; }
  /// The variable (of the ConstraintSet) behind each coordinate, and its domain.
  [[nodiscard]] const std::vector<std::size_t>& variables() const noexcept { return variables_; }
  [[nodiscard]] const Domain& domain(std::size_t coordinate) const { return *domains_[coordinate]; }

  /// The user's number at a coordinate in [0, 1], and back.
  [[nodiscard]] double number(std::size_t coordinate, double y) const;
  [[nodiscard]] double coordinate_of(std::size_t coordinate, double number) const;

  /// A point that is far in the direction of `objective`, with every grid coordinate on a level: branch and bound, at most
  /// `nodes` programs.
  Found find(std::span<const double> objective, int nodes, std::vector<double>& point) const;

 private:
  void add_pivot_rows(const Compiled& compiled, std::span<const double> x, std::span<const unsigned char> exists);
  void add_substituted(const Compiled& compiled, const ConstraintSet::Terms& terms, double limit, std::span<const double> x,
                       std::span<const unsigned char> exists);

  std::vector<std::size_t> variables_;
  std::vector<const Domain*> domains_;
  std::vector<std::ptrdiff_t> coordinate_;          // by variable; -1 if it is not free
  std::vector<const ConstraintSet::Pivot*> pivot_;  // by variable; nullptr if no equality determines it here
  LinearProgram program_;
};

/// The constraints among `rows` (indices into ConstraintSet::rows()) that contradict one another, a minimal set; empty if there
/// is a point of the box, grids taken as continua, that satisfies all of them.
[[nodiscard]] std::vector<std::size_t> contradiction(const Compiled& compiled, std::vector<std::size_t> rows);

}  // namespace warpbo::space
