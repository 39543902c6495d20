// The space as JSON: {"version": 1, "parameters": [{"name": "lr", "kind": "real", "low": 1e-05, "high": 0.1, "log": true},
// ...], "constraints": ["x + y <= 1"]}. Integers and doubles keep their types ("1" and "1.0") and all their bits.
#include <warpbo/space.hpp>

#include "base/text.hpp"
#include "space/spec.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace warpbo {

namespace {

// Ordered, so that the text is the same whenever the space is.
using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;

[[noreturn]] void refuse(const std::string& message) { space::invalid("the JSON of a search space: " + message); }

Json to_json_value(const Value& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Value to_value(const Json& json, const std::string& where) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    refuse(where + ": the integer " + json.dump() + " does not fit 64 bits with sign");
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number_float()) return json.get<double>();
  refuse(where + ": a value must be a number, a string, true or false, not " + json.type_name());
}

double to_number(const Json& json, const std::string& where) {
  if (!json.is_number()) refuse(where + " must be a number, not " + json.type_name());
  return json.get<double>();
}

std::int64_t to_integer(const Json& json, const std::string& where) {
  const Value value = json.is_number() ? to_value(json, where) : Value(std::string());
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  refuse(where + " must be an integer, not " + (json.is_number() ? json.dump() : std::string(json.type_name())));
}

std::string to_text(const Json& json, const std::string& where) {
  if (!json.is_string()) refuse(where + " must be a string, not " + json.type_name());
  return json.get<std::string>();
}

ParameterKind to_kind(const std::string& name, const std::string& where) {
  for (const ParameterKind kind : {ParameterKind::real, ParameterKind::integer, ParameterKind::categorical,
                                   ParameterKind::ordinal, ParameterKind::constant})
    if (space::kind_name(kind) == name) return kind;
  refuse(where + ": unknown kind " + text::quote(name) + "; one of real, integer, categorical, ordinal, constant");
}

Json write_parameter(const ParameterSpec& spec) {
  Json out = {{"name", spec.name}, {"kind", space::kind_name(spec.kind)}};
  switch (spec.kind) {
    case ParameterKind::real:
      out["low"] = spec.low;
      out["high"] = spec.high;
      if (spec.step) out["step"] = *spec.step;
      break;
    case ParameterKind::integer:
      out["low"] = spec.int_low;
      out["high"] = spec.int_high;
      if (spec.int_step) out["step"] = *spec.int_step;
      break;
    case ParameterKind::categorical:
    case ParameterKind::ordinal:
    case ParameterKind::constant:
      out["choices"] = Json::array();
      for (const Value& choice : spec.choices) out["choices"].push_back(to_json_value(choice));
      break;
  }
  if (spec.log) out["log"] = true;
  if (!spec.condition.empty()) out["when"] = spec.condition;
  return out;
}

ParameterSpec read_parameter(const Json& json, std::size_t number) {
  std::string where = "parameter number " + std::to_string(number + 1);
  if (!json.is_object()) refuse(where + " must be an object, not " + json.type_name());
  for (const char* needed : {"name", "kind"})
    if (!json.contains(needed)) refuse(where + " has no \"" + needed + "\"");
  ParameterSpec spec;
  spec.name = to_text(json["name"], where + ": name");
  where = space::label(spec.name);
  spec.kind = to_kind(to_text(json["kind"], where + ": kind"), where);
  const bool integer = spec.kind == ParameterKind::integer;
  const bool numeric = integer || spec.kind == ParameterKind::real;
  for (const char* needed : {"low", "high", "choices"})
    if ((*needed != 'c') == numeric && !json.contains(needed)) refuse(where + " has no \"" + needed + "\"");
  for (const auto& [key, field] : json.items()) {
    const std::string place = where + ": " + key;
    if (key == "name" || key == "kind") continue;
    if (key == "low" && integer)
      spec.int_low = to_integer(field, place);
    else if (key == "high" && integer)
      spec.int_high = to_integer(field, place);
    else if (key == "step" && integer)
      spec.int_step = to_integer(field, place);
    else if (key == "low" && numeric)
      spec.low = to_number(field, place);
    else if (key == "high" && numeric)
      spec.high = to_number(field, place);
    else if (key == "step" && numeric)
      spec.step = to_number(field, place);
    else if (key == "log" && field.is_boolean())
      spec.log = field.get<bool>();
    else if (key == "when")
      spec.condition = to_text(field, place);
    else if (key == "choices" && !numeric && field.is_array())
      for (const Json& choice : field) spec.choices.push_back(to_value(choice, place));
    else
      refuse(where + ": the field " + text::quote(key) + " does not belong here, or has the wrong type (" + field.type_name() +
             ")");
  }
  return spec;
}

}  // namespace

std::string Space::to_json() const {
  Json out = {{"version", kVersion}, {"parameters", Json::array()}, {"constraints", Json::array()}};
  for (const ParameterSpec& spec : parameters()) out["parameters"].push_back(write_parameter(spec));
  for (const std::string& constraint : constraints()) out["constraints"].push_back(constraint);
  return out.dump();
}

Space Space::from_json(std::string_view json) {
  const Json root = Json::parse(json, nullptr, false);
  if (root.is_discarded()) refuse("not valid JSON: " + text::quote(json, 60));
  if (!root.is_object()) refuse("must be an object, not " + std::string(root.type_name()));
  for (const char* needed : {"version", "parameters"})
    if (!root.contains(needed)) refuse("has no \"" + std::string(needed) + "\"");
  if (root["version"] != Json(kVersion))
    refuse("version " + (root["version"].is_number() ? root["version"].dump() : std::string(root["version"].type_name())) +
           " is not known here (this program reads version " + std::to_string(kVersion) +
           "); it was written by a newer program, or damaged");
  if (!root["parameters"].is_array())
    refuse("\"parameters\" must be an array, not " + std::string(root["parameters"].type_name()));
  Space space;
  std::size_t number = 0;
  for (const Json& parameter : root["parameters"]) space.add(read_parameter(parameter, number++));
  for (const auto& [key, field] : root.items()) {
    if (key == "version" || key == "parameters") continue;
    if (key != "constraints" || !field.is_array())
      refuse("the field " + text::quote(key) + " does not belong here, or has the wrong type (" + field.type_name() + ")");
    for (const Json& constraint : field) space.constrain(to_text(constraint, "a constraint"));
  }
  return space;
}

}  // namespace warpbo
