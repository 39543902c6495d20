#include "cli/export.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string time_text(const std::optional<Trial::Time>& time) {
  if (!time) return {};
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time->time_since_epoch()).count();
  std::int64_t seconds = micros / 1000000, rest = micros % 1000000;
  if (rest < 0) {
    --seconds;
    rest += 1000000;
  }
  const std::time_t whole = seconds;
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 80> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02d %02d:%02d:%02d.%06d", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(rest));
  return buffer.data();
}

std::optional<double> duration(const Trial& trial) {
  if (!trial.started || !trial.finished) return std::nullopt;
  return std::chrono::duration<double>(*trial.finished - *trial.started).count();
}

/// As pandas writes a time difference.
std::string duration_text(const Trial& trial) {
  const auto seconds = duration(trial);
  if (!seconds) return {};
  const auto micros = static_cast<std::int64_t>(std::llround(std::max(0.0, *seconds) * 1e6));
  std::array<char, 80> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%lld days %02lld:%02lld:%02lld.%06lld",
                static_cast<long long>(micros / 86400000000), static_cast<long long>(micros / 3600000000 % 24),
                static_cast<long long>(micros / 60000000 % 60), static_cast<long long>(micros / 1000000 % 60),
                static_cast<long long>(micros % 1000000));
  return buffer.data();
}

Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(format_number(value)); }

Json value_json(const Value& value) {
  if (const double* number = std::get_if<double>(&value)) return number_json(*number);
  return std::visit([](const auto& v) { return Json(v); }, value);
}

/// An attribute is a JSON text; what does not read as one is shown as it is.
Json attribute_json(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Which user attributes get a column. Who ran a trial is of no interest in a table.
std::set<std::string> attribute_names(std::span<const Trial> trials) {
  std::set<std::string> names;
  for (const Trial& trial : trials)
    for (const auto& [key, text] : trial.attributes)
      if (key != "warpbo:owner") names.insert(key);
  return names;
}

}  // namespace

std::string_view state_name(TrialState state) {
  switch (state) {
    case TrialState::running:
      return "RUNNING";
    case TrialState::complete:
      return "COMPLETE";
    case TrialState::pruned:
      return "PRUNED";
    case TrialState::failed:
      return "FAIL";
    case TrialState::waiting:
      return "WAITING";
  }
  return "RUNNING";
}

std::string csv_cell(std::string_view text, bool raw) {
  std::string cell(text);
  // OWASP "CSV injection": spreadsheets run cells that begin so. Numbers such as -3 stay numbers.
  if (!raw && !cell.empty() && std::string_view("=+-@\t\r").find(cell[0]) != std::string_view::npos && !parse_number(cell))
    cell.insert(0, 1, '\'');
  if (cell.find_first_of(",\"\n\r") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string to_csv(std::span<const Trial> trials, const Space& space, bool raw) {
  std::vector<std::string> parameters;
  for (const ParameterSpec& spec : space.parameters()) parameters.push_back(spec.name);
  const std::set<std::string> attributes = attribute_names(trials);
  std::string out = "number,value,datetime_start,datetime_complete,duration";
  for (const std::string& name : parameters) out += "," + csv_cell("params_" + name, raw);
  for (const std::string& name : attributes) out += "," + csv_cell("user_attrs_" + name, raw);
  out += ",system_attrs_fail_reason,state\n";
  for (const Trial& trial : trials) {
    out += std::to_string(trial.number) + "," + (trial.value ? format_number(*trial.value) : "") + "," +
           time_text(trial.started) + "," + time_text(trial.finished) + "," + duration_text(trial);
    for (const std::string& name : parameters) {
      const Value* value = trial.parameters.find(name);
      out += "," + (value == nullptr ? std::string() : csv_cell(warpbo::to_string(*value), raw));
    }
    for (const std::string& name : attributes) {
      const auto at = trial.attributes.find(name);
      std::string text;
      if (at != trial.attributes.end()) {
        const Json value = attribute_json(at->second);
        text = value.is_string() ? value.get<std::string>() : dump(value);
      }
      out += "," + csv_cell(text, raw);
    }
    out += "," + csv_cell(trial.failure, raw) + "," + std::string(state_name(trial.state)) + "\n";
  }
  return out;
}

std::string to_json_line(const Trial& trial) {
  Json object;
  object["number"] = trial.number;
  object["state"] = std::string(warpbo::to_string(trial.state));
  object["value"] = trial.value ? number_json(*trial.value) : Json(nullptr);
  Json& parameters = object["parameters"] = Json::object();
  for (const auto& [name, value] : trial.parameters) parameters[name] = value_json(value);
  if (!trial.failure.empty()) object["failure"] = trial.failure;
  if (trial.started) object["started"] = time_text(trial.started) + "Z";
  if (trial.finished) object["finished"] = time_text(trial.finished) + "Z";
  if (const auto seconds = duration(trial)) object["seconds"] = *seconds;
  Json attributes = Json::object();
  for (const auto& [key, text] : trial.attributes)
    if (key != "warpbo:owner") attributes[key] = attribute_json(text);
  if (!attributes.empty()) object["attributes"] = attributes;
  return dump(object);
}

std::string to_json_array(std::span<const Trial> trials) {
  std::string out = "[";
  for (const Trial& trial : trials) out += (out.size() > 1 ? ",\n " : "\n ") + to_json_line(trial);
  return out + (trials.empty() ? "]" : "\n]");
}

}  // namespace warpbo::cli
