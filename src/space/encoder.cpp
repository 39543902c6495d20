#include "space/encoder.hpp"

#include "space/compiled.hpp"
#include "space/interior.hpp"
#include "space/random.hpp"
#include "space/spec.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

namespace warpbo::space {

struct Encoder::Tables {
  explicit Tables(const Space& space) : compiled(space) { compiled.tabulate(); }

  /// The sampler for the constraints that apply now. Kept for the next call unless it depends on the values of parents.
  std::shared_ptr<const InteriorSampler> interior(std::span<const double> x, std::span<const unsigned char> exists) const {
    constexpr std::size_t kMostKept = 64;
    const std::vector<std::size_t>& variables = compiled.constraints().variables();
    const bool reusable =
        std::none_of(variables.begin(), variables.end(), [&](std::size_t p) { return compiled.roles()[p].parent; });
    if (!reusable) return std::make_shared<const InteriorSampler>(compiled, x, exists);
    const std::lock_guard lock(mutex);
    std::vector<unsigned char> key(exists.begin(), exists.end());
    if (const auto found = samplers.find(key); found != samplers.end()) return found->second;
    auto made = std::make_shared<const InteriorSampler>(compiled, x, exists);
    if (samplers.size() < kMostKept) samplers.emplace(std::move(key), made);
    return made;
  }

  Compiled compiled;
  mutable std::mutex mutex;
  mutable std::map<std::vector<unsigned char>, std::shared_ptr<const InteriorSampler>> samplers;
};

namespace {

/// Working memory of one call. Kept per thread, since snap is called a hundred thousand times per proposal; no call holds it
/// while it calls another that uses it.
struct Scratch {
  std::vector<double> x;
  std::vector<unsigned char> exists;
  std::vector<double> original;
  std::vector<double> rounded;
  std::vector<double> smooth;

  void fit(std::size_t variables, std::size_t columns) {
    if (x.size() < variables) x.resize(variables), exists.resize(variables), smooth.resize(variables);
    if (original.size() < columns) original.resize(columns), rounded.resize(columns);
  }
};

Scratch& scratch(const Compiled& compiled) {
  thread_local Scratch memory;
  memory.fit(compiled.constraints().variables().size(), compiled.parameter_of().size());
  return memory;
}

/// Every entry onto its nearest admissible value, and the mark of absence where there is none.
void snap_entries(const Compiled& compiled, std::span<double> row) {
  for (std::size_t c = 0; c < compiled.parameter_of().size(); ++c) {
    const std::size_t p = compiled.parameter_of()[c];
    // Parents have lower columns, so they are snapped already.
    row[c] = compiled.conditions()[p].empty() || compiled.exists(p, row) ? compiled.domains()[p].snap(row[c])
                                                                         : compiled.absent_entry(c);
  }
}

/// Reads the variables of a snapped row and moves the pivots onto their equalities. True if all constraints hold then.
bool project(const Compiled& compiled, std::span<const double> row, Scratch& memory) {
  compiled.gather(row, memory.x, memory.exists);
  compiled.constraints().project(memory.x, memory.exists, compiled.domains());
  return !compiled.constraints().violated(memory.x, memory.exists);
}

/// Rounding to a grid may have left the feasible set: tries, for the grid columns of violated constraints, the neighbour on the
/// other side of the original entry, the one that helps most first. Restores the row if that does not help.
bool repair(const Compiled& compiled, std::span<double> row, Scratch& memory) {
  const ConstraintSet& constraints = compiled.constraints();
  const std::span<double> original = std::span(memory.original).first(row.size());
  const std::size_t tries = constraints.variables().size();
  for (std::size_t attempt = 0; attempt < tries; ++attempt) {
    const auto violated = constraints.violated(memory.x, memory.exists);
    if (!violated) return true;
    const ConstraintSet::Row& constraint = constraints.rows()[*violated];
    const double excess = ConstraintSet::residual(constraint, memory.x);
    double best_gain = 0;
    std::size_t best_column = 0;
    double best_entry = 0;
    for (const auto& [variable, coefficient] : constraint.terms) {
      const std::size_t p = constraints.variables()[variable];
      const Domain& domain = compiled.domains()[p];
      if (compiled.column_of()[p] < 0 || domain.continuous() || compiled.roles()[p].parent) continue;
      const auto column = static_cast<std::size_t>(compiled.column_of()[p]);
      const std::int64_t level = domain.level(row[column]);
      const double entry = domain.entry(level);
      if (entry == original[column]) continue;  // was not moved, or was flipped already
      const std::int64_t other =
          std::clamp<std::int64_t>(entry < original[column] ? level + 1 : level - 1, 0, domain.levels() - 1);
      const double change = coefficient * (domain.number_at(other) - domain.number_at(level));
      const double gain = std::abs(excess) - std::abs(constraint.equality ? excess + change : std::max(0.0, excess + change));
      if (gain <= best_gain) continue;
      best_gain = gain;
      best_column = column;
      best_entry = domain.entry(other);
    }
    if (best_gain <= 0) return false;
    row[best_column] = best_entry;
    original[best_column] = best_entry;
    if (project(compiled, row, memory)) return true;
  }
  return false;
}

/// Whether the row as it came, grids taken as continua, satisfies the inequalities: only then has rounding led out of the
/// feasible set.
bool inside_before_rounding(const Compiled& compiled, std::span<const double> row, Scratch& memory) {
  const ConstraintSet& constraints = compiled.constraints();
  for (std::size_t v = 0; v < constraints.variables().size(); ++v) {
    const std::size_t p = constraints.variables()[v];
    const std::ptrdiff_t column = compiled.column_of()[p];
    memory.smooth[v] = compiled.domains()[p].smooth_number(column < 0 ? 0 : row[static_cast<std::size_t>(column)]);
  }
  constraints.project(memory.smooth, memory.exists, compiled.domains());
  return std::all_of(constraints.rows().begin(), constraints.rows().end(), [&](const ConstraintSet::Row& constraint) {
    return constraint.equality || !constraints.applies(constraint, memory.exists) ||
           ConstraintSet::residual(constraint, memory.smooth) <= constraint.tolerance;
  });
}

/// Snaps a row and leaves its projected variables in the scratch memory. True if it is feasible.
bool snap_row(const Compiled& compiled, std::span<double> row, Scratch& memory) {
  const ConstraintSet& constraints = compiled.constraints();
  if (constraints.empty()) {
    snap_entries(compiled, row);
    return true;
  }
  std::copy(row.begin(), row.end(), memory.original.begin());
  snap_entries(compiled, row);
  bool feasible = project(compiled, row, memory);
  if (!feasible && inside_before_rounding(compiled, std::span(memory.original).first(row.size()), memory)) {
    std::copy(row.begin(), row.end(), memory.rounded.begin());
    feasible = repair(compiled, row, memory);
    if (!feasible) {
      std::copy_n(memory.rounded.begin(), row.size(), row.begin());
      project(compiled, row, memory);
    }
  }
  for (const ConstraintSet::Pivot& pivot : constraints.pivots()) {
    const std::size_t p = constraints.variables()[pivot.variable];
    if (memory.exists[pivot.variable] == 0 || !constraints.applies(constraints.rows()[pivot.row], memory.exists)) continue;
    row[static_cast<std::size_t>(compiled.column_of()[p])] = compiled.domains()[p].entry_of_number(memory.x[pivot.variable]);
  }
  return feasible;
}

}  // namespace

Encoder::Encoder(const Space& space) : space_(space) {
  space_.validate();
  tables_ = std::make_shared<const Tables>(space_);
  const Compiled& compiled = tables_->compiled;
  for (const std::size_t p : compiled.parameter_of()) {
    const Domain& domain = compiled.domains()[p];
    Column column;
    column.kind = domain.continuous() ? ColumnKind::continuous : domain.nominal() ? ColumnKind::categorical : ColumnKind::grid;
    column.levels = domain.levels();
    column.parameter = p;
    column.conditional = compiled.roles()[p].conditional;
    columns_.push_back(column);
  }
}

bool Encoder::encode(const Parameters& parameters, std::span<double> row) const {
  const Compiled& compiled = tables_->compiled;
  // Entries usually stand in the space's order, so each search begins where the last one ended.
  auto next = parameters.begin();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const std::size_t p = columns_[c].parameter;
    const auto named = [&](const Parameters::Entry& entry) { return entry.first == compiled.specs()[p].name; };
    auto found = std::find_if(next, parameters.end(), named);
    if (found == parameters.end()) {
      const auto before = std::find_if(parameters.begin(), next, named);
      if (before != next) found = before;
    }
    const Value* value = found == parameters.end() ? nullptr : &found->second;
    if (value != nullptr) next = found + 1;
    row[c] = compiled.absent_entry(c);
    if (value == nullptr || (columns_[c].conditional && !compiled.exists(p, row))) continue;
    const std::optional<double> entry = compiled.domains()[p].entry_of(*value);
    if (!entry) return false;
    row[c] = *entry;
  }
  return true;
}

Parameters Encoder::decode(std::span<const double> row) const {
  const Compiled& compiled = tables_->compiled;
  Scratch& memory = scratch(compiled);
  std::vector<double> snapped(row.begin(), row.end());
  snap_row(compiled, snapped, memory);
  Parameters out;
  for (std::size_t p = 0; p < compiled.specs().size(); ++p) {
    if (!compiled.conditions()[p].empty() && !compiled.exists(p, snapped)) continue;
    const std::ptrdiff_t column = compiled.column_of()[p];
    out.set(compiled.specs()[p].name, compiled.domains()[p].value(column < 0 ? 0 : snapped[static_cast<std::size_t>(column)]));
  }
  // A pivot's entry is rounded to the quantum; its value is what the equality demands.
  const ConstraintSet& constraints = compiled.constraints();
  for (const ConstraintSet::Pivot& pivot : constraints.pivots()) {
    const std::size_t p = constraints.variables()[pivot.variable];
    if (constraints.applies(constraints.rows()[pivot.row], memory.exists))
      out.set(compiled.specs()[p].name, compiled.domains()[p].value_of_number(memory.x[pivot.variable]));
  }
  return out;
}

void Encoder::snap(std::span<double> row) const { snap_row(tables_->compiled, row, scratch(tables_->compiled)); }

double Encoder::level_value(std::size_t column, std::int64_t level) const {
  return tables_->compiled.domains()[columns_[column].parameter].entry(level);
}

std::int64_t Encoder::nearest_level(std::size_t column, double value) const {
  return tables_->compiled.domains()[columns_[column].parameter].level(value);
}

bool Encoder::conditional() const noexcept {
  return std::any_of(columns_.begin(), columns_.end(), [](const Column& column) { return column.conditional; });
}

void Encoder::activity(std::span<const double> row, std::span<unsigned char> active) const {
  for (std::size_t c = 0; c < columns_.size(); ++c)
    active[c] = !columns_[c].conditional || tables_->compiled.exists(columns_[c].parameter, row) ? 1 : 0;
}

bool Encoder::constrained() const noexcept { return !tables_->compiled.constraints().empty(); }

bool Encoder::feasible(std::span<const double> row) const {
  return !constrained() || project(tables_->compiled, row, scratch(tables_->compiled));
}

double Encoder::violation(std::span<const double> row, std::span<double> gradient) const {
  const Compiled& compiled = tables_->compiled;
  const ConstraintSet& constraints = compiled.constraints();
  if (constraints.empty()) return 0;
  Scratch& memory = scratch(compiled);
  const auto entry = [&](std::size_t p) {
    return compiled.column_of()[p] < 0 ? 0 : row[static_cast<std::size_t>(compiled.column_of()[p])];
  };
  for (std::size_t v = 0; v < constraints.variables().size(); ++v) {
    const std::size_t p = constraints.variables()[v];
    memory.x[v] = compiled.domains()[p].smooth_number(entry(p));
    memory.exists[v] = compiled.exists(p, row) ? 1 : 0;
  }
  double sum = 0;
  for (const ConstraintSet::Row& constraint : constraints.rows()) {
    if (!constraints.applies(constraint, memory.exists)) continue;
    const double excess = ConstraintSet::residual(constraint, memory.x) / constraint.range;
    if (!constraint.equality && !(excess > 0)) continue;
    sum += excess * excess;
    if (gradient.empty()) continue;
    for (const auto& [variable, coefficient] : constraint.terms) {
      const std::size_t p = constraints.variables()[variable];
      if (compiled.column_of()[p] < 0) continue;
      const auto column = static_cast<std::size_t>(compiled.column_of()[p]);
      gradient[column] += 2 * excess * (coefficient / constraint.range) * compiled.domains()[p].slope(row[column]);
    }
  }
  return sum;
}

bool Encoder::sample(std::span<const double> uniforms, std::uint64_t seed, std::span<double> row) const {
  constexpr int kRejections = 100;
  constexpr int kContexts = 8;  // draws of the parameters that decide which constraints apply
  constexpr int kWalks = 4;
  const Compiled& compiled = tables_->compiled;
  Random random(seed);
  const auto fill = [&](bool given) {
    for (std::size_t c = 0; c < columns_.size(); ++c)
      row[c] = compiled.domains()[columns_[c].parameter].from_uniform(given ? uniforms[c] : random.uniform());
  };
  for (int attempt = 0; attempt <= kRejections; ++attempt) {
    fill(attempt == 0);
    if (snap_row(compiled, row, scratch(compiled))) return true;
  }
  const std::size_t variables = compiled.constraints().variables().size();
  std::vector<double> x(variables);
  std::vector<unsigned char> exists(variables);
  for (int context = 0; context < kContexts; ++context) {
    fill(context == 0);
    snap_entries(compiled, row);
    compiled.gather(row, x, exists);
    const auto interior = tables_->interior(x, exists);
    for (int walk = 0; interior->feasible() && walk < kWalks; ++walk) {
      interior->draw(random, row);
      if (snap_row(compiled, row, scratch(compiled))) return true;
      // Rounding may have put a point of the surface outside.
      for (const double fraction : {1e-9, 1e-6, 1e-3, 0.1}) {
        interior->pull_inside(fraction, row);
        if (snap_row(compiled, row, scratch(compiled))) return true;
      }
    }
  }
  return false;
}

}  // namespace warpbo::space
