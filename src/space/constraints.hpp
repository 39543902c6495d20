/// Linear constraints, compiled: testing, violation, projection onto equalities.
#pragma once

#include <warpbo/space.hpp>

#include "space/domain.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace warpbo::space {

/// All constraints of a space over their own variables: the parameters that at least one of them mentions, numbered 0, 1, ...
/// Points are arrays x of one number per variable, in the user's units, beside flags that tell which variables exist.
class ConstraintSet {
 public:
  using Terms = std::vector<std::pair<std::size_t, double>>;  // variable, coefficient

  /// One constraint, scaled by a power of two such that no term exceeds 2 in size: products cannot overflow.
  struct Row {
    Terms terms;
    double bound = 0;
    bool equality = false;
    bool conditional = false;  ///< mentions a parameter that may be absent
    double tolerance = 0;      ///< what rounding can do to sum - bound
    double range = 1;          ///< the spread of the sum over the box
  };
  /// A variable that an equality determines: x[variable] = constant + sum of coefficient * x[other].
  struct Pivot {
    std::size_t row = 0;
    std::size_t variable = 0;
    double constant = 0;
    Terms terms;
  };
  /// What the constructor needs to know of a parameter beside its domain.
  struct Role {
    bool conditional = false;  ///< may be absent
    bool parent = false;       ///< another parameter's condition names it
  };

  /// `domains` and `roles` are by parameter. Throws `invalid_argument` for an equality that no parameter can be solved for.
  ConstraintSet(const std::vector<ParameterSpec>& specs, const std::vector<std::string>& sources,
                const std::vector<Domain>& domains, const std::vector<Role>& roles);

  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] const std::vector<Row>& rows() const noexcept { return rows_; }
  [[nodiscard]] const std::vector<Pivot>& pivots() const noexcept { return pivots_; }
  /// The parameter of each variable.
  [[nodiscard]] const std::vector<std::size_t>& variables() const noexcept { return variables_; }

  /// Whether all parameters of a row exist.
  [[nodiscard]] bool applies(const Row& row, std::span<const unsigned char> exists) const noexcept;
  /// sum - bound, scaled; > 0 is a violation.
  [[nodiscard]] static double residual(const Row& row, std::span<const double> x) noexcept;
  /// The first row that applies and does not hold, up to rounding.
  [[nodiscard]] std::optional<std::size_t> violated(std::span<const double> x,
                                                    std::span<const unsigned char> exists) const noexcept;
  /// Moves the pivot variables onto their equalities, as far as their domains allow. `domains` is by parameter.
  void project(std::span<double> x, std::span<const unsigned char> exists, const std::vector<Domain>& domains) const;

 private:
  void compile(const std::vector<ParameterSpec>& specs, const std::string& source, const std::vector<Domain>& domains,
               const std::vector<Role>& roles);
  void choose_pivot(std::size_t row, const std::string& source, const std::vector<Domain>& domains,
                    const std::vector<Role>& roles);
  [[nodiscard]] Pivot reduced(std::size_t row, const std::vector<Domain>& domains) const;

  std::vector<std::size_t> variables_;
  std::vector<Row> rows_;
  std::vector<Pivot> pivots_;
};

}  // namespace warpbo::space
