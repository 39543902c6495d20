#include "space/parse.hpp"

#include "base/text.hpp"
#include "space/spec.hpp"

#include <algorithm>
#include <cmath>

namespace warpbo::space {

namespace {

Value parse_real(const ParameterSpec& spec, std::string_view input) {
  const std::optional<double> number = text::parse_number(text::trim(input));
  if (!number || !std::isfinite(*number))
    invalid(label(spec.name) + ": " + text::quote(input) + " is not a finite number; write it like 0.25 or 1e-3");
  return *number + 0.0;
}

Value parse_whole(const ParameterSpec& spec, std::string_view input) {
  const std::string_view trimmed = text::trim(input);
  if (const auto integer = text::parse_integer(trimmed)) return *integer;
  const std::optional<double> number = text::parse_number(trimmed);
  if (!number || !std::isfinite(*number))
    invalid(label(spec.name) + ": " + text::quote(input) + " is not an integer; write it like 25");
  if (*number != std::trunc(*number))
    invalid(label(spec.name) + ": " + text::quote(input) + " has a fraction, but an integer is needed");
  if (std::abs(*number) > static_cast<double>(kMaxInteger))
    invalid(label(spec.name) + ": " + text::quote(input) + " is outside of +-2^53; write it out in digits if it must be exact");
  return static_cast<std::int64_t>(*number);
}

/// Whether a text that is no choice's label still denotes the choice.
bool denotes(const Value& choice, std::string_view input) {
  if (const auto* flag = std::get_if<bool>(&choice)) return input == (*flag ? "1" : "0");
  const std::optional<double> number = text::parse_number(input);
  if (!number) return false;
  if (const auto* real = std::get_if<double>(&choice)) return *real == *number;
  const auto* integer = std::get_if<std::int64_t>(&choice);
  return integer != nullptr && std::abs(*number) <= static_cast<double>(kMaxInteger) &&
         static_cast<double>(*integer) == *number;
}

Value parse_choice(const ParameterSpec& spec, std::string_view input) {
  const auto only = [&](const auto& fits) -> const Value* {
    const Value* found = nullptr;
    for (const Value& choice : spec.choices) {
      if (!fits(choice)) continue;
      if (found != nullptr)
        invalid(label(spec.name) + ": " + text::quote(input) + " may mean the choice " + literal(*found) + " or the choice " +
                literal(choice) + "; give the value with its type (in C++ or JSON), or make the labels differ");
      found = &choice;
    }
    return found;
  };
  if (const Value* exact = only([&](const Value& choice) { return to_string(choice) == input; })) return *exact;
  if (const Value* meant = only([&](const Value& choice) { return denotes(choice, input); })) return *meant;
  invalid(label(spec.name) + ": " + text::quote(input) + " is not one of its choices; use one of " +
          list_choices(spec.choices));
}

}  // namespace

Value parse_value(const ParameterSpec& spec, std::string_view input) {
  switch (spec.kind) {
    case ParameterKind::real:
      return parse_real(spec, input);
    case ParameterKind::integer:
      return parse_whole(spec, input);
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
    case ParameterKind::constant:
      break;
  }
  return parse_choice(spec, input);
}

}  // namespace warpbo::space
