/// Small dense linear programs.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace warpbo::space {

/// The points y with matrix * y <= bound (by component) and lower <= y <= upper. All bounds of y are finite; rows and variables
/// should be scaled to about 1.
struct LinearProgram {
  std::size_t variables = 0;
  std::vector<double> matrix;  ///< row-major, bound.size() x variables
  std::vector<double> bound;
  std::vector<double> lower, upper;

  [[nodiscard]] std::size_t rows() const noexcept { return bound.size(); }
  /// Appends a row, scaled so that its largest coefficient is 1. A row without coefficients stays as it is.
  void add_row(std::span<const double> coefficients, double limit);
};

/// How far a point may be outside of a row and still count as inside.
inline constexpr double kSimplexTolerance = 1e-12;

/// A vertex that maximizes objective * y, or nothing if there is no such point. Primal simplex with bounded variables: the
/// tableau has one row per constraint, however many variables have bounds. Phase 1 minimizes the sum of infeasibilities (Maros
/// 2003, chapter 9).
[[nodiscard]] std::optional<std::vector<double>> maximize(const LinearProgram& program, std::span<const double> objective);

}  // namespace warpbo::space
