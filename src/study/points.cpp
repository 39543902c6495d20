#include "study/points.hpp"

#include "base/text.hpp"

#include <warpbo/error.hpp>

#include <cmath>
#include <cstdint>

namespace warpbo::study {

namespace {

/// Integers up to here are exact as doubles, and the space admits no larger ones.
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

Value typed_value(const ParameterSpec& spec, const Value& value) {
  if (const double* real = std::get_if<double>(&value)) {
    if (spec.kind == ParameterKind::integer && std::abs(*real) <= kExactIntegers && std::trunc(*real) == *real)
      return static_cast<std::int64_t>(*real);
    return *real + 0.0;  // turns -0.0 into 0 and nothing else
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value); integer && spec.kind == ParameterKind::real) {
    const auto real = static_cast<double>(*integer);
    if (std::abs(real) <= kExactIntegers) return real;
  }
  return value;
}

/// The value of a parameter that every trial has and that can take only one.
std::optional<Value> only_value(const ParameterSpec& spec) {
  if (!spec.condition.empty()) return std::nullopt;
  switch (spec.kind) {
    case ParameterKind::real:
      if (spec.low == spec.high) return Value(spec.low + 0.0);
      return std::nullopt;
    case ParameterKind::integer:
      if (spec.int_low == spec.int_high) return Value(spec.int_low);
      return std::nullopt;
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
    case ParameterKind::constant:
      if (spec.choices.size() == 1) return spec.choices.front();
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Points::Points(const Space& space) : space_(space) {
  for (const ParameterSpec& spec : space_.parameters()) unconstrained_.add(spec);
}

Parameters Points::typed(const Parameters& parameters) const {
  Parameters out;
  for (const ParameterSpec& spec : space_.parameters()) {
    if (const Value* value = parameters.find(spec.name)) out.set(spec.name, typed_value(spec, *value));
  }
  if (out.size() == parameters.size()) return out;
  for (const auto& [name, value] : parameters) {
    if (!out.contains(name)) out.set(name, value);
  }
  return out;
}

Parameters Points::canonical(const Parameters& parameters) const {
  Parameters out;
  for (const ParameterSpec& spec : space_.parameters()) {
    if (const Value* value = parameters.find(spec.name)) {
      out.set(spec.name, typed_value(spec, *value));
    } else if (const auto only = only_value(spec)) {
      out.set(spec.name, *only);
    }
  }
  for (const auto& [name, value] : parameters) {
    if (!out.contains(name)) out.set(name, value);
  }
  return out;
}

std::optional<std::string> Points::check_part(const Parameters& parameters) const {
  if (parameters.empty()) return std::nullopt;
  for (const auto& [name, value] : parameters) {
    const ParameterSpec* spec = space_.find(name);
    if (spec == nullptr) {
      std::string names;
      for (const ParameterSpec& known : space_.parameters()) {
        if (names.size() > 200) {
          names += ", ...";
          break;
        }
        names += (names.empty() ? "" : ", ") + text::quote(known.name);
      }
      return "the space has no parameter " + text::quote(name) + "; it has " + names;
    }
  }
  // The space that has these parameters only tells whether their values fit, one by one and as conditions of one another.
  Space part;
  Parameters values;
  for (const ParameterSpec& spec : space_.parameters()) {
    const Value* given = parameters.find(spec.name);
    const std::optional<Value> only = only_value(spec);
    if (given == nullptr && !only) continue;
    try {
      part.add(spec);
      part.validate();
    } catch (const Error&) {
      return "parameter " + text::quote(spec.name) + " exists only when " + spec.condition +
             "; give a value to every parameter that this condition names, too";
    }
    values.set(spec.name, given != nullptr ? *given : *only);
  }
  if (values.empty()) return std::nullopt;
  return part.check(values);
}

std::string Points::key(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    const std::string shown = to_string(value);
    // Lengths make the text unambiguous whatever the names and labels contain; the type's index keeps 1, "1" and true apart.
    out += std::to_string(name.size()) + ':' + name + static_cast<char>('0' + value.index()) + std::to_string(shown.size()) +
           ':' + shown;
  }
  return out;
}

}  // namespace warpbo::study
