#include "storage/distribution.hpp"

#include "base/text.hpp"
#include "storage/json.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace warpbo::storage {

namespace {

constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

/// The last value low + k * step that is <= high, in decimal arithmetic of 15 digits, as Optuna adjusts it.
double last_step(double low, double high, double step) {
  const double count = std::floor((high - low) / step + 1e-9);
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.15g", low + count * step);
  const double last = text::parse_number(buffer).value_or(high);
  return std::isfinite(last) ? std::clamp(last, low, high) : high;
}

std::string real_text(double low, double high, bool log, std::optional<double> step) {
  if (log) step.reset();
  std::string out = R"({"name": "FloatDistribution", "attributes": {"step": )";
  if (step) {
    append_json_real(out, *step);
    high = last_step(low, high, *step);
  } else {
    out += "null";
  }
  out += R"(, "low": )";
  append_json_real(out, low);
  out += R"(, "high": )";
  append_json_real(out, high);
  out += log ? R"(, "log": true}})" : R"(, "log": false}})";
  return out;
}

std::string integer_text(std::int64_t low, std::int64_t high, bool log, std::int64_t step) {
  if (log) step = 1;
  high = low + (high - low) / step * step;
  return std::string(R"({"name": "IntDistribution", "attributes": {"log": )") + (log ? "true" : "false") + R"(, "step": )" +
         std::to_string(step) + R"(, "low": )" + std::to_string(low) + R"(, "high": )" + std::to_string(high) + "}}";
}

std::string choices_text(const std::vector<Value>& choices) {
  std::string out = R"({"name": "CategoricalDistribution", "attributes": {"choices": [)";
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_value(out, choices[i]);
  }
  return out + "]}}";
}

/// A choice of another program as a value of ours. None and NaN, which we do not have, become text.
std::optional<Value> choice_value(const Json& json) {
  if (std::holds_alternative<std::nullptr_t>(json.value)) return Value(std::string("None"));
  if (const auto* flag = std::get_if<bool>(&json.value)) return Value(*flag);
  if (const auto* whole = std::get_if<std::int64_t>(&json.value)) return Value(*whole);
  if (const auto* text = std::get_if<std::string>(&json.value)) return Value(*text);
  if (const auto* real = std::get_if<double>(&json.value)) {
    return std::isfinite(*real) ? Value(*real) : Value(text::format_number(*real));
  }
  return std::nullopt;
}

bool read_choices(ParameterSpec& spec, const Json& attributes) {
  spec.kind = ParameterKind::categorical;
  const Json* list = attributes.find("choices");
  const auto* array = list == nullptr ? nullptr : std::get_if<Json::Array>(&list->value);
  if (array == nullptr || array->empty()) return false;
  for (const Json& element : *array) {
    std::optional<Value> choice = choice_value(element);
    if (!choice) return false;
    // Two of Optuna's choices must not become one of ours, since the stored number is an index.
    while (std::find(spec.choices.begin(), spec.choices.end(), *choice) != spec.choices.end()) {
      choice = Value(to_string(*choice) + "_");
    }
    spec.choices.push_back(std::move(*choice));
  }
  return true;
}

bool read_limits(ParameterSpec& spec, std::string_view kind, const Json& attributes) {
  const Json* low = attributes.find("low");
  const Json* high = attributes.find("high");
  const Json* log = attributes.find("log");
  const Json* step = attributes.find(kind == "DiscreteUniformDistribution" ? "q" : "step");
  if (low == nullptr || high == nullptr || !low->number() || !high->number()) return false;
  const bool* flag = log == nullptr ? nullptr : std::get_if<bool>(&log->value);
  spec.log = flag != nullptr ? *flag : kind.find("LogUniform") != std::string_view::npos;
  if (kind.substr(0, 3) == "Int") {
    spec.kind = ParameterKind::integer;
    if (!low->integer() || !high->integer()) return false;
    spec.int_low = *low->integer();
    spec.int_high = *high->integer();
    if (step != nullptr && step->integer() && *step->integer() > 1) spec.int_step = step->integer();
    return spec.int_low <= spec.int_high;
  }
  spec.kind = ParameterKind::real;
  spec.low = *low->number();
  spec.high = *high->number();
  if (step != nullptr && step->number() && *step->number() > 0) spec.step = step->number();
  return std::isfinite(spec.low) && std::isfinite(spec.high) && spec.low <= spec.high;
}

std::optional<std::size_t> index_of(const std::vector<Value>& choices, const Value& value) {
  const auto at = std::find(choices.begin(), choices.end(), value);
  if (at == choices.end()) return std::nullopt;
  return static_cast<std::size_t>(at - choices.begin());
}

std::optional<double> as_number(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return std::nullopt;
}

bool integral(double value) { return std::fabs(value) <= kExactIntegers && value == std::trunc(value); }

}  // namespace

std::string distribution_text(const ParameterSpec& spec) {
  switch (spec.kind) {
    case ParameterKind::real:
      return real_text(spec.low, spec.high, spec.log, spec.step);
    case ParameterKind::integer:
      return integer_text(spec.int_low, spec.int_high, spec.log, spec.int_step.value_or(1));
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
      return choices_text(spec.choices);
    case ParameterKind::constant:
      break;
  }
  const Value& value = spec.choices.at(0);
  if (const auto* real = std::get_if<double>(&value); real && std::isfinite(*real)) return real_text(*real, *real, false, {});
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return integer_text(*whole, *whole, false, 1);
  return choices_text(spec.choices);
}

std::optional<ParameterSpec> read_distribution(std::string_view name, std::string_view text, std::string_view label) {
  const std::optional<Json> json = parse_json(text);
  if (!json) {
    throw Error(ErrorCode::data_corrupt, "store " + std::string(label) + ": the stored distribution of parameter " +
                                             text::quote(name) + " is damaged: " + text::quote(text) +
                                             "; restore the store from a backup");
  }
  const Json* kind = json->find("name");
  const Json* attributes = json->find("attributes");
  const auto* kind_name = kind == nullptr ? nullptr : std::get_if<std::string>(&kind->value);
  if (kind_name == nullptr || attributes == nullptr) return std::nullopt;
  ParameterSpec spec;
  spec.name = name;
  static constexpr std::string_view kNumeric[] = {
      "FloatDistribution",           "IntDistribution",        "UniformDistribution",      "LogUniformDistribution",
      "DiscreteUniformDistribution", "IntUniformDistribution", "IntLogUniformDistribution"};
  if (*kind_name == "CategoricalDistribution") {
    if (!read_choices(spec, *attributes)) return std::nullopt;
  } else if (std::find(std::begin(kNumeric), std::end(kNumeric), *kind_name) != std::end(kNumeric)) {
    if (!read_limits(spec, *kind_name, *attributes)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  return spec;
}

std::optional<double> to_internal(const ParameterSpec& spec, const Value& value) {
  const std::optional<Value> declared = as_declared(spec, value);
  if (!declared) return std::nullopt;
  if (spec.kind == ParameterKind::real || spec.kind == ParameterKind::integer) return as_number(*declared);
  const auto index = index_of(spec.choices, *declared);
  if (!index) return std::nullopt;
  const std::optional<double> number = as_number(*declared);
  if (spec.kind == ParameterKind::constant && number && std::isfinite(*number)) return number;
  return static_cast<double>(*index);
}

std::optional<Value> from_internal(const ParameterSpec& spec, const ParameterSpec& written, double internal) {
  if (!std::isfinite(internal)) return std::nullopt;
  if (written.kind == ParameterKind::categorical) {
    if (internal < 0 || internal >= static_cast<double>(written.choices.size())) return std::nullopt;
    return as_declared(spec, written.choices[static_cast<std::size_t>(internal)]);
  }
  if (written.kind == ParameterKind::integer && !integral(internal)) return std::nullopt;
  std::optional<Value> value = written.kind == ParameterKind::integer
                                   ? as_declared(spec, Value(static_cast<std::int64_t>(internal)))
                                   : as_declared(spec, Value(internal));
  const bool chosen = spec.kind != ParameterKind::real && spec.kind != ParameterKind::integer;
  if (value && chosen && !index_of(spec.choices, *value)) value.reset();
  return value;
}

std::optional<Value> as_declared(const ParameterSpec& spec, const Value& value) {
  const std::optional<double> number = as_number(value);
  switch (spec.kind) {
    case ParameterKind::real:
      if (!number || !std::isfinite(*number)) return std::nullopt;
      return Value(*number);
    case ParameterKind::integer:
      if (!number || !integral(*number)) return std::nullopt;
      return Value(static_cast<std::int64_t>(*number));
    default:
      break;
  }
  if (index_of(spec.choices, value)) return value;
  for (const Value& choice : spec.choices) {
    if (number && as_number(choice) == number) return choice;
  }
  return value;
}

Parameters normalize(const Space& space, const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    const ParameterSpec* spec = space.find(name);
    if (spec == nullptr) {
      throw Error(ErrorCode::invalid_argument,
                  "the search space has no parameter " + text::quote(name) + "; remove it or declare it");
    }
    if (!to_internal(*spec, value)) {
      throw Error(ErrorCode::invalid_argument, "parameter " + text::quote(name) + " cannot take the value " +
                                                   text::quote(to_string(value)) + "; see its declaration in the search space");
    }
  }
  Parameters ordered;
  for (const ParameterSpec& spec : space.parameters()) {
    if (const Value* value = parameters.find(spec.name)) ordered.set(spec.name, *as_declared(spec, *value));
  }
  return ordered;
}

void unite(ParameterSpec& seen, const ParameterSpec& other) {
  if (seen.kind != other.kind) return;  // Optuna refuses to mix kinds; the first one stands
  if (seen.kind == ParameterKind::categorical) {
    for (const Value& choice : other.choices) {
      if (!index_of(seen.choices, choice)) seen.choices.push_back(choice);
    }
    return;
  }
  if (seen.low != other.low || seen.step != other.step) seen.step.reset();
  if (seen.int_low != other.int_low || seen.int_step != other.int_step) seen.int_step.reset();
  seen.low = std::min(seen.low, other.low);
  seen.high = std::max(seen.high, other.high);
  seen.int_low = std::min(seen.int_low, other.int_low);
  seen.int_high = std::max(seen.int_high, other.int_high);
}

}  // namespace warpbo::storage
