#include "storage/memory_storage.hpp"

#include "storage/checks.hpp"
#include "storage/clock.hpp"
#include "storage/distribution.hpp"

#include <algorithm>
#include <set>

namespace warpbo::storage {

namespace {

/// The trial with its parameters in the space's order; names that the space does not know are left out and listed, as a file
/// does it.
Trial viewed(const Trial& stored, const Space& space) {
  Trial trial = stored;
  trial.parameters = {};
  for (const ParameterSpec& spec : space.parameters()) {
    const Value* value = stored.parameters.find(spec.name);
    if (value == nullptr) continue;
    if (std::optional<Value> typed = as_declared(spec, *value)) trial.parameters.set(spec.name, std::move(*typed));
  }
  std::string unread;
  for (const auto& [name, value] : stored.parameters) {
    if (!trial.parameters.contains(name)) unread += (unread.empty() ? "\"" : ", \"") + name + "\"";
  }
  if (!unread.empty()) trial.attributes.insert_or_assign(std::string(kUnreadKey), "[" + unread + "]");
  return trial;
}

}  // namespace

MemoryStorage::Study& MemoryStorage::study(std::int64_t study_id) {
  const auto at = studies_.find(study_id);
  if (at == studies_.end()) no_such_study(url(), study_id);
  return at->second;
}

Trial& MemoryStorage::trial(std::int64_t trial_id) {
  const auto at = trials_.find(trial_id);
  if (at == trials_.end()) no_such_trial(url(), trial_id);
  return at->second;
}

void MemoryStorage::note_parameters(Study& study, const Space& space, const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    // By way of the distribution's text, so that both kinds of store forget the same things (ordinals become categoricals).
    const std::optional<ParameterSpec> written = read_distribution(name, distribution_text(*space.find(name)), "memory:");
    const auto at =
        std::find_if(study.seen.begin(), study.seen.end(), [&](const ParameterSpec& spec) { return spec.name == name; });
    if (written) at == study.seen.end() ? static_cast<void>(study.seen.push_back(*written)) : unite(*at, *written);
  }
}

StudyRecord MemoryStorage::create_study(std::string_view name, Direction direction,
                                        const std::map<std::string, std::string>& attributes) {
  check_study_name(name);
  check_attributes(attributes);
  const std::lock_guard lock(mutex_);
  for (const auto& [id, study] : studies_) {
    if (study.record.name == name) study_exists(url(), name);
  }
  StudyRecord record{++last_study_, std::string(name), direction, attributes};
  record.attributes.try_emplace(std::string(kUuidKey), new_uuid_json());
  studies_[record.id].record = record;
  ++version_;
  return record;
}

std::optional<StudyRecord> MemoryStorage::find_study(std::string_view name) {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, study] : studies_) {
    if (study.record.name == name) return study.record;
  }
  return std::nullopt;
}

std::vector<StudyRecord> MemoryStorage::studies() {
  const std::lock_guard lock(mutex_);
  std::vector<StudyRecord> all;
  for (const auto& [id, study] : studies_) all.push_back(study.record);
  return all;
}

void MemoryStorage::delete_study(std::int64_t study_id) {
  const std::lock_guard lock(mutex_);
  for (const std::int64_t id : study(study_id).trials) {
    trials_.erase(id);
    study_of_.erase(id);
  }
  studies_.erase(study_id);
  ++version_;
}

void MemoryStorage::set_study_attribute(std::int64_t study_id, std::string_view key, std::string_view json) {
  check_attribute(key, json);
  const std::lock_guard lock(mutex_);
  study(study_id).record.attributes.insert_or_assign(std::string(key), std::string(json));
  ++version_;
}

std::vector<Trial> MemoryStorage::create_trials(std::int64_t study_id, const Space& space, std::span<const NewTrial> trials) {
  std::vector<Trial> created;
  created.reserve(trials.size());
  for (const NewTrial& fresh : trials) created.push_back(make_trial(space, fresh));
  const std::lock_guard lock(mutex_);
  Study& owner = study(study_id);
  for (Trial& fresh : created) {
    fresh.id = ++last_trial_;
    fresh.number = static_cast<std::int64_t>(owner.trials.size());
    owner.trials.push_back(fresh.id);
    study_of_[fresh.id] = study_id;
    note_parameters(owner, space, fresh.parameters);
    trials_.emplace(fresh.id, fresh);
  }
  ++version_;
  return created;
}

std::vector<Trial> MemoryStorage::claim_waiting(std::int64_t study_id, std::int64_t count) {
  const std::lock_guard lock(mutex_);
  std::vector<Trial> claimed;
  for (const std::int64_t id : study(study_id).trials) {
    if (static_cast<std::int64_t>(claimed.size()) >= count) break;
    Trial& candidate = trials_.at(id);
    if (candidate.state != TrialState::waiting) continue;
    candidate.state = TrialState::running;
    candidate.started = current_time();
    claimed.push_back(candidate);
  }
  if (!claimed.empty()) ++version_;
  return claimed;
}

std::vector<bool> MemoryStorage::finish_trials(std::span<const Finish> finishes) {
  for (const Finish& finish : finishes) check_finish(finish);
  const std::lock_guard lock(mutex_);
  for (const Finish& finish : finishes) trial(finish.trial_id);  // all or nothing: an unknown id throws before anything changes
  std::vector<bool> took_effect;
  for (const Finish& finish : finishes) {
    Trial& target = trial(finish.trial_id);
    const bool open = !is_finished(target.state);
    took_effect.push_back(open);
    if (!open) continue;
    target.state = finish.state;
    target.finished = current_time();
    if (!target.started) target.started = target.finished;
    if (finish.state == TrialState::complete) target.value = finish.value;
    target.failure = finish.failure;
    for (const auto& [key, json] : finish.attributes) target.attributes.insert_or_assign(key, json);
  }
  ++version_;
  return took_effect;
}

bool MemoryStorage::requeue_trial(std::int64_t trial_id) {
  const std::lock_guard lock(mutex_);
  Trial& target = trial(trial_id);
  if (target.state != TrialState::running) return false;
  target.state = TrialState::waiting;
  target.started.reset();
  ++version_;
  return true;
}

void MemoryStorage::set_trial_attribute(std::int64_t trial_id, std::string_view key, std::string_view json) {
  check_attribute(key, json);
  const std::lock_guard lock(mutex_);
  trial(trial_id).attributes.insert_or_assign(std::string(key), std::string(json));
  ++version_;
}

void MemoryStorage::set_trial_parameters(std::int64_t trial_id, const Space& space, const Parameters& parameters) {
  Parameters ordered = normalize(space, parameters);
  const std::lock_guard lock(mutex_);
  Trial& target = trial(trial_id);
  if (is_finished(target.state)) trial_finished(url(), target.number);
  note_parameters(study(study_of_.at(trial_id)), space, ordered);
  target.parameters = std::move(ordered);
  ++version_;
}

std::vector<Trial> MemoryStorage::read_trials(std::int64_t study_id, const Space& space, std::int64_t after_id,
                                              std::span<const std::int64_t> unfinished) {
  const std::lock_guard lock(mutex_);
  const std::vector<std::int64_t>& ids = study(study_id).trials;
  const auto first_new = std::upper_bound(ids.begin(), ids.end(), after_id);
  std::set<std::int64_t> wanted(first_new, ids.end());
  for (const std::int64_t id : unfinished) {
    if (std::binary_search(ids.begin(), ids.end(), id)) wanted.insert(id);
  }
  std::vector<Trial> read;
  read.reserve(wanted.size());
  for (const std::int64_t id : wanted) read.push_back(viewed(trials_.at(id), space));
  return read;
}

std::vector<ParameterSpec> MemoryStorage::parameters_seen(std::int64_t study_id) {
  const std::lock_guard lock(mutex_);
  return study(study_id).seen;
}

std::uint64_t MemoryStorage::version() {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace warpbo::storage
