/// One ask, from the caller to the sampler and into the store.
#include <warpbo/study.hpp>

#include "base/text.hpp"
#include "study/impl.hpp"
#include "study/json_text.hpp"

#include <warpbo/error.hpp>

#include <cmath>
#include <limits>
#include <utility>

namespace warpbo {

namespace {

/// More than anybody evaluates at once; a larger number is a mistake that would only exhaust the memory.
constexpr int kMaxCount = 1'000'000;

}  // namespace

Trial Study::ask() { return ask(AskOptions{}).front(); }

std::vector<Trial> Study::ask(int count) {
  AskOptions options;
  options.count = count;
  return ask(options);
}

std::vector<Trial> Study::ask(const AskOptions& options) {
  Impl& self = *impl_;
  const AskOptions wanted = self.checked(options);        // misuse ends here, before anything is written
  const study::Notices::Delivery delivery(self.notices);  // when all locks are free again
  const std::lock_guard one_ask_at_a_time(self.asking);
  self.view.refresh();  // trials and results of other processes
  self.notice_data();
  std::vector<Trial> trials = self.hand_out_waiting(wanted);  // enqueued points come first
  const std::int64_t missing = wanted.count - std::ssize(trials);
  if (missing == 0) return trials;
  try {
    std::vector<Trial> proposed = self.propose(wanted, missing, trials.empty());
    std::move(proposed.begin(), proposed.end(), std::back_inserter(trials));
  } catch (...) {
    self.give_back(trials);
    throw;
  }
  return trials;
}

AskOptions Study::Impl::checked(const AskOptions& options) const {
  if (options.count < 1 || options.count > kMaxCount)
    throw Error(ErrorCode::invalid_argument, "ask: count is " + std::to_string(options.count) + "; ask for 1 to " +
                                                 std::to_string(kMaxCount) + " trials at a time");
  for (const auto& [key, json] : options.attributes) study::check_attribute(key, json);
  AskOptions wanted = options;
  wanted.fixed = points.typed(options.fixed);
  if (const auto text = points.check_part(wanted.fixed)) throw Error(ErrorCode::invalid_argument, "ask: fixed: " + *text);
  if (points.complete(points.canonical(wanted.fixed))) {
    if (const auto text = points.check(points.canonical(wanted.fixed)))
      throw Error(ErrorCode::invalid_argument, "ask: fixed: " + *text);
  }
  require_writable();
  return wanted;
}

std::vector<Trial> Study::Impl::propose(const AskOptions& wanted, std::int64_t count, bool must_have_one) {
  history.update(view, points);
  const std::uint64_t draw = history.created();
  SuggestResult result = suggest(count, wanted.fixed, draw);  // on to src/samplers
  if (result.suggestions.empty() && must_have_one)
    throw Error(ErrorCode::exhausted, "every point of the space" +
                                          std::string(wanted.fixed.empty() ? "" : " that has the fixed values") +
                                          " was proposed; there is nothing left to ask for");
  if (result.suggestions.empty()) return {};

  std::vector<NewTrial> fresh;
  fresh.reserve(result.suggestions.size());
  for (Suggestion& suggestion : result.suggestions) {
    NewTrial& trial = fresh.emplace_back();
    trial.parameters = std::move(suggestion.parameters);
    trial.attributes = wanted.attributes;
    trial.attributes[study::kOriginAttribute] = study::json_string(suggestion.origin);
    if (!result.degraded.empty()) trial.attributes[study::kDegradedAttribute] = study::json_strings(result.degraded);
  }
  std::vector<Trial> created = store->create_trials(record.id, points.space(), fresh);  // durable from here on
  view.merge(created);
  settle_race(created, wanted.fixed, draw);
  return created;
}

SuggestResult Study::Impl::suggest(std::int64_t count, const Parameters& fixed, std::uint64_t draw) {
  const SuggestRequest request{
      points.space(), history.finished(), history.pending(), record.direction, static_cast<int>(count), fixed, draw};
  SuggestResult result = proposer.propose(request, history.known());
  for (const std::string& sentence : result.degraded) notices.add(sentence);
  if (!result.notice.empty()) notices.add(result.notice);
  if (result.exhausted)
    notices.add("exhausted", "every point of the space was proposed; asks return fewer trials than wanted from now on");
  const std::lock_guard lock(model_mutex);
  model = result.model;
  return result;
}

/// Two processes that ask at the same moment do not see one another's proposals, and with one seed they propose the same. The
/// number of a trial tells: if it is not the one that was expected, other trials came in between, and what was proposed is
/// proposed again, knowing them and from the place in the random stream that belongs to the trial's own number, before anybody
/// sees it.
void Study::Impl::settle_race(std::vector<Trial>& created, const Parameters& fixed, std::uint64_t expected) {
  const std::int64_t first = created.front().number;
  if (proposer.repeats() || first == static_cast<std::int64_t>(expected)) return;
  try {
    view.refresh();
    history.update(view, points, created);
    SuggestResult again = suggest(std::ssize(created), fixed, static_cast<std::uint64_t>(first));
    for (std::size_t i = 0; i < again.suggestions.size(); ++i) {
      Trial& trial = created[i];
      const Suggestion& suggestion = again.suggestions[i];
      const std::string origin = study::json_string(suggestion.origin);
      if (trial.parameters != suggestion.parameters) {
        store->set_trial_parameters(trial.id, points.space(), suggestion.parameters);
        trial.parameters = suggestion.parameters;
      }
      if (trial.attributes[study::kOriginAttribute] != origin) {
        store->set_trial_attribute(trial.id, study::kOriginAttribute, origin);
        trial.attributes[study::kOriginAttribute] = origin;
      }
    }
  } catch (const std::exception& error) {
    // The trials exist and are worth evaluating even where two of them are equal.
    notices.add("race", std::string("a proposal may equal one of another process: ") + error.what());
  }
  view.merge(created);
}

std::vector<Trial> Study::Impl::hand_out_waiting(const AskOptions& wanted) {
  std::vector<Trial> ready;
  if (!wanted.fixed.empty()) return ready;  // what waits need not have the values that this caller wants
  std::vector<Trial> claimed;
  try {
    while (std::ssize(ready) < wanted.count) {
      claimed = claim(wanted.count - std::ssize(ready));
      if (claimed.empty()) break;
      while (!claimed.empty()) {
        if (auto trial = prepare(claimed.front(), wanted)) ready.push_back(std::move(*trial));
        claimed.erase(claimed.begin());
      }
    }
  } catch (...) {
    give_back(ready);
    give_back(claimed);
    throw;
  }
  return ready;
}

std::vector<Trial> Study::Impl::claim(std::int64_t count) {
  std::vector<Trial> claimed;
  while (!handed_back.empty() && std::ssize(claimed) < count) {
    const Trial trial = std::move(handed_back.front());
    handed_back.erase(handed_back.begin());
    const auto now = view.find(trial.number);
    if (now && now->state == TrialState::running) claimed.push_back(trial);
  }
  if (!claimed.empty() || view.count(TrialState::waiting) == 0) return claimed;
  claimed = store->claim_waiting(record.id, count);
  try {
    view.refresh();
  } catch (...) {
    give_back(claimed);
    throw;
  }
  return claimed;
}

/// Makes a claimed trial ready to be handed out: completes its parameters and adds the caller's attributes. Nothing if its
/// values are no point of the space (another program may enqueue anything); the trial has failed then.
std::optional<Trial> Study::Impl::prepare(const Trial& claimed, const AskOptions& wanted) {
  Trial trial = view.find(claimed.number).value_or(claimed);
  trial.state = TrialState::running;
  const Parameters given = points.typed(trial.parameters);
  trial.parameters = points.canonical(given);
  std::vector<std::string> degraded;
  if (const auto text = points.check_part(trial.parameters)) {
    refuse(trial, "the enqueued values do not fit: " + *text);
    return std::nullopt;
  }
  if (!points.complete(trial.parameters)) {
    history.update(view, points);
    // The trial's own number is its position in the random stream: no other proposal has it.
    SuggestResult result = suggest(1, given, static_cast<std::uint64_t>(trial.number));
    if (result.suggestions.empty()) {
      refuse(trial, "no unproposed point has the enqueued values");
      return std::nullopt;
    }
    trial.parameters = std::move(result.suggestions.front().parameters);
    degraded = std::move(result.degraded);
  } else if (const auto text = points.check(trial.parameters)) {
    refuse(trial, "the enqueued values do not fit: " + *text);
    return std::nullopt;
  }
  if (trial.parameters != claimed.parameters) {
    try {
      store->set_trial_parameters(trial.id, points.space(), trial.parameters);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::already_finished) throw;
      return std::nullopt;  // somebody told its result in the meantime
    }
  }
  std::map<std::string, std::string> attributes = wanted.attributes;
  if (!degraded.empty()) attributes[study::kDegradedAttribute] = study::json_strings(degraded);
  for (const auto& [key, json] : attributes) {
    store->set_trial_attribute(trial.id, key, json);
    trial.attributes[key] = json;
  }
  view.merge({&trial, 1});
  return trial;
}

void Study::Impl::refuse(const Trial& trial, const std::string& reason) {
  Storage::Finish finish;
  finish.trial_id = trial.id;
  finish.state = TrialState::failed;
  finish.failure = study::printable(reason, 4096);
  (void)store->finish_trials({&finish, 1});
  view.refresh();
  notices.add("trial " + std::to_string(trial.number) + " was not handed out: " + reason);
}

/// After an error: claimed trials go back into the queue. Where even that fails they are kept for the next ask of this object.
void Study::Impl::give_back(std::vector<Trial>& trials) {
  for (Trial& trial : trials) {
    try {
      (void)store->requeue_trial(trial.id);
    } catch (const Error&) {
      handed_back.push_back(std::move(trial));
    }
  }
  trials.clear();
}

void Study::Impl::notice_data() {
  const study::ValueRange values = view.values();
  const double largest = std::max(std::abs(values.lowest), std::abs(values.highest));
  const double spread = values.highest - values.lowest;
  // Fewer than three of a double's sixteen digits tell the values apart.
  if (values.count >= 3 && spread > 0 && spread < 1000 * std::numeric_limits<double>::epsilon() * largest)
    notices.add("offset", "the values differ only by " + text::format_number(spread) + " around " +
                              text::format_number(values.highest) +
                              ": most of their digits are lost to the offset; subtract it before telling them");
  const std::int64_t failed = view.count(TrialState::failed);
  if (failed >= 5 && view.count(TrialState::complete) == 0) {
    const auto last = view.last_failure();
    notices.add("all failed", "all " + std::to_string(failed) + " finished trials failed; the last one: " +
                                  text::quote(last ? last->failure : std::string(), 200));
  }
}

}  // namespace warpbo
