#include "storage/schema.hpp"

#include "base/text.hpp"

#include <warpbo/error.hpp>
#include <warpbo/version.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace warpbo::storage {

namespace {

constexpr std::string_view kHead = "v3.2.0.a";
constexpr std::int64_t kSchemaVersion = 12;

/// Revisions before the head, which `optuna storage upgrade` brings up to date.
constexpr std::array<std::string_view, 9> kOlder = {"v0.9.0.a", "v1.2.0.a", "v1.3.0.a", "v2.4.0.a", "v2.6.0.a",
                                                    "v3.0.0.a", "v3.0.0.b", "v3.0.0.c", "v3.0.0.d"};

constexpr std::array<std::string_view, 13> kTables = {
    "studies",          "version_info",          "study_directions",         "study_user_attributes", "study_system_attributes",
    "trials",           "trial_user_attributes", "trial_system_attributes",  "trial_params",          "trial_values",
    "trial_heartbeats", "alembic_version",       "trial_intermediate_values"};

// Names, types, constraints and indexes as a fresh Optuna 5.0.0 creates them.
constexpr const char* kCreate = R"sql(
CREATE TABLE IF NOT EXISTS studies (
  study_id INTEGER NOT NULL, study_name VARCHAR(512) NOT NULL, PRIMARY KEY (study_id));
CREATE UNIQUE INDEX IF NOT EXISTS ix_studies_study_name ON studies (study_name);
CREATE TABLE IF NOT EXISTS version_info (
  version_info_id INTEGER NOT NULL, schema_version INTEGER, library_version VARCHAR(256), PRIMARY KEY (version_info_id),
  CHECK (version_info_id=1));
CREATE TABLE IF NOT EXISTS study_directions (
  study_direction_id INTEGER NOT NULL, direction VARCHAR(8) NOT NULL, study_id INTEGER NOT NULL, objective INTEGER NOT NULL,
  PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective), FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE IF NOT EXISTS study_user_attributes (
  study_user_attribute_id INTEGER NOT NULL, study_id INTEGER, "key" VARCHAR(512), value_json TEXT,
  PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, "key"), FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE IF NOT EXISTS study_system_attributes (
  study_system_attribute_id INTEGER NOT NULL, study_id INTEGER, "key" VARCHAR(512), value_json TEXT,
  PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, "key"), FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE IF NOT EXISTS trials (
  trial_id INTEGER NOT NULL, number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL, datetime_start DATETIME,
  datetime_complete DATETIME, PRIMARY KEY (trial_id), FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE INDEX IF NOT EXISTS ix_trials_study_id ON trials (study_id);
CREATE TABLE IF NOT EXISTS trial_user_attributes (
  trial_user_attribute_id INTEGER NOT NULL, trial_id INTEGER, "key" VARCHAR(512), value_json TEXT,
  PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, "key"), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE IF NOT EXISTS trial_system_attributes (
  trial_system_attribute_id INTEGER NOT NULL, trial_id INTEGER, "key" VARCHAR(512), value_json TEXT,
  PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, "key"), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE IF NOT EXISTS trial_params (
  param_id INTEGER NOT NULL, trial_id INTEGER, param_name VARCHAR(512), param_value FLOAT, distribution_json TEXT,
  PRIMARY KEY (param_id), UNIQUE (trial_id, param_name), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE IF NOT EXISTS trial_values (
  trial_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, objective INTEGER NOT NULL, value FLOAT, value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE IF NOT EXISTS trial_intermediate_values (
  trial_intermediate_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, step INTEGER NOT NULL, intermediate_value FLOAT,
  intermediate_value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_intermediate_value_id), UNIQUE (trial_id, step), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE IF NOT EXISTS trial_heartbeats (
  trial_heartbeat_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, heartbeat DATETIME NOT NULL,
  PRIMARY KEY (trial_heartbeat_id), UNIQUE (trial_id), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE IF NOT EXISTS alembic_version (
  version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
INSERT OR IGNORE INTO version_info (version_info_id, schema_version, library_version) VALUES (1, 12, 'warpbo )sql" WARPBO_VERSION
                                R"sql(');
INSERT INTO alembic_version (version_num) SELECT 'v3.2.0.a' WHERE NOT EXISTS (SELECT 1 FROM alembic_version);
)sql";

[[noreturn]] void refuse_foreign(const std::string& label, const std::vector<std::string>& tables) {
  std::string names;
  for (std::size_t i = 0; i < tables.size() && i < 3; ++i) names += (i > 0 ? ", " : "") + text::quote(tables[i], 40);
  throw Error(ErrorCode::invalid_argument, "store " + label +
                                               ": this is the SQLite database of another program (it has the tables " + names +
                                               "); it was not changed. Choose another path for the store");
}

void check_revision(Database& database, const std::string& label) {
  const std::optional<std::string> revision = database.query_text("SELECT version_num FROM alembic_version");
  if (!revision || *revision == kHead) return;
  if (std::find(kOlder.begin(), kOlder.end(), *revision) != kOlder.end()) {
    throw Error(ErrorCode::invalid_argument, "store " + label + ": its tables have Optuna's older form " +
                                                 text::quote(*revision) +
                                                 "; make a backup, then run: optuna storage upgrade --storage sqlite:///FILE");
  }
  throw Error(ErrorCode::version_too_new, "store " + label + ": its tables have the form " + text::quote(*revision, 40) +
                                              ", which is newer than this program knows (" + std::string(kHead) +
                                              "); the file was not changed; use a newer warpbo");
}

}  // namespace

SchemaState inspect_schema(Database& database, const std::string& label) {
  std::vector<std::string> tables;
  {
    Statement list =
        database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    while (list.step()) tables.emplace_back(list.text(0));
  }
  const auto has = [&](std::string_view name) { return std::find(tables.begin(), tables.end(), name) != tables.end(); };
  if (tables.empty()) return SchemaState::empty;
  // Other tables beside Optuna's are tolerated: people add views and notes. Without any of its tables this is something else.
  if (!has("studies") && !has("version_info")) refuse_foreign(label, tables);
  if (has("alembic_version")) check_revision(database, label);
  if (has("version_info")) {
    const std::optional<std::int64_t> version = database.query_integer("SELECT schema_version FROM version_info");
    if (version && *version != kSchemaVersion) {
      throw Error(
          *version > kSchemaVersion ? ErrorCode::version_too_new : ErrorCode::invalid_argument,
          "store " + label + ": its schema has version " + std::to_string(*version) + ", this program knows " +
              std::to_string(kSchemaVersion) + "; the file was not changed; " +
              (*version > kSchemaVersion ? "use a newer warpbo" : "run: optuna storage upgrade --storage sqlite:///FILE"));
    }
  }
  if (!std::all_of(kTables.begin(), kTables.end(), has)) return SchemaState::partial;
  const bool stamped = database.query_text("SELECT version_num FROM alembic_version").has_value();
  return stamped ? SchemaState::complete : SchemaState::partial;
}

void create_schema(Database& database, const std::string& label) {
  Transaction transaction(database, Transaction::Kind::write);
  if (inspect_schema(database, label) == SchemaState::complete) return;
  database.execute(kCreate);
  transaction.commit();
}

}  // namespace warpbo::storage
