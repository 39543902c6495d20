// Whether the space as a whole makes sense, and how large it is.
#include <warpbo/space.hpp>

#include "base/text.hpp"
#include "space/cardinality.hpp"
#include "space/compiled.hpp"
#include "space/polytope.hpp"
#include "space/spec.hpp"

#include <algorithm>

namespace warpbo {

namespace {

[[noreturn]] void refuse(const Space& space, const std::vector<std::size_t>& rows, const std::string& why) {
  std::string names;
  for (const std::size_t row : rows) names += (names.empty() ? "" : " and ") + text::quote(space.constraints()[row]);
  space::invalid("the constraints leave no feasible point: " + names + why + "; relax one of them, or widen the bounds");
}

/// Linear programming over the box: first what always applies, then each constraint over conditional parameters beside it.
void check_satisfiable(const Space& space, const space::Compiled& compiled) {
  const auto& rows = compiled.constraints().rows();
  std::vector<std::size_t> always;
  for (std::size_t r = 0; r < rows.size(); ++r)
    if (!rows[r].conditional) always.push_back(r);
  const auto require = [&](const std::vector<std::size_t>& chosen, const std::string& when) {
    const std::vector<std::size_t> clash = space::contradiction(compiled, chosen);
    if (clash.empty()) return;
    refuse(
        space, clash,
        (clash.size() == 1 ? " cannot hold within the bounds of its parameters" : " contradict one another within the bounds") +
            when);
  };
  require(always, "");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (!rows[r].conditional) continue;
    std::vector<std::size_t> chosen = always;
    chosen.push_back(r);
    require(chosen, " whenever its parameters exist");
  }
}

/// Integers and steps may miss a feasible set that has room for real numbers: branch and bound decides, if it can in a few
/// hundred programs.
void check_grids(const Space& space, const space::Compiled& compiled) {
  constexpr int kNodes = 500;
  const space::ConstraintSet& constraints = compiled.constraints();
  const std::vector<std::size_t>& variables = constraints.variables();
  if (std::any_of(variables.begin(), variables.end(), [&](std::size_t p) { return compiled.roles()[p].parent; })) return;
  std::vector<unsigned char> exists(variables.size());
  for (std::size_t v = 0; v < variables.size(); ++v) exists[v] = compiled.roles()[variables[v]].conditional ? 0 : 1;
  const space::Polytope polytope(compiled, std::vector<double>(variables.size(), 0.0), exists, true);
  std::vector<double> point;
  const std::vector<double> objective(polytope.variables().size(), 0.0);
  if (polytope.find(objective, kNodes, point) != space::Found::no) return;
  std::vector<std::size_t> rows;
  for (std::size_t r = 0; r < constraints.rows().size(); ++r)
    if (!constraints.rows()[r].conditional) rows.push_back(r);
  refuse(space, rows, " hold for real numbers, but not on the integers and steps of the parameters");
}

}  // namespace

void Space::validate() const {
  if (parameters().empty()) space::invalid("the search space has no parameter; declare at least one");
  const space::Compiled compiled(*this);
  if (compiled.constraints().empty()) return;
  check_satisfiable(*this, compiled);
  check_grids(*this, compiled);
}

std::optional<std::int64_t> Space::cardinality() const { return space::count_points(space::Compiled(*this)); }

}  // namespace warpbo
