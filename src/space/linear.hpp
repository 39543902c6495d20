/// Linear constraints as text.
#pragma once

#include <warpbo/space.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace warpbo::space {

/// sum of coefficient * parameter  <= bound  (or == bound), in the user's units.
struct LinearConstraint {
  std::vector<std::pair<std::size_t, double>> terms;  ///< by ascending parameter; no zero coefficients
  double bound = 0;
  bool equality = false;
  std::string source;
};

/// Reads "2*x1 - x2/4 + 0.5 <= y": sums, differences, products and quotients with numbers, parentheses; one of <=, >=, ==.
/// Throws `invalid_argument` with the position and the fix: syntax, an unknown parameter or one without numbers, a product of
/// parameters.
[[nodiscard]] LinearConstraint parse_constraint(const std::vector<ParameterSpec>& specs, std::string_view source);

}  // namespace warpbo::space
