#include <warpbo/space.hpp>

#include "base/text.hpp"
#include "space/condition.hpp"
#include "space/linear.hpp"
#include "space/spec.hpp"
#include "space/state.hpp"

#include <cmath>
#include <map>

namespace warpbo {

namespace {

std::vector<Value> to_values(std::initializer_list<const char*> choices) {
  std::vector<Value> values;
  for (const char* choice : choices) values.emplace_back(std::string(choice));
  return values;
}

/// Checks the condition of parameter `index` against those declared before it.
void check_condition(const std::vector<ParameterSpec>& specs, std::size_t index) {
  std::map<std::size_t, space::Domain> domains;
  (void)space::parse_condition(specs, index, [&](std::size_t parent) -> const space::Domain& {
    return domains.try_emplace(parent, specs[parent]).first->second;
  });
}

}  // namespace

ParameterBuilder& ParameterBuilder::log() {
  ParameterSpec spec = space_->state_->parameters[index_];
  spec.log = true;
  space::check_spec(spec);
  space_->state_->parameters[index_].log = true;
  return *this;
}

ParameterBuilder& ParameterBuilder::step(double step) {
  ParameterSpec& held = space_->state_->parameters[index_];
  ParameterSpec spec = held;
  if (spec.kind == ParameterKind::integer) {
    if (!(step >= 1) || step > static_cast<double>(space::kMaxInteger) || step != std::trunc(step))
      space::invalid(space::label(spec.name) + ": the step " + text::format_number(step) +
                     " of an integer must be an integer of at least 1; or declare the parameter as real");
    spec.int_step = static_cast<std::int64_t>(step);
  } else {
    spec.step = step;
  }
  space::check_spec(spec);
  held.step = spec.step;
  held.int_step = spec.int_step;
  return *this;
}

ParameterBuilder& ParameterBuilder::when(std::string_view condition) {
  std::vector<ParameterSpec>& specs = space_->state_->parameters;
  std::string old = std::move(specs[index_].condition);
  specs[index_].condition = text::trim(condition);
  try {
    check_condition(specs, index_);
  } catch (...) {
    specs[index_].condition = std::move(old);
    throw;
  }
  return *this;
}

ParameterBuilder& ParameterBuilder::when(std::string_view parent, const Value& value) {
  return when(space::quoted_name(parent) + " == " + space::literal(value));
}

Space::Space() : state_(std::make_unique<State>()) {}
Space::~Space() = default;
Space::Space(const Space& other) : state_(other.state_ ? std::make_unique<State>(*other.state_) : std::make_unique<State>()) {}
Space::Space(Space&& other) noexcept = default;
Space& Space::operator=(const Space& other) {
  if (this != &other) state_ = std::move(Space(other).state_);
  return *this;
}
Space& Space::operator=(Space&& other) noexcept = default;

ParameterBuilder Space::real(std::string_view name, double low, double high) {
  ParameterSpec spec;
  spec.name = name;
  spec.low = low;
  spec.high = high;
  add(std::move(spec));
  return {this, state_->parameters.size() - 1};
}

ParameterBuilder Space::integer(std::string_view name, std::int64_t low, std::int64_t high) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = ParameterKind::integer;
  spec.int_low = low;
  spec.int_high = high;
  add(std::move(spec));
  return {this, state_->parameters.size() - 1};
}

ParameterBuilder Space::categorical(std::string_view name, std::vector<Value> choices) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = ParameterKind::categorical;
  spec.choices = std::move(choices);
  add(std::move(spec));
  return {this, state_->parameters.size() - 1};
}

ParameterBuilder Space::categorical(std::string_view name, std::initializer_list<const char*> choices) {
  return categorical(name, to_values(choices));
}

ParameterBuilder Space::ordinal(std::string_view name, std::vector<Value> choices) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = ParameterKind::ordinal;
  spec.choices = std::move(choices);
  add(std::move(spec));
  return {this, state_->parameters.size() - 1};
}

ParameterBuilder Space::ordinal(std::string_view name, std::initializer_list<const char*> choices) {
  return ordinal(name, to_values(choices));
}

ParameterBuilder Space::boolean(std::string_view name) { return categorical(name, std::vector<Value>{false, true}); }

ParameterBuilder Space::constant(std::string_view name, Value value) {
  ParameterSpec spec;
  spec.name = name;
  spec.kind = ParameterKind::constant;
  spec.choices.push_back(std::move(value));
  add(std::move(spec));
  return {this, state_->parameters.size() - 1};
}

void Space::add(ParameterSpec spec) {
  space::check_spec(spec);
  if (state_->index.contains(std::string_view(spec.name)))
    space::invalid(space::label(spec.name) + " is declared twice; rename one");
  spec.condition = text::trim(spec.condition);
  std::vector<ParameterSpec>& specs = state_->parameters;
  specs.push_back(std::move(spec));
  try {
    if (!specs.back().condition.empty()) check_condition(specs, specs.size() - 1);
    state_->index.emplace(specs.back().name, specs.size() - 1);
  } catch (...) {
    specs.pop_back();
    throw;
  }
}

void Space::constrain(std::string_view linear_inequality) {
  const std::string_view source = text::trim(linear_inequality);
  (void)space::parse_constraint(state_->parameters, source);
  state_->constraints.emplace_back(source);
}

const std::vector<ParameterSpec>& Space::parameters() const noexcept { return state_->parameters; }
const std::vector<std::string>& Space::constraints() const noexcept { return state_->constraints; }

const ParameterSpec* Space::find(std::string_view name) const noexcept {
  const auto found = state_->index.find(name);
  return found == state_->index.end() ? nullptr : &state_->parameters[found->second];
}

bool operator==(const Space& a, const Space& b) {
  return a.state_->parameters == b.state_->parameters && a.state_->constraints == b.state_->constraints;
}

}  // namespace warpbo
