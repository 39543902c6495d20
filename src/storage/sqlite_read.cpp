#include "storage/sqlite_read.hpp"

#include "base/text.hpp"
#include "storage/checks.hpp"
#include "storage/clock.hpp"
#include "storage/distribution.hpp"
#include "storage/json.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace warpbo::storage {

namespace {

constexpr std::array<std::pair<std::string_view, TrialState>, 5> kStates = {{{"RUNNING", TrialState::running},
                                                                             {"COMPLETE", TrialState::complete},
                                                                             {"PRUNED", TrialState::pruned},
                                                                             {"FAIL", TrialState::failed},
                                                                             {"WAITING", TrialState::waiting}}};

/// Distributions by their text: a study repeats the same few for all its trials.
class DistributionCache {
 public:
  explicit DistributionCache(std::string_view label) : label_(label) {}

  const std::optional<ParameterSpec>& get(std::string_view name, std::string_view text) {
    const auto at = known_.find(text);
    if (at != known_.end()) return at->second;
    texts_.push_back(std::make_unique<std::string>(text));
    return known_.emplace(*texts_.back(), read_distribution(name, text, label_)).first->second;
  }

 private:
  std::string_view label_;
  std::vector<std::unique_ptr<std::string>> texts_;
  std::unordered_map<std::string_view, std::optional<ParameterSpec>> known_;
};

/// Puts one trial's values into the space's order. Without a space they stay in the order in which they come.
class ParameterCollector {
 public:
  ParameterCollector(const Space* space, std::string_view label) : space_(space), distributions_(label) {
    if (space_ == nullptr) return;
    slots_.resize(space_->parameters().size());
    for (std::size_t i = 0; i < slots_.size(); ++i) index_.emplace(space_->parameters()[i].name, i);
  }

  /// A stored value; `text` says how it was stored.
  void add_stored(std::string_view name, double internal, std::string_view text) {
    const std::optional<std::size_t> slot = slot_of(name);
    if (space_ != nullptr && !slot) {
      unread_.emplace_back(name);
      return;
    }
    const std::optional<ParameterSpec>& written = distributions_.get(name, text);
    std::optional<Value> value;
    if (written) value = from_internal(slot ? space_->parameters()[*slot] : *written, *written, internal);
    put(name, slot, std::move(value));
  }

  /// A value that was only wished for, unless the trial has one already.
  void add_wished(std::string_view name, const Json& json) {
    const std::optional<std::size_t> slot = slot_of(name);
    if (slot ? slots_[*slot].has_value() : loose_.contains(name)) return;
    std::optional<Value> value = plain(json);
    if (value && slot) value = as_declared(space_->parameters()[*slot], *value);
    if (space_ != nullptr && !slot) value.reset();
    put(name, slot, std::move(value));
  }

  /// Moves what was collected into the trial and starts anew.
  void finish(Trial& trial) {
    next_ = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i]) trial.parameters.set(space_->parameters()[i].name, std::move(*slots_[i]));
      slots_[i].reset();
    }
    if (space_ == nullptr) trial.parameters = std::exchange(loose_, {});
    if (unread_.empty()) return;
    std::string list = "[";
    for (const std::string& name : unread_) {
      if (list.size() > 1) list += ", ";
      append_json_string(list, name);
    }
    trial.attributes.insert_or_assign(std::string(kUnreadKey), list + "]");
    unread_.clear();
  }

 private:
  std::optional<std::size_t> slot_of(std::string_view name) {
    // Trials name their parameters in the same order nearly always.
    const std::size_t guess = next_++;
    if (space_ == nullptr) return std::nullopt;
    if (guess < slots_.size() && space_->parameters()[guess].name == name) return guess;
    const auto at = index_.find(name);
    if (at == index_.end()) return std::nullopt;
    next_ = at->second + 1;
    return at->second;
  }

  static std::optional<Value> plain(const Json& json) {
    if (const auto* flag = std::get_if<bool>(&json.value)) return Value(*flag);
    if (const auto* whole = std::get_if<std::int64_t>(&json.value)) return Value(*whole);
    if (const auto* real = std::get_if<double>(&json.value)) return Value(*real);
    if (const auto* text = std::get_if<std::string>(&json.value)) return Value(*text);
    if (std::holds_alternative<std::nullptr_t>(json.value)) return Value(std::string("None"));
    return std::nullopt;
  }

  void put(std::string_view name, std::optional<std::size_t> slot, std::optional<Value> value) {
    if (!value) {
      unread_.emplace_back(name);
    } else if (slot) {
      slots_[*slot] = std::move(value);
    } else {
      loose_.set(name, std::move(*value));
    }
  }

  const Space* space_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<std::optional<Value>> slots_;
  Parameters loose_;
  std::vector<std::string> unread_;
  std::size_t next_ = 0;
  DistributionCache distributions_;
};

/// Loads one range of ids, with one query per table. Every query gives its rows in the order of the trials' ids, so that they
/// are merged in one pass.
class RangeLoader {
 public:
  RangeLoader(Database& database, std::int64_t study_id, IdRange range, std::string_view label)
      : database_(database), study_id_(study_id), range_(range), label_(label) {}

  void load(ParameterCollector& collector, std::vector<Trial>& out) {
    read_rows(out);
    read_values(out);
    read_attributes(out);
    read_wishes();
    read_parameters(collector, out);
  }

 private:
  void bind(Statement& statement) { statement.bind(1, study_id_).bind(2, range_.after).bind(3, range_.last); }

  void read_rows(std::vector<Trial>& out) {
    first_ = out.size();
    Statement rows = database_.prepare(
        "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials "
        "WHERE study_id = ? AND trial_id > ? AND trial_id <= ? ORDER BY trial_id");
    bind(rows);
    while (rows.step()) {
      Trial& trial = out.emplace_back();
      trial.id = rows.integer(0);
      trial.number = rows.integer(1);
      trial.state = parse_state(rows.text(2), label_);
      trial.started = parse_time(rows.text(3));
      trial.finished = parse_time(rows.text(4));
    }
  }

  /// The trial with this id, searched from where the last one was found.
  Trial* seek(std::vector<Trial>& out, std::size_t& at, std::int64_t id) const {
    while (at < out.size() && out[at].id < id) ++at;
    return at < out.size() && out[at].id == id ? &out[at] : nullptr;
  }

  void read_values(std::vector<Trial>& out) {
    Statement rows = database_.prepare(
        "SELECT t.trial_id, v.value, v.value_type FROM trials t CROSS JOIN trial_values v ON v.trial_id = t.trial_id "
        "WHERE t.study_id = ? AND t.trial_id > ? AND t.trial_id <= ? AND v.objective = 0 ORDER BY t.trial_id");
    bind(rows);
    std::size_t at = first_;
    while (rows.step()) {
      Trial* trial = seek(out, at, rows.integer(0));
      // Optuna keeps a value for pruned trials too: the last one reported. It is not the objective.
      if (trial == nullptr || trial->state != TrialState::complete) continue;
      constexpr double kInfinity = std::numeric_limits<double>::infinity();
      const std::string_view type = rows.text(2);
      if (type == "FINITE" && !rows.is_null(1)) {
        trial->value = rows.real(1);
      } else if (type == "INF_POS" || type == "INF_NEG") {
        trial->value = type == "INF_POS" ? kInfinity : -kInfinity;
      } else {
        throw Error(ErrorCode::data_corrupt, "store " + std::string(label_) + ": the value of trial " +
                                                 std::to_string(trial->number) + " is damaged (type " + text::quote(type) +
                                                 "); restore a backup");
      }
    }
  }

  void read_attributes(std::vector<Trial>& out) {
    Statement rows = database_.prepare(
        "SELECT t.trial_id, a.\"key\", a.value_json FROM trials t CROSS JOIN trial_user_attributes a ON a.trial_id = "
        "t.trial_id "
        "WHERE t.study_id = ? AND t.trial_id > ? AND t.trial_id <= ? ORDER BY t.trial_id");
    bind(rows);
    std::size_t at = first_;
    while (rows.step()) {
      Trial* trial = seek(out, at, rows.integer(0));
      if (trial == nullptr) continue;
      if (rows.text(1) == kFailureKey) {
        const std::optional<Json> reason = parse_json(rows.text(2));
        const auto* sentence = reason ? std::get_if<std::string>(&reason->value) : nullptr;
        trial->failure = sentence != nullptr ? *sentence : std::string(rows.text(2));
      } else {
        trial->attributes.insert_or_assign(std::string(rows.text(1)), std::string(rows.text(2)));
      }
    }
  }

  /// The values that unfinished trials were enqueued with.
  void read_wishes() {
    Statement rows = database_.prepare(
        "SELECT t.trial_id, a.value_json FROM trials t CROSS JOIN trial_system_attributes a ON a.trial_id = t.trial_id "
        "WHERE t.study_id = ? AND t.trial_id > ? AND t.trial_id <= ? AND t.state IN ('RUNNING', 'WAITING') AND a.\"key\" = "
        "'fixed_params'");
    bind(rows);
    while (rows.step()) {
      if (std::optional<Json> wish = parse_json(rows.text(1))) wishes_.emplace(rows.integer(0), std::move(*wish));
    }
  }

  void read_parameters(ParameterCollector& collector, std::vector<Trial>& out) {
    Statement rows = database_.prepare(
        "SELECT t.trial_id, p.param_name, p.param_value, p.distribution_json FROM trials t CROSS JOIN trial_params p "
        "ON p.trial_id = t.trial_id WHERE t.study_id = ? AND t.trial_id > ? AND t.trial_id <= ? ORDER BY t.trial_id, "
        "p.param_id");
    bind(rows);
    bool row = rows.step();
    for (std::size_t i = first_; i < out.size(); ++i) {
      Trial& trial = out[i];
      while (row && rows.integer(0) < trial.id) row = rows.step();
      for (; row && rows.integer(0) == trial.id; row = rows.step()) {
        // SQLite keeps NaN as NULL; neither is a value.
        const double internal = rows.is_null(2) ? std::numeric_limits<double>::quiet_NaN() : rows.real(2);
        collector.add_stored(rows.text(1), internal, rows.text(3));
      }
      if (const auto wish = wishes_.find(trial.id); wish != wishes_.end()) {
        if (const auto* members = std::get_if<Json::Object>(&wish->second.value)) {
          for (const auto& [name, value] : *members) collector.add_wished(name, value);
        }
      }
      collector.finish(trial);
    }
  }

  Database& database_;
  std::int64_t study_id_;
  IdRange range_;
  std::string_view label_;
  std::size_t first_ = 0;
  std::unordered_map<std::int64_t, Json> wishes_;
};

}  // namespace

std::string failure_json(std::string_view reason) {
  std::string out;
  append_json_string(out, reason);
  return out;
}

std::string_view state_name(TrialState state) noexcept {
  for (const auto& [name, known] : kStates) {
    if (known == state) return name;
  }
  return "RUNNING";
}

TrialState parse_state(std::string_view name, std::string_view label) {
  for (const auto& [known, state] : kStates) {
    if (known == name) return state;
  }
  throw Error(ErrorCode::data_corrupt,
              "store " + std::string(label) + ": a trial has the unknown state " + text::quote(name) + "; restore a backup");
}

std::vector<IdRange> ranges_of(std::vector<std::int64_t> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<IdRange> ranges;
  for (const std::int64_t id : ids) {
    if (!ranges.empty() && id <= ranges.back().last + 1) {
      ranges.back().last = id;
    } else {
      ranges.push_back({id - 1, id});
    }
  }
  return ranges;
}

std::vector<Trial> load_trials(Database& database, std::int64_t study_id, const Space* space,
                               const std::vector<IdRange>& ranges, std::string_view label) {
  std::vector<Trial> trials;
  ParameterCollector collector(space, label);
  for (const IdRange& range : ranges) RangeLoader(database, study_id, range, label).load(collector, trials);
  std::sort(trials.begin(), trials.end(), [](const Trial& a, const Trial& b) { return a.number < b.number; });
  return trials;
}

std::vector<ParameterSpec> load_parameters_seen(Database& database, std::int64_t study_id, std::string_view label) {
  std::vector<ParameterSpec> seen;
  Statement rows = database.prepare(
      "SELECT p.param_name, p.distribution_json FROM trials t CROSS JOIN trial_params p ON p.trial_id = t.trial_id "
      "WHERE t.study_id = ? GROUP BY p.param_name, p.distribution_json ORDER BY min(p.param_id)");
  rows.bind(1, study_id);
  while (rows.step()) {
    const std::string name(rows.text(0));
    const std::optional<ParameterSpec> written = read_distribution(name, rows.text(1), label);
    if (!written) continue;
    const auto at = std::find_if(seen.begin(), seen.end(), [&](const ParameterSpec& spec) { return spec.name == name; });
    at == seen.end() ? static_cast<void>(seen.push_back(*written)) : unite(*at, *written);
  }
  return seen;
}

std::int64_t next_number(Database& database, std::int64_t study_id) {
  Statement query = database.prepare("SELECT number FROM trials WHERE study_id = ? ORDER BY trial_id DESC LIMIT 1");
  query.bind(1, study_id);
  return query.step() ? query.integer(0) + 1 : 0;
}

void check_single_objective(Database& database, std::int64_t study_id, std::string_view name, std::string_view label) {
  Statement query = database.prepare("SELECT count(*) FROM study_directions WHERE study_id = ?");
  query.bind(1, study_id);
  if (!query.step() || query.integer(0) <= 1) return;
  throw Error(ErrorCode::invalid_argument, "store " + std::string(label) + ": study " + text::quote(name) + " has " +
                                               std::to_string(query.integer(0)) +
                                               " objectives; warpbo optimizes one; choose another study");
}

}  // namespace warpbo::storage
