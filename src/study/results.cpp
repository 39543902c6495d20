/// What comes back: results, failures, points from elsewhere.
#include <warpbo/study.hpp>

#include "base/text.hpp"
#include "study/impl.hpp"
#include "study/json_text.hpp"

#include <warpbo/error.hpp>

#include <cmath>
#include <map>
#include <utility>

namespace warpbo {

namespace {

constexpr const char* kNanReason = "the objective returned NaN";
/// Longer reasons are cut; a log belongs into a file.
constexpr std::size_t kMaxReason = 16 * 1024;

/// Whether telling this value to a finished trial changes nothing.
bool same_result(const Trial& trial, double value) {
  if (std::isnan(value)) return trial.state == TrialState::failed;
  return trial.state == TrialState::complete && trial.value == value;
}

std::string result_of(const Trial& trial) {
  if (trial.state == TrialState::complete && trial.value) return "has the value " + text::format_number(*trial.value);
  return "is " + std::string(to_string(trial.state));
}

Storage::Finish finish_with(const Trial& trial, double value) {
  Storage::Finish finish;
  finish.trial_id = trial.id;
  if (std::isnan(value)) {
    finish.state = TrialState::failed;
    finish.failure = kNanReason;
  } else {
    finish.value = value + 0.0;  // -0.0 is 0
  }
  return finish;
}

}  // namespace

void Study::tell(std::int64_t number, double value) { tell(std::vector<Result>{{number, value}}); }

void Study::tell(const std::vector<Result>& results) {
  Impl& self = *impl_;
  const study::Notices::Delivery delivery(self.notices);
  self.require_writable();
  self.view.refresh();

  // Everything is checked before anything is written.
  std::map<std::int64_t, double> told;
  for (const Result& result : results) {
    self.check_value(result.value, "trial " + std::to_string(result.number));
    const auto [at, is_new] = told.emplace(result.number, result.value);
    if (!is_new && at->second != result.value && !(std::isnan(at->second) && std::isnan(result.value)))
      throw Error(ErrorCode::invalid_argument, "tell: two values for trial " + std::to_string(result.number) + ": " +
                                                   text::format_number(at->second) + " and " +
                                                   text::format_number(result.value));
  }
  std::vector<Storage::Finish> finishes;
  std::vector<std::int64_t> numbers;
  std::string conflict;
  const auto compare = [&](const Trial& trial, double value) {
    if (same_result(trial, value) || !conflict.empty()) return;
    conflict = "tell: trial " + std::to_string(trial.number) + " " + result_of(trial) + " already and keeps it; " +
               text::format_number(value) + " was not recorded";
  };
  for (const auto& [number, value] : told) {
    const Trial trial = self.existing(number);
    if (is_finished(trial.state)) {
      compare(trial, value);
      continue;
    }
    if (trial.state == TrialState::waiting && !self.points.complete(self.points.canonical(trial.parameters)))
      throw Error(ErrorCode::invalid_argument, "tell: trial " + std::to_string(number) +
                                                   " waits and has no complete parameters yet; ask hands it out first");
    finishes.push_back(finish_with(trial, value));
    numbers.push_back(number);
  }
  if (!finishes.empty()) {
    const std::vector<bool> effects = self.store->finish_trials(finishes);  // durable from here on
    for (std::size_t i = 0; i < effects.size(); ++i) {
      if (effects[i]) continue;
      self.view.refresh();  // somebody else was faster
      compare(self.existing(numbers[i]), told.at(numbers[i]));
    }
  }
  if (!conflict.empty()) throw Error(ErrorCode::already_finished, conflict);
}

void Study::fail(std::int64_t number, std::string_view reason) {
  Impl& self = *impl_;
  const study::Notices::Delivery delivery(self.notices);
  self.require_writable();
  self.view.refresh();
  Trial trial = self.existing(number);
  if (!is_finished(trial.state)) {
    Storage::Finish finish;
    finish.trial_id = trial.id;
    finish.state = TrialState::failed;
    finish.failure = reason.empty() ? "no reason given" : study::printable(reason, kMaxReason);
    if (self.store->finish_trials({&finish, 1}).front()) return;
    self.view.refresh();
    trial = self.existing(number);
  }
  if (trial.state == TrialState::failed) return;  // the first reason stays
  throw Error(ErrorCode::already_finished,
              "fail: trial " + std::to_string(number) + " " + result_of(trial) + " already and keeps it");
}

std::int64_t Study::enqueue(const Parameters& parameters) {
  Impl& self = *impl_;
  self.require_writable();
  NewTrial trial;
  trial.state = TrialState::waiting;
  trial.parameters = self.points.typed(parameters);
  auto text = self.points.check_part(trial.parameters);
  Parameters whole = self.points.canonical(parameters);
  if (!text && self.points.complete(whole)) {
    text = self.points.check(whole);
    trial.parameters = std::move(whole);
  }
  if (text) throw Error(ErrorCode::invalid_argument, "enqueue: " + *text);
  trial.attributes[study::kOriginAttribute] = study::json_string("enqueued");
  self.view.refresh();
  const std::vector<Trial> created = self.store->create_trials(self.record.id, self.points.space(), {&trial, 1});
  self.view.merge(created);
  return created.front().number;
}

std::int64_t Study::add(const Parameters& parameters, double value) {
  Impl& self = *impl_;
  self.require_writable();
  self.check_value(value, "add");
  NewTrial trial;
  trial.parameters = self.points.canonical(parameters);
  auto text = self.points.check_part(trial.parameters);
  if (!text) text = self.points.check(trial.parameters);
  if (text) throw Error(ErrorCode::invalid_argument, "add: " + *text);
  if (std::isnan(value)) {
    trial.state = TrialState::failed;
    trial.failure = kNanReason;
  } else {
    trial.state = TrialState::complete;
    trial.value = value + 0.0;
  }
  trial.attributes[study::kOriginAttribute] = study::json_string("added");
  self.view.refresh();
  const std::vector<Trial> created = self.store->create_trials(self.record.id, self.points.space(), {&trial, 1});
  self.view.merge(created);
  return created.front().number;
}

bool Study::requeue(std::int64_t number) {
  Impl& self = *impl_;
  self.require_writable();
  self.view.refresh();
  const Trial trial = self.existing(number);
  return trial.state == TrialState::running && self.store->requeue_trial(trial.id);
}

void Study::set_attribute(std::int64_t number, std::string_view key, std::string_view json) {
  Impl& self = *impl_;
  self.require_writable();
  study::check_attribute(key, json);
  self.view.refresh();
  self.store->set_trial_attribute(self.existing(number).id, key, json);
  self.view.set_attribute(number, key, json);
}

void Study::Impl::check_value(double value, const std::string& what) const {
  const bool minimize = record.direction == Direction::minimize;
  if (!std::isinf(value) || (value > 0) == minimize) return;
  throw Error(ErrorCode::invalid_argument,
              what + ": the value " + text::format_number(value) +
                  " would be better than everything; tell a finite value, or fail the trial if it has none");
}

void Study::Impl::require_writable() const {
  if (store->read_only())
    throw Error(ErrorCode::read_only, "study " + text::quote(record.name) + " in " + store->url() +
                                          " is open for reading only; open it with write access to change it");
}

void study::check_attribute(std::string_view key, std::string_view json) {
  if (key.empty() || key.size() > 512 || !text::is_utf8(key))
    throw Error(ErrorCode::invalid_argument, "attribute key " + text::quote(key) + ": use 1 to 512 bytes of UTF-8");
  if (!is_json(json))
    throw Error(ErrorCode::invalid_argument,
                "attribute " + text::quote(key) + ": " + text::quote(json) + " is no JSON text; a string needs its quotes");
}

}  // namespace warpbo
