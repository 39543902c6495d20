#include "space/compiled.hpp"

namespace warpbo::space {

Compiled::Compiled(const Space& space) : specs_(space.parameters()) {
  domains_.reserve(specs_.size());
  for (const ParameterSpec& spec : specs_) domains_.emplace_back(spec);
  conditions_ = compile_conditions(specs_, [this](std::size_t parameter) -> const Domain& { return domains_[parameter]; });
  roles_.resize(specs_.size());
  column_of_.assign(specs_.size(), -1);
  for (std::size_t p = 0; p < specs_.size(); ++p) {
    roles_[p].conditional = !conditions_[p].empty();
    for (const Term& term : conditions_[p]) roles_[term.parameter].parent = true;
    if (domains_[p].single()) continue;
    column_of_[p] = static_cast<std::ptrdiff_t>(parameter_of_.size());
    parameter_of_.push_back(p);
  }
  constraints_ = std::make_unique<ConstraintSet>(specs_, space.constraints(), domains_, roles_);
}

bool Compiled::exists(std::size_t parameter, std::span<const double> row) const {
  for (const Term& term : conditions_[parameter]) {
    const std::ptrdiff_t column = column_of_[term.parameter];
    const Domain& domain = domains_[term.parameter];
    const double entry = column < 0 ? 0 : row[static_cast<std::size_t>(column)];
    if (term.continuous ? !term.accepts(domain.number(entry)) : !term.accepts(domain.level(entry))) return false;
  }
  return true;
}

void Compiled::gather(std::span<const double> row, std::span<double> x, std::span<unsigned char> existing) const {
  const std::vector<std::size_t>& variables = constraints_->variables();
  for (std::size_t v = 0; v < variables.size(); ++v) {
    const std::ptrdiff_t column = column_of_[variables[v]];
    x[v] = domains_[variables[v]].number(column < 0 ? 0 : row[static_cast<std::size_t>(column)]);
    existing[v] = exists(variables[v], row) ? 1 : 0;
  }
}

}  // namespace warpbo::space
