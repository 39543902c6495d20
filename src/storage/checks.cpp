#include "storage/checks.hpp"

#include "base/text.hpp"
#include "storage/clock.hpp"
#include "storage/distribution.hpp"
#include "storage/json.hpp"

#include <cmath>
#include <cstdio>
#include <random>

namespace warpbo::storage {

namespace {

constexpr std::size_t kLongestName = 512;              // Optuna's column width
constexpr std::size_t kLargestAttribute = 16U << 20U;  // bytes

std::size_t count_characters(std::string_view utf8) {
  std::size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

void check_value(TrialState state, const std::optional<double>& value) {
  if (state != TrialState::complete) return;
  if (!value || std::isnan(*value)) {
    throw Error(ErrorCode::invalid_argument,
                "a complete trial needs a value, not " + std::string(value ? "NaN" : "none") + "; mark it as failed instead");
  }
}

}  // namespace

void check_study_name(std::string_view name) {
  const char* wrong = nullptr;
  if (name.empty()) wrong = "it is empty";
  if (!text::is_utf8(name)) wrong = "it is not UTF-8";
  if (count_characters(name) > kLongestName) wrong = "it is longer than 512 characters";
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) wrong = "it has a control character";
  }
  if (wrong != nullptr)
    throw Error(ErrorCode::invalid_argument, "study name " + text::quote(name) + ": " + wrong + "; choose another name");
}

void check_attribute(std::string_view key, std::string_view json) {
  if (key.empty() || key.size() > kLongestName || !text::is_utf8(key) || key.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::invalid_argument, "attribute key " + text::quote(key) + " must have 1 to 512 bytes of UTF-8");
  }
  if (json.size() > kLargestAttribute) {
    throw Error(ErrorCode::invalid_argument, "attribute " + text::quote(key) + " has " + std::to_string(json.size()) +
                                                 " bytes; the limit is 16 MiB; keep large data in a file and store its path");
  }
  if (!is_json(json)) {
    throw Error(ErrorCode::invalid_argument,
                "attribute " + text::quote(key) + " is not a JSON text: " + text::quote(json) + "; a string needs its quotes");
  }
}

void check_attributes(const std::map<std::string, std::string>& attributes) {
  for (const auto& [key, json] : attributes) check_attribute(key, json);
}

void check_finish(const Storage::Finish& finish) {
  if (!is_finished(finish.state)) {
    throw Error(ErrorCode::invalid_argument,
                "a trial cannot be finished as " + std::string(to_string(finish.state)) + "; use complete, pruned or failed");
  }
  check_value(finish.state, finish.value);
  check_attributes(finish.attributes);
}

Trial make_trial(const Space& space, const NewTrial& fresh) {
  check_value(fresh.state, fresh.value);
  check_attributes(fresh.attributes);
  Trial trial;
  trial.state = fresh.state;
  trial.parameters = normalize(space, fresh.parameters);
  if (fresh.state == TrialState::complete) trial.value = fresh.value;
  trial.failure = fresh.failure;
  trial.attributes = fresh.attributes;
  if (fresh.state != TrialState::waiting) trial.started = current_time();
  if (is_finished(fresh.state)) trial.finished = trial.started;
  return trial;
}

void no_such_study(std::string_view label, std::int64_t study_id) {
  throw Error(ErrorCode::not_found, "store " + std::string(label) + ": there is no study with id " + std::to_string(study_id) +
                                        " (any more); it may have been deleted, open the study again by its name");
}

void no_such_trial(std::string_view label, std::int64_t trial_id) {
  throw Error(ErrorCode::not_found, "store " + std::string(label) + ": there is no trial with id " + std::to_string(trial_id) +
                                        " (any more); its study may have been deleted, open the study again by its name");
}

void study_exists(std::string_view label, std::string_view name) {
  throw Error(ErrorCode::conflict, "store " + std::string(label) + ": there is a study named " + text::quote(name) +
                                       " already; open it, or choose another name");
}

void trial_finished(std::string_view label, std::int64_t number) {
  throw Error(ErrorCode::already_finished,
              "store " + std::string(label) + ": trial " + std::to_string(number) + " is finished; its parameters stay");
}

std::string new_uuid_json() {
  std::random_device random;
  unsigned word[4];
  for (unsigned& w : word) w = random();
  word[1] = (word[1] & 0xFFFF0FFFU) | 0x4000U;
  word[2] = (word[2] & 0x3FFFFFFFU) | 0x80000000U;
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, "\"%08x-%04x-%04x-%04x-%04x%08x\"", word[0], word[1] >> 16, word[1] & 0xFFFFU,
                word[2] >> 16, word[2] & 0xFFFFU, word[3]);
  return buffer;
}

}  // namespace warpbo::storage
