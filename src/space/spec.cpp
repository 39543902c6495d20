#include "space/spec.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

namespace warpbo::space {

void invalid(const std::string& message) { throw Error(ErrorCode::invalid_argument, message); }

std::string label(std::string_view name) { return "parameter " + text::quote(name); }

namespace {

bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F, the second block of control characters, are C2 80 to C2 9F in UTF-8.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) return true;
  }
  return false;
}

bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

void check_real(ParameterSpec& spec) {
  const std::string where = label(spec.name);
  if (!std::isfinite(spec.low) || !std::isfinite(spec.high))
    invalid(where + ": the bounds " + text::format_number(spec.low) + " .. " + text::format_number(spec.high) +
            " must be finite numbers");
  if (spec.low > spec.high)
    invalid(where + ": low " + text::format_number(spec.low) + " is above high " + text::format_number(spec.high) +
            "; swap the bounds");
  spec.low += 0.0;  // -0.0 becomes 0
  spec.high += 0.0;
  if (spec.log && !(spec.low > 0))
    invalid(where + ": a logarithmic range needs low > 0, but low is " + text::format_number(spec.low) +
            "; raise low, or drop log");
  if (!spec.step) return;
  const double step = *spec.step;
  const std::string step_text = where + ": step " + text::format_number(step);
  if (!std::isfinite(step) || !(step > 0)) invalid(step_text + " must be a positive finite number");
  const double largest = std::max(std::abs(spec.low), std::abs(spec.high));
  if (spec.low < spec.high && step < std::nextafter(largest, std::numeric_limits<double>::infinity()) - largest)
    invalid(step_text + " is finer than doubles can tell apart near " + text::format_number(largest) +
            "; use a larger step, or none");
  if (!((spec.high / 2 - spec.low / 2) / (step / 2) < static_cast<double>(kMaxInteger)))
    invalid(step_text + " gives more than 2^53 values; use a larger step, or none");
}

void check_integer(ParameterSpec& spec) {
  const std::string where = label(spec.name);
  for (const std::int64_t bound : {spec.int_low, spec.int_high})
    if (bound < -kMaxInteger || bound > kMaxInteger)
      invalid(where + ": the bound " + std::to_string(bound) +
              " is outside of +-2^53 (9007199254740992), beyond which integers do not survive JSON and Optuna's schema; "
              "narrow the range, or use a categorical of strings");
  if (spec.int_low > spec.int_high)
    invalid(where + ": low " + std::to_string(spec.int_low) + " is above high " + std::to_string(spec.int_high) +
            "; swap the bounds");
  if (spec.log && spec.int_low < 1)
    invalid(where + ": a logarithmic integer range needs low >= 1, but low is " + std::to_string(spec.int_low) +
            "; raise low, or drop log");
  if (spec.int_step && *spec.int_step <= 0) invalid(where + ": step " + std::to_string(*spec.int_step) + " must be at least 1");
  if (spec.int_step == 1) spec.int_step.reset();
}

void check_choices(ParameterSpec& spec) {
  const std::string where = label(spec.name);
  if (spec.choices.empty()) invalid(where + ": needs at least one choice");
  if (spec.kind == ParameterKind::constant && spec.choices.size() != 1)
    invalid(where + ": a constant has exactly one value, not " + std::to_string(spec.choices.size()));
  std::unordered_set<Value> seen;
  seen.reserve(spec.choices.size());
  for (Value& choice : spec.choices) {
    if (auto* number = std::get_if<double>(&choice)) {
      if (!std::isfinite(*number))
        invalid(where + ": the choice " + text::format_number(*number) + " is not a finite number; use a string instead");
      *number += 0.0;
    }
    if (const auto* string = std::get_if<std::string>(&choice); string && !text::is_utf8(*string))
      invalid(where + ": the choice " + text::quote(*string) + " is not valid UTF-8; re-encode it");
    if (!seen.insert(choice).second)
      invalid(where + ": the choice " + text::quote(to_string(choice)) + " appears twice; remove one");
  }
}

}  // namespace

void check_name(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  if (name.empty()) invalid("a parameter's name is empty; give it 1 to 200 bytes");
  if (name.size() > kLongest)
    invalid("the parameter name " + text::quote(name) + " has " + std::to_string(name.size()) +
            " bytes; at most 200 are allowed");
  if (!text::is_utf8(name)) invalid("the parameter name " + text::quote(name) + " is not valid UTF-8; re-encode it");
  if (has_control_character(name))
    invalid("the parameter name " + text::quote(name) + " contains a control character; remove it");
  if (name.front() == ' ' || name.back() == ' ')
    invalid("the parameter name " + text::quote(name) + " begins or ends with a space; remove it");
}

void check_spec(ParameterSpec& spec) {
  check_name(spec.name);
  const bool numeric = spec.kind == ParameterKind::real || spec.kind == ParameterKind::integer;
  if (!numeric && (spec.log || spec.step || spec.int_step))
    invalid(label(spec.name) + ": log and step apply to real and integer parameters only, and this one is " +
            std::string(kind_name(spec.kind)));
  if (numeric && !spec.choices.empty())
    invalid(label(spec.name) + ": a " + std::string(kind_name(spec.kind)) + " has no choices");
  // Fields that this kind does not use have one canonical content, so that equal declarations compare equal.
  if (spec.kind != ParameterKind::real) spec.low = 0, spec.high = 1;
  if (spec.kind != ParameterKind::integer) spec.int_low = 0, spec.int_high = 1;
  switch (spec.kind) {
    case ParameterKind::real:
      if (spec.int_step) invalid(label(spec.name) + ": the step of a real parameter belongs in `step`, not `int_step`");
      return check_real(spec);
    case ParameterKind::integer:
      if (spec.step) invalid(label(spec.name) + ": the step of an integer parameter belongs in `int_step`, not `step`");
      return check_integer(spec);
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
    case ParameterKind::constant:
      return check_choices(spec);
  }
}

double step_tolerance(double low, double high, double step) {
  const double largest = std::max(std::abs(low), std::abs(high));
  return std::min(4 * std::numeric_limits<double>::epsilon() * largest, step / 8);
}

std::int64_t real_levels(double low, double high, double step) {
  if (low == high) return 1;
  const double limit = high + step_tolerance(low, high, step);
  // Halved, so that a width beyond the largest double does not overflow.
  auto last = static_cast<std::int64_t>((high / 2 - low / 2) / (step / 2));
  const auto value = [&](std::int64_t k) { return std::fma(static_cast<double>(k), step, low); };
  while (last > 0 && value(last) > limit) --last;
  while (value(last + 1) <= limit) ++last;
  return last + 1;
}

std::string literal(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    std::string out = text::format_number(*number);
    return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
  }
  const auto* string = std::get_if<std::string>(&value);
  if (string == nullptr) return to_string(value);
  std::string out = "'";
  for (const char c : *string) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string quoted_name(std::string_view name) {
  if (is_identifier(name) && name != "and" && name != "in" && name != "true" && name != "false") return std::string(name);
  std::string out = "`";
  for (const char c : name) out += c == '`' ? std::string("``") : std::string(1, c);
  return out + "`";
}

std::string list_choices(const std::vector<Value>& choices) {
  constexpr std::size_t kShown = 12;
  std::string out;
  for (std::size_t i = 0; i < std::min(kShown, choices.size()); ++i) {
    const auto* string = std::get_if<std::string>(&choices[i]);
    out += (i == 0 ? "" : ", ") + (string != nullptr ? text::quote(*string, 40) : literal(choices[i]));
  }
  if (choices.size() > kShown) out += ", ... (" + std::to_string(choices.size()) + " in all)";
  return out;
}

std::string_view kind_name(ParameterKind kind) noexcept {
  switch (kind) {
    case ParameterKind::real:
      return "real";
    case ParameterKind::integer:
      return "integer";
    case ParameterKind::categorical:
      return "categorical";
    case ParameterKind::ordinal:
      return "ordinal";
    case ParameterKind::constant:
      return "constant";
  }
  return "real";
}

}  // namespace warpbo::space
