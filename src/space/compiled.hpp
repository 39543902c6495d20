/// A space compiled: what Encoder, Space::check and Space::validate share.
#pragma once

#include <warpbo/space.hpp>

#include "space/condition.hpp"
#include "space/constraints.hpp"
#include "space/domain.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace warpbo::space {

/// Parameters, conditions and constraints with everything resolved to indices. Refers to its own copy of the declarations.
class Compiled {
 public:
  /// Throws `invalid_argument` for an unresolvable condition or constraint (not for unsatisfiable ones).
  explicit Compiled(const Space& space);
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  /// Prepares the domains for many conversions.
  void tabulate() {
    for (Domain& domain : domains_) domain.tabulate();
  }

  [[nodiscard]] const std::vector<ParameterSpec>& specs() const noexcept { return specs_; }
  [[nodiscard]] const std::vector<Domain>& domains() const noexcept { return domains_; }
  /// Full conditions by parameter.
  [[nodiscard]] const std::vector<Condition>& conditions() const noexcept { return conditions_; }
  [[nodiscard]] const std::vector<ConstraintSet::Role>& roles() const noexcept { return roles_; }
  [[nodiscard]] const ConstraintSet& constraints() const noexcept { return *constraints_; }

  /// The column of each parameter, -1 for those with one value; and the parameter of each column.
  [[nodiscard]] const std::vector<std::ptrdiff_t>& column_of() const noexcept { return column_of_; }
  [[nodiscard]] const std::vector<std::size_t>& parameter_of() const noexcept { return parameter_of_; }

  /// Whether a parameter exists in the trial of this row.
  [[nodiscard]] bool exists(std::size_t parameter, std::span<const double> row) const;
  /// Writes the numbers of the constraints' variables and whether they exist.
  void gather(std::span<const double> row, std::span<double> x, std::span<unsigned char> existing) const;
  /// The entry of a column in a trial where the parameter does not exist.
  [[nodiscard]] double absent_entry(std::size_t column) const { return domains_[parameter_of_[column]].nominal() ? -1 : 0.5; }

 private:
  std::vector<ParameterSpec> specs_;
  std::vector<Domain> domains_;
  std::vector<Condition> conditions_;
  std::vector<ConstraintSet::Role> roles_;
  std::vector<std::ptrdiff_t> column_of_;
  std::vector<std::size_t> parameter_of_;
  std::unique_ptr<ConstraintSet> constraints_;
};

}  // namespace warpbo::space
