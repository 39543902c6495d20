#include "storage/sqlite_storage.hpp"

#include "storage/checks.hpp"
#include "storage/clock.hpp"
#include "storage/distribution.hpp"
#include "storage/sqlite_read.hpp"
#include "storage/sqlite_write.hpp"

#include <algorithm>
#include <limits>

namespace warpbo::storage {

namespace {

/// Optuna keeps the attributes that programs set for themselves apart from those that people set.
bool is_system_key(std::string_view key) {
  return key.starts_with("warpbo:") || key.starts_with("study:") || key.starts_with("dashboard:");
}

/// Removes what a trial's own tables hold; the order satisfies the foreign keys.
constexpr const char* kDeleteStudy[] = {
    "DELETE FROM trial_user_attributes WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
    "DELETE FROM trial_system_attributes WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
    "DELETE FROM trial_params WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
    "DELETE FROM trial_values WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
    "DELETE FROM trial_intermediate_values WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
    "DELETE FROM trial_heartbeats WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)",
    "DELETE FROM trials WHERE study_id = ?",
    "DELETE FROM study_directions WHERE study_id = ?",
    "DELETE FROM study_user_attributes WHERE study_id = ?",
    "DELETE FROM study_system_attributes WHERE study_id = ?",
    "DELETE FROM studies WHERE study_id = ?"};

/// Ids of deleted studies and trials must not be given again, or old handles would reach new things; SQLite itself would. The
/// largest id that was ever deleted is kept in the file header's user_version, which Optuna does not use.
std::int64_t id_floor(Database& database) { return database.query_integer("PRAGMA user_version").value_or(0); }

void raise_id_floor(Database& database) {
  const std::int64_t trial = database.query_integer("SELECT max(trial_id) FROM trials").value_or(0);
  const std::int64_t study = database.query_integer("SELECT max(study_id) FROM studies").value_or(0);
  const std::int64_t floor = std::min<std::int64_t>(std::max({trial, study, id_floor(database)}), 0x7FFFFFFF);
  database.execute(("PRAGMA user_version = " + std::to_string(floor)).c_str());
}

std::int64_t next_id(std::optional<std::int64_t> largest, std::int64_t floor) {
  return std::max(largest.value_or(0), floor) + 1;
}

}  // namespace

SqliteStorage::SqliteStorage(Location location, OpenMode mode)
    : location_(std::move(location)), mode_(mode), connection_(location_, mode) {}

SqliteStorage::~SqliteStorage() = default;

/// Runs the body on one consistent view of the store.
template <class Body>
auto SqliteStorage::read(Body body) {
  const std::lock_guard lock(mutex_);
  const FileSizeSignalGuard guard;
  Database& database = connection_.ready();
  const Transaction transaction(database, Transaction::Kind::read);
  return body(database);
}

/// Runs the body in a transaction of its own; what it changed is durable when this returns, and undone if anything throws.
template <class Body>
auto SqliteStorage::write(Body body) {
  const std::lock_guard lock(mutex_);
  if (mode_ == OpenMode::read_only) {
    throw Error(ErrorCode::read_only,
                "store " + location_.label + ": it was opened read-only; open it for writing to change something");
  }
  const FileSizeSignalGuard guard;
  Database& database = connection_.ready();
  Transaction transaction(database, Transaction::Kind::write);
  ++own_changes_;
  auto result = body(database);
  transaction.commit();
  connection_.check_identity();
  return result;
}

void SqliteStorage::require_study(Database& database, std::int64_t study_id) {
  Statement query = database.prepare(
      "SELECT a.value_json FROM studies s LEFT JOIN study_system_attributes a ON a.study_id = s.study_id AND a.\"key\" = "
      "'warpbo:uuid' "
      "WHERE s.study_id = ?");
  query.bind(1, study_id);
  if (!query.step()) no_such_study(location_.label, study_id);
  const auto [known, first] = uuids_.try_emplace(study_id, query.text(0));
  if (!first && known->second != query.text(0)) no_such_study(location_.label, study_id);
}

SqliteStorage::StoredTrial SqliteStorage::require_trial(Database& database, std::int64_t trial_id) {
  StoredTrial trial;
  {
    Statement query = database.prepare("SELECT study_id, number, state FROM trials WHERE trial_id = ?");
    query.bind(1, trial_id);
    if (!query.step()) no_such_trial(location_.label, trial_id);
    trial = {query.integer(0), query.integer(1), parse_state(query.text(2), location_.label)};
  }
  require_study(database, trial.study_id);
  return trial;
}

StudyRecord SqliteStorage::create_study(std::string_view name, Direction direction,
                                        const std::map<std::string, std::string>& attributes) {
  check_study_name(name);
  check_attributes(attributes);
  StudyRecord created = write([&](Database& database) {
    StudyRecord study{0, std::string(name), direction, attributes};
    study.attributes.try_emplace(std::string(kUuidKey), new_uuid_json());
    {
      Statement query = database.prepare("SELECT 1 FROM studies WHERE study_name = ?");
      query.bind(1, name);
      if (query.step()) study_exists(location_.label, name);
    }
    study.id = next_id(database.query_integer("SELECT max(study_id) FROM studies"), id_floor(database));
    database.prepare("INSERT INTO studies (study_id, study_name) VALUES (?, ?)").bind(1, study.id).bind(2, name).run();
    database.prepare("INSERT INTO study_directions (direction, study_id, objective) VALUES (?, ?, 0)")
        .bind(1, std::string_view(direction == Direction::minimize ? "MINIMIZE" : "MAXIMIZE"))
        .bind(2, study.id)
        .run();
    for (const auto& [key, json] : study.attributes) write_study_attribute(database, study.id, key, json);
    return study;
  });
  const std::lock_guard lock(mutex_);
  uuids_[created.id] = created.attributes.at(std::string(kUuidKey));
  return created;
}

std::optional<StudyRecord> SqliteStorage::find_study(std::string_view name) {
  return read([&](Database& database) -> std::optional<StudyRecord> {
    std::int64_t id = 0;
    {
      Statement query = database.prepare("SELECT study_id FROM studies WHERE study_name = ?");
      query.bind(1, name);
      if (!query.step()) return std::nullopt;
      id = query.integer(0);
    }
    check_single_objective(database, id, name, location_.label);
    StudyRecord study = read_study(database, id, std::string(name));
    const auto uuid = study.attributes.find(std::string(kUuidKey));
    uuids_[id] = uuid == study.attributes.end() ? std::string() : uuid->second;
    return study;
  });
}

std::vector<StudyRecord> SqliteStorage::studies() {
  return read([&](Database& database) {
    std::vector<StudyRecord> all;
    std::vector<std::pair<std::int64_t, std::string>> names;
    {
      Statement query = database.prepare("SELECT study_id, study_name FROM studies ORDER BY study_id");
      while (query.step()) names.emplace_back(query.integer(0), query.text(1));
    }
    all.reserve(names.size());
    for (auto& [id, name] : names) all.push_back(read_study(database, id, std::move(name)));
    return all;
  });
}

StudyRecord SqliteStorage::read_study(Database& database, std::int64_t study_id, std::string name) {
  StudyRecord study{study_id, std::move(name), Direction::minimize, {}};
  {
    Statement query = database.prepare("SELECT direction FROM study_directions WHERE study_id = ? AND objective = 0");
    query.bind(1, study_id);
    if (query.step() && query.text(0) == "MAXIMIZE") study.direction = Direction::maximize;
  }
  Statement query = database.prepare(
      "SELECT \"key\", value_json FROM study_system_attributes WHERE study_id = ?1 UNION ALL "
      "SELECT \"key\", value_json FROM study_user_attributes WHERE study_id = ?1");
  query.bind(1, study_id);
  while (query.step()) study.attributes.insert_or_assign(std::string(query.text(0)), std::string(query.text(1)));
  return study;
}

void SqliteStorage::delete_study(std::int64_t study_id) {
  write([&](Database& database) {
    require_study(database, study_id);
    raise_id_floor(database);
    for (const char* sql : kDeleteStudy) database.prepare(sql).bind(1, study_id).run();
    return true;
  });
}

void SqliteStorage::write_study_attribute(Database& database, std::int64_t study_id, std::string_view key,
                                          std::string_view json) {
  Statement insert = database.prepare(
      is_system_key(key) ? "INSERT INTO study_system_attributes (study_id, \"key\", value_json) VALUES (?, ?, ?) "
                           "ON CONFLICT (study_id, \"key\") DO UPDATE SET value_json = excluded.value_json"
                         : "INSERT INTO study_user_attributes (study_id, \"key\", value_json) VALUES (?, ?, ?) "
                           "ON CONFLICT (study_id, \"key\") DO UPDATE SET value_json = excluded.value_json");
  insert.bind(1, study_id).bind(2, key).bind(3, json).run();
}

void SqliteStorage::set_study_attribute(std::int64_t study_id, std::string_view key, std::string_view json) {
  check_attribute(key, json);
  write([&](Database& database) {
    require_study(database, study_id);
    write_study_attribute(database, study_id, key, json);
    if (key == kUuidKey) uuids_[study_id] = json;
    return true;
  });
}

void SqliteStorage::write_trial_attributes(Database& database, std::int64_t trial_id,
                                           const std::map<std::string, std::string>& attributes) {
  for (const auto& [key, json] : attributes) {
    Statement insert = database.prepare(
        "INSERT INTO trial_user_attributes (trial_id, \"key\", value_json) VALUES (?, ?, ?) "
        "ON CONFLICT (trial_id, \"key\") DO UPDATE SET value_json = excluded.value_json");
    insert.bind(1, trial_id).bind(2, std::string_view(key)).bind(3, std::string_view(json)).run();
  }
}

std::vector<Trial> SqliteStorage::create_trials(std::int64_t study_id, const Space& space, std::span<const NewTrial> trials) {
  std::vector<Trial> created;
  created.reserve(trials.size());
  for (const NewTrial& fresh : trials) {
    created.push_back(make_trial(space, fresh));
  }
  return write([&](Database& database) {
    require_study(database, study_id);
    const StoredSpace stored(database, study_id, space, location_.label);
    std::int64_t id = next_id(database.query_integer("SELECT max(trial_id) FROM trials"), id_floor(database));
    std::int64_t number = next_number(database, study_id);
    for (Trial& trial : created) {
      trial.id = id++;
      trial.number = number++;
      Statement insert = database.prepare(
          "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete) VALUES (?, ?, ?, ?, ?, "
          "?)");
      const std::string started = trial.started ? format_time(*trial.started) : std::string();
      const std::string finished = trial.finished ? format_time(*trial.finished) : std::string();
      insert.bind(1, trial.id).bind(2, trial.number).bind(3, study_id).bind(4, state_name(trial.state));
      if (trial.started) insert.bind(5, std::string_view(started));
      if (trial.finished) insert.bind(6, std::string_view(finished));
      insert.run();
      stored.write(database, trial.id, trial.parameters);
      if (trial.value) write_value(database, trial.id, *trial.value);
      if (trial.state == TrialState::waiting) write_wish(database, trial.id, trial.parameters);
      write_trial_attributes(database, trial.id, trial.attributes);
      if (!trial.failure.empty())
        write_trial_attributes(database, trial.id, {{std::string(kFailureKey), failure_json(trial.failure)}});
    }
    return std::move(created);
  });
}

std::optional<Space> SqliteStorage::stored_space(Database& database, std::int64_t study_id) {
  Statement query =
      database.prepare("SELECT value_json FROM study_system_attributes WHERE study_id = ? AND \"key\" = 'warpbo:space'");
  query.bind(1, study_id);
  if (!query.step()) return std::nullopt;
  return Space::from_json(query.text(0));
}

std::vector<Trial> SqliteStorage::claim_waiting(std::int64_t study_id, std::int64_t count) {
  // Most calls find nothing: look without taking the write lock first.
  constexpr const char* kWaiting =
      "SELECT trial_id FROM trials WHERE study_id = ? AND state = 'WAITING' ORDER BY number LIMIT ?";
  const auto waiting = [&](Database& database) {
    std::vector<std::int64_t> ids;
    Statement query = database.prepare(kWaiting);
    query.bind(1, study_id).bind(2, count);
    while (query.step()) ids.push_back(query.integer(0));
    return ids;
  };
  const bool nothing = read([&](Database& database) {
    require_study(database, study_id);
    return count <= 0 || waiting(database).empty();
  });
  if (nothing) return {};
  return write([&](Database& database) {
    require_study(database, study_id);
    const std::vector<std::int64_t> ids = waiting(database);
    const std::string now = format_time(current_time());
    for (const std::int64_t id : ids) {
      database.prepare("UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ?")
          .bind(1, std::string_view(now))
          .bind(2, id)
          .run();
    }
    const std::optional<Space> space = stored_space(database, study_id);
    std::vector<Trial> claimed = load_trials(database, study_id, space ? &*space : nullptr, ranges_of(ids), location_.label);
    if (space) {
      // What another program enqueued has only the wish so far; now it becomes the trial's parameters, for everybody to see.
      const StoredSpace stored(database, study_id, *space, location_.label);
      for (const Trial& trial : claimed) {
        try {
          stored.write(database, trial.id, normalize(*space, trial.parameters));
        } catch (const Error& error) {
          if (error.code() != ErrorCode::invalid_argument) throw;  // a value outside the space stays a wish only
        }
      }
    }
    return claimed;
  });
}

void SqliteStorage::finish_trial(Database& database, const Finish& finish) {
  const std::string now = format_time(current_time());
  database
      .prepare(
          "UPDATE trials SET state = ?1, datetime_start = coalesce(datetime_start, ?2), datetime_complete = ?2 WHERE trial_id "
          "= ?3")
      .bind(1, state_name(finish.state))
      .bind(2, std::string_view(now))
      .bind(3, finish.trial_id)
      .run();
  if (finish.state == TrialState::complete) write_value(database, finish.trial_id, *finish.value);
  write_trial_attributes(database, finish.trial_id, finish.attributes);
  if (!finish.failure.empty())
    write_trial_attributes(database, finish.trial_id, {{std::string(kFailureKey), failure_json(finish.failure)}});
}

std::vector<bool> SqliteStorage::finish_trials(std::span<const Finish> finishes) {
  for (const Finish& finish : finishes) check_finish(finish);
  return write([&](Database& database) {
    std::vector<bool> took_effect;
    took_effect.reserve(finishes.size());
    for (const Finish& finish : finishes) {
      const bool open = !is_finished(require_trial(database, finish.trial_id).state);
      if (open) finish_trial(database, finish);
      took_effect.push_back(open);
    }
    return took_effect;
  });
}

bool SqliteStorage::requeue_trial(std::int64_t trial_id) {
  return write([&](Database& database) {
    if (require_trial(database, trial_id).state != TrialState::running) return false;
    database.prepare("UPDATE trials SET state = 'WAITING', datetime_start = NULL WHERE trial_id = ?").bind(1, trial_id).run();
    return true;
  });
}

void SqliteStorage::set_trial_attribute(std::int64_t trial_id, std::string_view key, std::string_view json) {
  check_attribute(key, json);
  write([&](Database& database) {
    require_trial(database, trial_id);
    write_trial_attributes(database, trial_id, {{std::string(key), std::string(json)}});
    return true;
  });
}

void SqliteStorage::set_trial_parameters(std::int64_t trial_id, const Space& space, const Parameters& parameters) {
  const Parameters ordered = normalize(space, parameters);
  write([&](Database& database) {
    const StoredTrial trial = require_trial(database, trial_id);
    if (is_finished(trial.state)) trial_finished(location_.label, trial.number);
    database.prepare("DELETE FROM trial_params WHERE trial_id = ?").bind(1, trial_id).run();
    StoredSpace(database, trial.study_id, space, location_.label).write(database, trial_id, ordered);
    update_wish(database, trial_id, ordered);
    return true;
  });
}

std::vector<Trial> SqliteStorage::read_trials(std::int64_t study_id, const Space& space, std::int64_t after_id,
                                              std::span<const std::int64_t> unfinished) {
  std::vector<std::int64_t> older;
  for (const std::int64_t id : unfinished) {
    if (id <= after_id) older.push_back(id);
  }
  std::vector<IdRange> ranges = ranges_of(std::move(older));
  ranges.push_back({after_id, std::numeric_limits<std::int64_t>::max()});
  return read([&](Database& database) {
    require_study(database, study_id);
    return load_trials(database, study_id, &space, ranges, location_.label);
  });
}

std::vector<ParameterSpec> SqliteStorage::parameters_seen(std::int64_t study_id) {
  return read([&](Database& database) {
    require_study(database, study_id);
    return load_parameters_seen(database, study_id, location_.label);
  });
}

std::uint64_t SqliteStorage::version() {
  const std::lock_guard lock(mutex_);
  const FileSizeSignalGuard guard;
  return connection_.foreign_changes() + own_changes_;
}

}  // namespace warpbo::storage
