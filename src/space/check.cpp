// Whether values are a point of the space.
#include <warpbo/space.hpp>

#include "base/text.hpp"
#include "space/compiled.hpp"
#include "space/describe.hpp"
#include "space/spec.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo {

namespace {

/// What the domain of a parameter is, as the end of a message.
std::string domain_words(const ParameterSpec& spec) {
  ParameterSpec unconditional = spec;
  unconditional.condition.clear();
  return space::describe(unconditional);
}

/// Why a value is not in a parameter's domain, or nothing.
std::optional<std::string> check_value(const space::Domain& domain, const Value& value) {
  const ParameterSpec& spec = domain.spec();
  const std::string where = space::label(spec.name) + ": ";
  if (!domain.numeric()) {
    if (domain.find_choice(value)) return std::nullopt;
    const auto twin = std::find_if(spec.choices.begin(), spec.choices.end(),
                                   [&](const Value& choice) { return to_string(choice) == to_string(value); });
    std::string fix = "; use one of " + space::list_choices(spec.choices);
    if (twin != spec.choices.end()) fix = "; the choice " + space::literal(*twin) + " has another type";
    return where + text::quote(to_string(value)) + " is not one of its choices" + fix;
  }
  const bool integer = spec.kind == ParameterKind::integer;
  if (!std::holds_alternative<std::int64_t>(value) && !std::holds_alternative<double>(value))
    return where + text::quote(to_string(value)) + " is not a number; it is declared as " + domain_words(spec);
  if (!domain.continuous()) {
    if (domain.exact_level(value)) return std::nullopt;
  } else {
    const auto* number = std::get_if<double>(&value);
    const double x = number != nullptr ? *number : static_cast<double>(std::get<std::int64_t>(value));
    if (x >= spec.low && x <= spec.high) return std::nullopt;
  }
  return where + to_string(value) + " is not in its domain, " + domain_words(spec) +
         (integer ? "; use an integer in the range and on the step"
                  : "; use a number in the range" + std::string(spec.step ? " and on the step" : ""));
}

/// Whether a term holds for a value that is in its parameter's domain.
bool holds(const space::Term& term, const space::Domain& domain, const Value& value) {
  if (!term.continuous) {
    const auto level = domain.exact_level(value);
    return level && term.accepts(*level);
  }
  const auto* number = std::get_if<double>(&value);
  return term.accepts(number != nullptr ? *number : static_cast<double>(std::get<std::int64_t>(value)));
}

std::optional<std::string> check_constraints(const Space& space, const space::Compiled& compiled,
                                             const Parameters& parameters) {
  const space::ConstraintSet& constraints = compiled.constraints();
  if (constraints.empty()) return std::nullopt;
  std::vector<double> x(constraints.variables().size());
  std::vector<unsigned char> exists(x.size());
  for (std::size_t v = 0; v < x.size(); ++v) {
    const std::string& name = compiled.specs()[constraints.variables()[v]].name;
    exists[v] = parameters.contains(name) ? 1 : 0;
    if (exists[v] != 0) x[v] = parameters.get<double>(name);
  }
  const auto violated = constraints.violated(x, exists);
  if (!violated) return std::nullopt;
  std::string values;
  for (const auto& [variable, coefficient] : constraints.rows()[*violated].terms)
    values += (values.empty() ? "" : ", ") + compiled.specs()[constraints.variables()[variable]].name + " = " +
              text::format_number(x[variable]);
  return "the constraint " + text::quote(space.constraints()[*violated]) + " does not hold for " + values;
}

}  // namespace

std::optional<std::string> Space::check(const Parameters& parameters) const {
  const space::Compiled compiled(*this);
  for (std::size_t p = 0; p < compiled.specs().size(); ++p) {
    const ParameterSpec& spec = compiled.specs()[p];
    const Value* value = parameters.find(spec.name);
    bool exists = true;
    for (const space::Term& term : compiled.conditions()[p]) {
      // Ancestors come first and were checked already: they are in their domains, or absent.
      const Value* parent = parameters.find(compiled.specs()[term.parameter].name);
      exists = exists && parent != nullptr && holds(term, compiled.domains()[term.parameter], *parent);
    }
    if (!exists && value != nullptr)
      return space::label(spec.name) + " is given as " + text::quote(to_string(*value)) + ", but it exists only when " +
             spec.condition + "; leave it out";
    if (!exists) continue;
    if (value == nullptr) return space::label(spec.name) + " has no value; give it one of " + domain_words(spec);
    if (auto reason = check_value(compiled.domains()[p], *value)) return reason;
  }
  for (const auto& [name, value] : parameters)
    if (find(name) == nullptr) return "there is no " + space::label(name) + " in the space; remove it, or correct its name";
  return check_constraints(*this, compiled, parameters);
}

}  // namespace warpbo
