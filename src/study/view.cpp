#include "study/view.hpp"

#include "base/text.hpp"

#include <warpbo/error.hpp>

#include <algorithm>
#include <cmath>

namespace warpbo::study {

namespace {

constexpr const char* kUuid = "warpbo:uuid";

std::string attribute(const StudyRecord& record, const char* key) {
  const auto at = record.attributes.find(key);
  return at == record.attributes.end() ? std::string() : at->second;
}

}  // namespace

View::View(std::shared_ptr<Storage> store, StudyRecord record, const Space& space)
    : store_(std::move(store)), record_(std::move(record)), space_(space) {}

void View::check_identity() const {
  const std::optional<StudyRecord> now = store_->find_study(record_.name);
  // A database hands out the ids of deleted rows again, so the name and the id alone prove nothing.
  if (now && now->id == record_.id && attribute(*now, kUuid) == attribute(record_, kUuid)) return;
  throw Error(ErrorCode::not_found, "study " + text::quote(record_.name) + " in " + store_->url() + " was deleted" +
                                        (now ? ", and another study has its name now; open it again to use that one" : ""));
}

void View::refresh() {
  const std::lock_guard lock(mutex_);
  // The version is read first: what changes during the reading below is read again by the next call.
  const std::uint64_t version = store_->version();
  if (version_ == version) return;
  check_identity();
  std::vector<std::int64_t> unfinished;
  unfinished.reserve(unfinished_.size());
  for (const std::int64_t number : unfinished_) unfinished.push_back(trials_.at(number).id);
  for (Trial& trial : store_->read_trials(record_.id, space_, last_read_id_, unfinished)) {
    last_read_id_ = std::max(last_read_id_, trial.id);
    merge_locked(std::move(trial));
  }
  version_ = version;
}

void View::merge(std::span<const Trial> trials) {
  const std::lock_guard lock(mutex_);
  for (const Trial& trial : trials) merge_locked(trial);
}

void View::set_attribute(std::int64_t number, std::string_view key, std::string_view json) {
  const std::lock_guard lock(mutex_);
  const auto at = trials_.find(number);
  if (at != trials_.end()) at->second.attributes[std::string(key)] = std::string(json);
}

void View::merge_locked(Trial trial) {
  const std::int64_t number = trial.number;
  const auto [at, is_new] = trials_.try_emplace(number);
  if (!is_new) {
    // A finished trial never changes its state again; an older reading of it may arrive late.
    if (is_finished(at->second.state) && !is_finished(trial.state)) return;
    --counts_[at->second.state];
  }
  const bool finished_now = is_finished(trial.state) && (is_new || !is_finished(at->second.state));
  at->second = std::move(trial);
  const Trial& kept = at->second;
  ++counts_[kept.state];
  if (!is_finished(kept.state)) {
    unfinished_.insert(number);
    return;
  }
  unfinished_.erase(number);
  if (!finished_now) return;
  newly_finished_.insert(number);
  if (kept.state == TrialState::complete && kept.value && std::isfinite(*kept.value)) {
    const double value = *kept.value;
    values_.lowest = values_.count == 0 ? value : std::min(values_.lowest, value);
    values_.highest = values_.count == 0 ? value : std::max(values_.highest, value);
    ++values_.count;
  }
}

std::optional<Trial> View::find(std::int64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto at = trials_.find(number);
  return at == trials_.end() ? std::nullopt : std::optional<Trial>(at->second);
}

std::vector<Trial> View::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Trial> out;
  out.reserve(trials_.size());
  for (const auto& [number, trial] : trials_) out.push_back(trial);
  return out;
}

std::vector<Trial> View::unfinished() const {
  const std::lock_guard lock(mutex_);
  std::vector<Trial> out;
  out.reserve(unfinished_.size());
  for (const std::int64_t number : unfinished_) out.push_back(trials_.at(number));
  return out;
}

std::int64_t View::count() const {
  const std::lock_guard lock(mutex_);
  return trials_.empty() ? 0 : trials_.rbegin()->first + 1;
}

std::int64_t View::count(TrialState state) const {
  const std::lock_guard lock(mutex_);
  const auto at = counts_.find(state);
  return at == counts_.end() ? 0 : at->second;
}

std::optional<Trial> View::best(Direction direction) const {
  const std::lock_guard lock(mutex_);
  const Trial* best = nullptr;
  for (const auto& [number, trial] : trials_) {
    if (trial.state != TrialState::complete || !trial.value || !std::isfinite(*trial.value)) continue;
    const bool better =
        best == nullptr || (direction == Direction::minimize ? *trial.value < *best->value : *trial.value > *best->value);
    if (better) best = &trial;
  }
  return best == nullptr ? std::nullopt : std::optional<Trial>(*best);
}

std::optional<Trial> View::last_failure() const {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(trials_.rbegin(), trials_.rend(),
                               [](const auto& entry) { return entry.second.state == TrialState::failed; });
  return at == trials_.rend() ? std::nullopt : std::optional<Trial>(at->second);
}

ValueRange View::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

std::vector<Trial> View::take_newly_finished() {
  const std::lock_guard lock(mutex_);
  std::vector<Trial> out;
  out.reserve(newly_finished_.size());
  for (const std::int64_t number : newly_finished_) out.push_back(trials_.at(number));
  newly_finished_.clear();
  return out;
}

}  // namespace warpbo::study
