#include "space/constraints.hpp"

#include "base/text.hpp"
#include "space/linear.hpp"
#include "space/spec.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace warpbo::space {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

double largest(const Domain& domain) { return std::max(std::abs(domain.low()), std::abs(domain.high())); }

void add_term(ConstraintSet::Terms& terms, std::size_t variable, double coefficient) {
  const auto at = std::find_if(terms.begin(), terms.end(), [&](const auto& term) { return term.first == variable; });
  if (at == terms.end())
    terms.emplace_back(variable, coefficient);
  else
    at->second += coefficient;
}

double coefficient_of(const ConstraintSet::Terms& terms, std::size_t variable) {
  const auto at = std::find_if(terms.begin(), terms.end(), [&](const auto& term) { return term.first == variable; });
  return at == terms.end() ? 0 : at->second;
}

}  // namespace

ConstraintSet::ConstraintSet(const std::vector<ParameterSpec>& specs, const std::vector<std::string>& sources,
                             const std::vector<Domain>& domains, const std::vector<Role>& roles) {
  for (const std::string& source : sources) compile(specs, source, domains, roles);
  // Those that always apply first: the others may build on what they determine, not the other way round.
  for (const bool conditional : {false, true})
    for (std::size_t r = 0; r < rows_.size(); ++r)
      if (rows_[r].equality && rows_[r].conditional == conditional) choose_pivot(r, sources[r], domains, roles);
}

void ConstraintSet::compile(const std::vector<ParameterSpec>& specs, const std::string& source,
                            const std::vector<Domain>& domains, const std::vector<Role>& roles) {
  const LinearConstraint parsed = parse_constraint(specs, source);
  Row row;
  row.equality = parsed.equality;
  int exponent = parsed.bound == 0 ? std::numeric_limits<int>::min() : std::ilogb(parsed.bound);
  for (const auto& [parameter, coefficient] : parsed.terms)
    if (const double size = largest(domains[parameter]); size > 0)
      exponent = std::max(exponent, std::ilogb(coefficient) + std::ilogb(size));
  if (exponent == std::numeric_limits<int>::min()) exponent = 0;
  row.bound = std::ldexp(parsed.bound, -exponent);
  double magnitude = std::abs(row.bound);
  double range = 0;
  for (const auto& [parameter, coefficient] : parsed.terms) {
    const auto found = std::find(variables_.begin(), variables_.end(), parameter);
    const auto variable = static_cast<std::size_t>(found - variables_.begin());
    if (found == variables_.end()) variables_.push_back(parameter);
    const Domain& domain = domains[parameter];
    const double scaled = std::ldexp(coefficient, -exponent);
    row.terms.emplace_back(variable, scaled);
    row.conditional = row.conditional || roles[parameter].conditional;
    range += std::abs(scaled) * (domain.high() / 2 - domain.low() / 2) * 2;
    // Snapping to the entry quantum moves a logarithmic parameter by up to 2^-49 of log(high / low), relative to its value.
    magnitude += std::abs(scaled) * largest(domain) * (1 + (domain.log() ? domain.log_width() / 2 : 0));
  }
  row.tolerance = kEpsilon * magnitude * (16 + static_cast<double>(row.terms.size()));
  row.range = range > 0 ? range : 1;
  rows_.push_back(std::move(row));
}

ConstraintSet::Pivot ConstraintSet::reduced(std::size_t row, const std::vector<Domain>& domains) const {
  // Substitutes the variables that earlier equalities determine: sum of terms + constant == 0 remains.
  Pivot out;
  out.row = row;
  out.constant = -rows_[row].bound;
  out.terms = rows_[row].terms;
  for (const Pivot& pivot : pivots_) {
    const double factor = coefficient_of(out.terms, pivot.variable);
    if (factor == 0) continue;
    out.constant += factor * pivot.constant;
    for (const auto& [variable, coefficient] : pivot.terms) add_term(out.terms, variable, factor * coefficient);
    std::erase_if(out.terms, [&](const auto& term) { return term.first == pivot.variable; });
  }
  // What cancels leaves rounding errors behind.
  std::erase_if(out.terms, [&](const auto& term) {
    return std::abs(term.second) * largest(domains[variables_[term.first]]) <= 64 * kEpsilon;
  });
  return out;
}

void ConstraintSet::choose_pivot(std::size_t row, const std::string& source, const std::vector<Domain>& domains,
                                 const std::vector<Role>& roles) {
  Pivot pivot = reduced(row, domains);
  if (pivot.terms.empty()) return;  // follows from the others, or contradicts them, which validate() finds
  const auto elsewhere = [&](std::size_t variable) {
    for (std::size_t r = 0; r < rows_.size(); ++r)
      if (r != row && rows_[r].equality && coefficient_of(rows_[r].terms, variable) != 0) return true;
    return false;
  };
  // Best a linear continuous parameter, then a logarithmic one, each the one with the largest influence, then a grid.
  std::pair<int, double> best{-1, 0};
  for (const auto& [variable, coefficient] : pivot.terms) {
    const Domain& domain = domains[variables_[variable]];
    if (domain.single() || roles[variables_[variable]].parent) continue;
    if (rows_[row].conditional && elsewhere(variable)) continue;
    const int rank = !domain.continuous() ? 0 : domain.log() ? 1 : 2;
    // A grid is best solved for if the others move it by whole steps: the one whose step counts least.
    const double step = domain.continuous() ? 0 : (domain.number_at(1) - domain.number_at(0)) * std::abs(coefficient);
    const std::pair<int, double> merit{rank,
                                       rank == 0 ? -step : std::abs(coefficient) * (domain.high() / 2 - domain.low() / 2)};
    if (merit <= best) continue;
    best = merit;
    pivot.variable = variable;
  }
  const bool fixed = std::all_of(pivot.terms.begin(), pivot.terms.end(),
                                 [&](const auto& term) { return domains[variables_[term.first]].single(); });
  if (fixed) return;  // only constants: holds or not, which validate() finds
  if (best.first < 0)
    invalid("the constraint " + text::quote(source) +
            " cannot be solved for any of its parameters: an equality needs one that is not "
            "constant, that no condition names and, if it may be absent, that no other equality mentions; reformulate it");
  const double own = coefficient_of(pivot.terms, pivot.variable);
  std::erase_if(pivot.terms, [&](const auto& term) { return term.first == pivot.variable; });
  pivot.constant = -pivot.constant / own + 0.0;
  for (auto& [variable, coefficient] : pivot.terms) coefficient = -coefficient / own;
  for (Pivot& earlier : pivots_) {
    const double factor = coefficient_of(earlier.terms, pivot.variable);
    if (factor == 0) continue;
    std::erase_if(earlier.terms, [&](const auto& term) { return term.first == pivot.variable; });
    earlier.constant += factor * pivot.constant;
    for (const auto& [variable, coefficient] : pivot.terms) add_term(earlier.terms, variable, factor * coefficient);
  }
  pivots_.push_back(std::move(pivot));
}

bool ConstraintSet::applies(const Row& row, std::span<const unsigned char> exists) const noexcept {
  return !row.conditional ||
         std::all_of(row.terms.begin(), row.terms.end(), [&](const auto& term) { return exists[term.first] != 0; });
}

double ConstraintSet::residual(const Row& row, std::span<const double> x) noexcept {
  double sum = -row.bound;
  for (const auto& [variable, coefficient] : row.terms) sum += coefficient * x[variable];
  return sum;
}

std::optional<std::size_t> ConstraintSet::violated(std::span<const double> x,
                                                   std::span<const unsigned char> exists) const noexcept {
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    if (!applies(rows_[r], exists)) continue;
    const double excess = residual(rows_[r], x);
    if (!((rows_[r].equality ? std::abs(excess) : excess) <= rows_[r].tolerance)) return r;
  }
  return std::nullopt;
}

void ConstraintSet::project(std::span<double> x, std::span<const unsigned char> exists,
                            const std::vector<Domain>& domains) const {
  for (const Pivot& pivot : pivots_) {
    if (!applies(rows_[pivot.row], exists)) continue;
    double number = pivot.constant;
    for (const auto& [variable, coefficient] : pivot.terms) number += coefficient * x[variable];
    const Domain& domain = domains[variables_[pivot.variable]];
    x[pivot.variable] = domain.continuous() ? std::clamp(number, domain.low(), domain.high()) + 0.0
                                            : domain.number_at(domain.level_of_number(number));
  }
}

}  // namespace warpbo::space
