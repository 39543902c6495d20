/// Conditions: when a parameter exists.
#pragma once

#include <warpbo/space.hpp>

#include "space/domain.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

namespace warpbo::space {

/// What a condition demands of one parameter.
struct Term {
  std::size_t parameter = 0;
  bool continuous = false;
  std::vector<std::pair<std::int64_t, std::int64_t>> levels;  ///< accepted levels, as disjoint ascending closed ranges
  double low = -std::numeric_limits<double>::infinity();      ///< continuous parents: accepted numbers
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false, high_open = false;

  [[nodiscard]] bool accepts(std::int64_t level) const noexcept;
  [[nodiscard]] bool accepts(double number) const noexcept;
  /// Whether some value of the domain is accepted; all of them.
  [[nodiscard]] bool possible(const Domain& domain) const;
  [[nodiscard]] bool certain(const Domain& domain) const;
  /// Keeps what both accept.
  void intersect(const Term& other);
};

/// A conjunction, one term per parameter, by ascending parameter. Since parents are declared before children, testing the terms
/// in order meets an absent ancestor before anything that depends on it.
using Condition = std::vector<Term>;

/// The domain of a parameter, by index.
using DomainLookup = std::function<const Domain&(std::size_t)>;

/// Reads the condition of parameter `index`, not including its parents' own conditions. Throws `invalid_argument` with the
/// position and the fix: syntax, a parent that is unknown or not declared before, a comparison that does not fit the parent's
/// type or can never hold.
[[nodiscard]] Condition parse_condition(const std::vector<ParameterSpec>& specs, std::size_t index, const DomainLookup& domain);

/// The full condition of every parameter: its own and those of all its ancestors. Throws what parse_condition throws, and
/// refuses a parameter that can never exist.
[[nodiscard]] std::vector<Condition> compile_conditions(const std::vector<ParameterSpec>& specs, const DomainLookup& domain);

}  // namespace warpbo::space
