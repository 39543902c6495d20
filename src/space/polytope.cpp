#include "space/polytope.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace warpbo::space {

namespace {

/// high - low of a domain times a coefficient; the halves keep it finite.
double scaled_width(const Domain& domain, double coefficient) {
  return 2 * (coefficient * (domain.high() / 2 - domain.low() / 2));
}

}  // namespace

Polytope::Polytope(const Compiled& compiled, std::span<const double> x, std::span<const unsigned char> exists,
                   bool keep_grids) {
  const ConstraintSet& constraints = compiled.constraints();
  const std::size_t count = constraints.variables().size();
  coordinate_.assign(count, -1);
  pivot_.assign(count, nullptr);
  for (const ConstraintSet::Pivot& pivot : constraints.pivots())
    if (constraints.applies(constraints.rows()[pivot.row], exists) &&
        !(keep_grids && !compiled.domains()[constraints.variables()[pivot.variable]].continuous()))
      pivot_[pivot.variable] = &pivot;
  std::vector<unsigned char> used(count, 0);
  for (const ConstraintSet::Row& row : constraints.rows()) {
    if (!constraints.applies(row, exists)) continue;
    for (const auto& [variable, coefficient] : row.terms) {
      used[variable] = 1;
      if (pivot_[variable] == nullptr) continue;
      for (const auto& [other, factor] : pivot_[variable]->terms) used[other] = 1;
    }
  }
  for (std::size_t v = 0; v < count; ++v) {
    const std::size_t p = constraints.variables()[v];
    if (used[v] == 0 || exists[v] == 0 || pivot_[v] != nullptr || compiled.domains()[p].single() || compiled.roles()[p].parent)
      continue;
    coordinate_[v] = static_cast<std::ptrdiff_t>(variables_.size());
    variables_.push_back(v);
    domains_.push_back(&compiled.domains()[p]);
  }
  program_.variables = variables_.size();
  program_.lower.assign(variables_.size(), 0.0);
  program_.upper.assign(variables_.size(), 1.0);
  for (const ConstraintSet::Row& row : constraints.rows())
    if (!row.equality && constraints.applies(row, exists)) add_substituted(compiled, row.terms, row.bound, x, exists);
  for (const ConstraintSet::Pivot& pivot : constraints.pivots()) {
    const ConstraintSet::Row& row = constraints.rows()[pivot.row];
    if (pivot_[pivot.variable] != nullptr || !constraints.applies(row, exists)) continue;
    add_substituted(compiled, row.terms, row.bound + row.tolerance, x, exists);
    ConstraintSet::Terms opposite = row.terms;
    for (auto& [variable, coefficient] : opposite) coefficient = -coefficient;
    add_substituted(compiled, opposite, -row.bound + row.tolerance, x, exists);
  }
  add_pivot_rows(compiled, x, exists);
}

void Polytope::add_pivot_rows(const Compiled& compiled, std::span<const double> x, std::span<const unsigned char> exists) {
  const ConstraintSet& constraints = compiled.constraints();
  for (std::size_t v = 0; v < pivot_.size(); ++v) {
    if (pivot_[v] == nullptr) continue;
    const Domain& domain = compiled.domains()[constraints.variables()[v]];
    add_substituted(compiled, {{v, 1.0}}, domain.high(), x, exists);
    add_substituted(compiled, {{v, -1.0}}, -domain.low(), x, exists);
  }
}

void Polytope::add_substituted(const Compiled& compiled, const ConstraintSet::Terms& terms, double limit,
                               std::span<const double> x, std::span<const unsigned char> exists) {
  const ConstraintSet& constraints = compiled.constraints();
  std::vector<double> coefficients(variables_.size(), 0.0);
  std::vector<double> magnitudes(variables_.size(), 0.0);
  const auto add = [&](std::size_t variable, double coefficient) {
    const Domain& domain = compiled.domains()[constraints.variables()[variable]];
    if (coordinate_[variable] >= 0) {
      limit -= coefficient * domain.low();
      const auto k = static_cast<std::size_t>(coordinate_[variable]);
      coefficients[k] += scaled_width(domain, coefficient);
      magnitudes[k] += std::abs(scaled_width(domain, coefficient));
    } else if (exists[variable] != 0) {
      limit -= coefficient * (domain.single() ? domain.low() : x[variable]);
    }
  };
  for (const auto& [variable, coefficient] : terms) {
    if (pivot_[variable] == nullptr) {
      add(variable, coefficient);
      continue;
    }
    limit -= coefficient * pivot_[variable]->constant;
    for (const auto& [other, factor] : pivot_[variable]->terms) add(other, coefficient * factor);
  }
  // What cancels leaves rounding errors, which must not become a constraint.
  for (std::size_t k = 0; k < coefficients.size(); ++k)
    if (std::abs(coefficients[k]) <= 64 * std::numeric_limits<double>::epsilon() * magnitudes[k]) coefficients[k] = 0;
  program_.add_row(coefficients, limit);
}

double Polytope::number(std::size_t coordinate, double y) const {
  const Domain& domain = *domains_[coordinate];
  if (!domain.continuous()) return domain.number_at(std::llround(y * static_cast<double>(domain.levels() - 1)));
  return std::clamp(2 * (domain.low() / 2 + y * (domain.high() / 2 - domain.low() / 2)), domain.low(), domain.high());
}

double Polytope::coordinate_of(std::size_t coordinate, double number) const {
  const Domain& domain = *domains_[coordinate];
  return std::clamp((number / 2 - domain.low() / 2) / (domain.high() / 2 - domain.low() / 2), 0.0, 1.0);
}

Found Polytope::find(std::span<const double> objective, int nodes, std::vector<double>& point) const {
  constexpr double kIntegral = 1e-6;
  std::vector<LinearProgram> open{program_};
  bool gave_up = false;
  while (!open.empty()) {
    if (--nodes < 0) return Found::unknown;
    LinearProgram node = std::move(open.back());
    open.pop_back();
    const auto vertex = maximize(node, objective);
    if (!vertex) continue;
    std::size_t branch = variables_.size();
    double worst = kIntegral;
    for (std::size_t k = 0; k < variables_.size(); ++k) {
      if (domains_[k]->continuous()) continue;
      const double position = (*vertex)[k] * static_cast<double>(domains_[k]->levels() - 1);
      const double distance = std::abs(position - std::round(position));
      if (distance > worst) worst = distance, branch = k;
    }
    if (branch < variables_.size()) {
      const double last = static_cast<double>(domains_[branch]->levels() - 1);
      const double position = (*vertex)[branch] * last;
      LinearProgram above = node;
      above.lower[branch] = std::max(above.lower[branch], std::ceil(position) / last);
      node.upper[branch] = std::min(node.upper[branch], std::floor(position) / last);
      // The nearer half is searched first: it is pushed last.
      std::array<LinearProgram*, 2> halves{&above, &node};
      if (position - std::floor(position) > 0.5) std::swap(halves[0], halves[1]);
      for (LinearProgram* half : halves)
        if (half->lower[branch] <= half->upper[branch]) open.push_back(std::move(*half));
      continue;
    }
    // All grids stand on levels up to rounding: put them there exactly, and let the continuous coordinates follow.
    for (std::size_t k = 0; k < variables_.size(); ++k) {
      if (domains_[k]->continuous()) continue;
      const double last = static_cast<double>(domains_[k]->levels() - 1);
      node.lower[k] = node.upper[k] = std::round((*vertex)[k] * last) / last;
    }
    const auto settled = maximize(node, objective);
    if (settled) {
      point = *settled;
      return Found::yes;
    }
    gave_up = true;
  }
  return gave_up ? Found::unknown : Found::no;
}

std::vector<std::size_t> contradiction(const Compiled& compiled, std::vector<std::size_t> rows) {
  const ConstraintSet& constraints = compiled.constraints();
  const std::size_t count = constraints.variables().size();
  const auto satisfiable = [&](const std::vector<std::size_t>& chosen) {
    LinearProgram program;
    program.variables = count;
    program.lower.assign(count, 0.0);
    program.upper.assign(count, 1.0);
    for (const std::size_t r : chosen) {
      const ConstraintSet::Row& row = constraints.rows()[r];
      std::vector<double> coefficients(count, 0.0);
      double limit = row.bound;
      for (const auto& [variable, coefficient] : row.terms) {
        const Domain& domain = compiled.domains()[constraints.variables()[variable]];
        limit -= coefficient * domain.low();
        coefficients[variable] = scaled_width(domain, coefficient);
      }
      // A relation between constants alone is a row without coefficients, which only rounding may violate.
      program.add_row(coefficients, limit + row.tolerance);
      if (!row.equality) continue;
      for (double& coefficient : coefficients) coefficient = -coefficient;
      program.add_row(coefficients, -limit + row.tolerance);
    }
    return maximize(program, std::vector<double>(count, 0.0)).has_value();
  };
  if (satisfiable(rows)) return {};
  // Deletion filter: what remains infeasible without a row does not need it.
  for (std::size_t i = 0; i < rows.size();) {
    std::vector<std::size_t> without = rows;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    if (satisfiable(without))
      ++i;
    else
      rows = std::move(without);
  }
  return rows;
}

}  // namespace warpbo::space
