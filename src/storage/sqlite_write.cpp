#include "storage/sqlite_write.hpp"

#include "storage/distribution.hpp"
#include "storage/json.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace warpbo::storage {

namespace {

/// Choices that read as None or nan may stand for Optuna's None or NaN: its own text is then repeated, since it refuses
/// another one.
std::string text_of(Database& database, std::int64_t study_id, const ParameterSpec& spec, std::string_view label) {
  const bool choice =
      spec.kind == ParameterKind::categorical || spec.kind == ParameterKind::ordinal || spec.kind == ParameterKind::constant;
  const auto special = [](const Value& value) {
    const auto* text = std::get_if<std::string>(&value);
    return text != nullptr &&
           (text->starts_with("None") || text->find("nan") != std::string::npos || text->find("inf") != std::string::npos);
  };
  if (choice && std::any_of(spec.choices.begin(), spec.choices.end(), special)) {
    Statement query = database.prepare(
        "SELECT p.distribution_json FROM trials t CROSS JOIN trial_params p ON p.trial_id = t.trial_id "
        "WHERE t.study_id = ? AND p.param_name = ? LIMIT 1");
    query.bind(1, study_id).bind(2, std::string_view(spec.name));
    if (query.step()) {
      const std::string text(query.text(0));
      const std::optional<ParameterSpec> written = read_distribution(spec.name, text, label);
      if (written && written->choices == spec.choices) return text;
    }
  }
  return distribution_text(spec);
}

std::string fixed_text(const Parameters& parameters) {
  std::string out = "{";
  for (const auto& [name, value] : parameters) {
    if (out.size() > 1) out += ", ";
    append_json_string(out, name);
    out += ": ";
    append_json_value(out, value);
  }
  return out + "}";
}

}  // namespace

StoredSpace::StoredSpace(Database& database, std::int64_t study_id, const Space& space, std::string_view label)
    : space_(space) {
  texts_.reserve(space.parameters().size());
  for (const ParameterSpec& spec : space.parameters()) texts_.push_back(text_of(database, study_id, spec, label));
}

void StoredSpace::write(Database& database, std::int64_t trial_id, const Parameters& parameters) const {
  std::size_t index = 0;
  for (const auto& [name, value] : parameters) {
    while (space_.parameters()[index].name != name) ++index;
    const ParameterSpec& spec = space_.parameters()[index];
    Statement insert = database.prepare(
        "INSERT OR IGNORE INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)");
    insert.bind(1, trial_id)
        .bind(2, std::string_view(name))
        .bind(3, to_internal(spec, value).value())
        .bind(4, std::string_view(texts_[index]));
    insert.run();
  }
}

void write_value(Database& database, std::int64_t trial_id, double value) {
  Statement insert = database.prepare(
      "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?) "
      "ON CONFLICT (trial_id, objective) DO UPDATE SET value = excluded.value, value_type = excluded.value_type");
  insert.bind(1, trial_id);
  std::isinf(value) ? insert.bind_null(2) : insert.bind(2, value);
  insert.bind(3, std::isinf(value) ? std::string_view(value > 0 ? "INF_POS" : "INF_NEG") : std::string_view("FINITE")).run();
}

void write_wish(Database& database, std::int64_t trial_id, const Parameters& parameters) {
  const std::string wish = fixed_text(parameters);
  database.prepare("INSERT INTO trial_system_attributes (trial_id, \"key\", value_json) VALUES (?, 'fixed_params', ?)")
      .bind(1, trial_id)
      .bind(2, std::string_view(wish))
      .run();
}

void update_wish(Database& database, std::int64_t trial_id, const Parameters& parameters) {
  const std::string wish = fixed_text(parameters);
  database.prepare("UPDATE trial_system_attributes SET value_json = ? WHERE trial_id = ? AND \"key\" = 'fixed_params'")
      .bind(1, std::string_view(wish))
      .bind(2, trial_id)
      .run();
}

}  // namespace warpbo::storage
