#include "cli/runner.hpp"

#include <poll.h>
#include <warpbo/error.hpp>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <utility>

#include "cli/processes.hpp"
#include "cli/text.hpp"
#include "cli/trial_log.hpp"

namespace warpbo::cli {

namespace {

constexpr int kEqualSpawnErrors = 3;         ///< a command that cannot start will not start at the hundredth trial either
constexpr std::int64_t kVerboseLines = 100;  ///< afterwards one line per hundredth of the budget

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::string absolute(const std::string& path) {
  std::error_code code;
  const auto out = std::filesystem::absolute(path, code);
  return code ? path : out.lexically_normal().string();
}

/// trials/000017
std::string trial_folder(const std::string& run_directory, std::int64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 6) digits.insert(0, 6 - digits.size(), '0');
  return run_directory + "/trials/" + digits;
}

TrialPlace place_of(const std::string& run_directory, std::int64_t number) {
  const std::string folder = trial_folder(run_directory, number);
  return {number, folder, folder + "/result", folder + "/params.json"};
}

}  // namespace

void NoticeBox::put(std::string_view text) {
  const std::lock_guard lock(mutex_);
  texts_.emplace_back(text);
}

std::vector<std::string> NoticeBox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(texts_, {});
}

Runner::Runner(const Config& config, Study& study, WorkerPool& workers, SignalPipe& signals, Screen& screen, NoticeBox& notices)
    : config_(config),
      study_(study),
      workers_(workers),
      signals_(signals),
      screen_(screen),
      notices_(notices),
      command_(config.command.run, study.space()),
      rule_(config.command.metric),
      run_directory_(absolute(config.run_directory())),
      working_directory_(absolute(config.directory)),
      asker_(study, config.run_directory() + "/lock", owner_json(), config.budget.trials),
      slots_(static_cast<std::size_t>(workers.size())) {
  rule_.name = config.objective;
  view_.study = study.name();
  view_.metric = config.objective;
  view_.direction = study.direction();
  view_.budget = config.budget.trials;
}

double Runner::elapsed() const { return seconds_between(started_, Clock::now()); }

int Runner::running() const {
  return static_cast<int>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.trial.has_value(); }));
}

bool Runner::better(double value) const {
  if (view_.trace.empty()) return std::isfinite(value);
  return view_.direction == Direction::minimize ? value < view_.trace.back() : value > view_.trace.back();
}

int Runner::run() {
  for (const Trial& trial : study_.history())
    if (trial.state == TrialState::complete && trial.value)
      view_.trace.push_back(better(*trial.value) || view_.trace.empty() ? *trial.value : view_.trace.back());
  refresh(true);
  check_limits();
  while (true) {
    ask_for_more();
    start_ready();
    const bool idle = running() == 0 && ready_.empty() && !asker_.busy();
    if (idle && (finished_ || !stopping_.empty()) && (undelivered_.empty() || retries_left_ == 0)) break;
    wait();
    on_signals();
    on_answer();
    for (int worker = 0; worker < workers_.size(); ++worker) {
      pollfd ready{workers_.socket(worker), POLLIN, 0};
      if (ready.fd < 0 || poll(&ready, 1, 0) <= 0) continue;
      if (const auto result = workers_.collect(worker)) on_result(worker, *result);
    }
    retry_reports();
    check_limits();
    refresh(false);
    draw();
  }
  screen_.clear();
  for (const std::string& text : notices_.take()) notice(text);
  for (const Report& report : undelivered_)
    notice("this result could not be stored; when the store works again: warpbo tell " + std::to_string(report.number) +
           (report.verdict.ok ? " " + format_number(report.verdict.value) : " --fail " + shell_quote(report.verdict.failure)));
  if (!stopping_.empty() && interrupts_ == 0) notice("stopped: " + stopping_);
  return code_;
}

void Runner::wait() {
  std::vector<pollfd> fds = {{signals_.fd(), POLLIN, 0}, {asker_.fd(), POLLIN, 0}};
  for (int worker = 0; worker < workers_.size(); ++worker) fds.push_back({workers_.socket(worker), POLLIN, 0});
  int timeout = screen_.live() ? 200 : 1000;
  if (config_.budget.time > 0 && stopping_.empty())
    timeout = std::clamp(static_cast<int>((config_.budget.time - elapsed()) * 1000) + 1, 1, timeout);
  poll(fds.data(), fds.size(), timeout);
}

void Runner::on_signals() {
  while (const auto signal = signals_.next()) {
    if (*signal == SIGWINCH) {
      screen_.resized();
    } else if (*signal == SIGTSTP) {
      screen_.clear();
      SignalPipe::suspend();
    } else if (*signal != SIGCONT) {
      // A closing terminal hangs up more than once; that is still one request.
      if (*signal == SIGHUP && std::exchange(hung_up_, true)) continue;
      ++interrupts_;
      code_ = kInterrupted;
      stopping_ = "interrupted";
      if (interrupts_ == 1) {
        view_.state =
            "draining: waiting for " + std::to_string(running()) + " running trial(s); again to end them and put them back";
      } else {
        view_.state = "ending the running trials; they go back to the queue";
        end_running(interrupts_ > 2);
      }
      if (!screen_.live()) notice(signal_name(*signal) + ": " + view_.state);
    }
  }
}

void Runner::end_running(bool at_once) {
  for (int worker = 0; worker < workers_.size(); ++worker) {
    Slot& slot = slots_[static_cast<std::size_t>(worker)];
    if (!slot.trial) continue;
    slot.requeue = true;
    workers_.stop(worker, at_once);
  }
}

void Runner::ask_for_more() {
  if (finished_ || !stopping_.empty() || asker_.busy() || !undelivered_.empty()) return;
  int free = -static_cast<int>(ready_.size());
  int alive = 0;
  for (int worker = 0; worker < workers_.size(); ++worker) {
    if (!workers_.alive(worker)) continue;
    ++alive;
    if (!slots_[static_cast<std::size_t>(worker)].trial) ++free;
  }
  if (alive == 0) {
    stop_asking("all worker processes were killed", kNoSuccess);
  } else if (free > 0) {
    asked_at_ = Clock::now();
    asker_.request(free);
  }
}

void Runner::on_answer() {
  auto answer = asker_.busy() ? asker_.take() : std::nullopt;
  if (!answer) return;
  for (const std::int64_t number : answer->requeued)
    notice("trial " + std::to_string(number) + " belonged to a run that died; it runs again");
  for (Trial& trial : answer->trials) ready_.push_back(std::move(trial));
  finished_ = answer->finished;
  if (answer->exhausted && told_["exhausted"]++ == 0) notice("every point of the space has been proposed");
  if (answer->error) stop_asking(answer->error->what(), answer->error->code() == ErrorCode::internal ? kUsage : kStoreError);
  view_.model = study_.model();
  refresh(true);
}

void Runner::start_ready() {
  if (!stopping_.empty()) {
    for (const Trial& trial : std::exchange(ready_, {})) give_back(trial.number);
    return;
  }
  for (int worker = 0; worker < workers_.size() && !ready_.empty(); ++worker) {
    if (!workers_.alive(worker) || slots_[static_cast<std::size_t>(worker)].trial) continue;
    const Trial trial = ready_.front();
    ready_.erase(ready_.begin());
    start(worker, trial, 1);
  }
}

void Runner::start(int worker, const Trial& trial, int attempt) {
  Slot& slot = slots_[static_cast<std::size_t>(worker)];
  slot = {trial, attempt, Clock::now(), false};
  const TrialPlace place = place_of(run_directory_, trial.number);
  WorkRequest request;
  request.number = trial.number;
  request.command = command_.expand(trial.parameters, place);
  request.environment = config_.command.env;
  for (auto& variable : trial_environment(study_.name(), trial.parameters, place))
    request.environment.push_back(std::move(variable));
  request.working_directory = working_directory_;
  request.trial_directory = place.directory;
  request.params_json = params_json(trial.parameters);
  request.result_file = place.result_file;
  request.timeout = config_.command.timeout;
  request.grace = config_.command.grace;
  request.log_limit = config_.command.log_limit;
  request.metric = rule_;
  if (!request.metric.path.empty()) {
    const std::string path = CommandTemplate::expand_text(request.metric.path, trial.parameters, place);
    request.metric.path = path.starts_with('/') ? path : working_directory_ + "/" + path;
  }
  workers_.start(worker, request);
}

void Runner::on_result(int worker, const WorkResult& result) {
  Slot& slot = slots_[static_cast<std::size_t>(worker)];
  if (!slot.trial) return;
  const Trial trial = *slot.trial;
  if (!result.log_notice.empty() && told_["log"]++ == 0) notice(result.log_notice + " (told once)");
  if (result.survivors > 0 && told_["survivors"]++ == 0)
    notice("trial " + std::to_string(trial.number) + " left " + std::to_string(result.survivors) +
           " process(es) behind, which were ended (told once)");
  if (result.end == WorkResult::End::lost)
    notice("the process that watched trial " + std::to_string(trial.number) + " was killed; going on with one job fewer");
  const bool put_back = slot.requeue && result.end == WorkResult::End::stopped;
  const int attempt = slot.attempt;
  slot.trial.reset();
  if (put_back) {
    give_back(trial.number);
    return;
  }
  const Verdict verdict = judge(result, rule_, config_.command.accept_nonzero, config_.command.timeout);
  if (!verdict.ok) count_spawn_error(result, verdict.failure);
  const bool killed = result.end == WorkResult::End::signalled || result.end == WorkResult::End::lost;
  const bool again = !verdict.ok && attempt <= config_.command.retries && interrupts_ == 0 && stopping_.empty() &&
                     workers_.alive(worker) && result.end != WorkResult::End::spawn_failed &&
                     (killed || !config_.command.retry_killed_only);
  if (again) {
    notice("trial " + std::to_string(trial.number) + " failed (" + verdict.failure + "); attempt " +
           std::to_string(attempt + 1) + " of " + std::to_string(config_.command.retries + 1));
    start(worker, trial, attempt + 1);
    return;
  }
  deliver({trial.number, verdict, result.seconds, trial.parameters});
}

/// L1: the same failure to start, a few times in a row, ends the run instead of burning the budget.
void Runner::count_spawn_error(const WorkResult& result, const std::string& failure) {
  const bool spawn = result.end == WorkResult::End::spawn_failed ||
                     (result.end == WorkResult::End::exited && (result.code == 126 || result.code == 127));
  const std::string kind = result.end == WorkResult::End::exited ? "exit status " + std::to_string(result.code) : failure;
  spawn_errors_ = !spawn ? 0 : kind == spawn_error_ ? spawn_errors_ + 1 : 1;
  spawn_error_ = spawn ? kind : "";
  if (spawn_errors_ >= kEqualSpawnErrors)
    stop_asking("the command failed to start " + std::to_string(spawn_errors_) + " times in a row: " + failure, kNoSuccess);
}

void Runner::give_back(std::int64_t number) {
  try {
    study_.requeue(number);
  } catch (const Error& error) {
    notice("trial " + std::to_string(number) + " could not be put back: " + error.what() +
           "; the next `warpbo run` on this machine does it");
  }
}

/// Stores a result. False when the store cannot take it now.
bool Runner::store(const Report& report) {
  try {
    if (report.verdict.ok) {
      study_.tell(report.number, report.verdict.value);
    } else {
      study_.fail(report.number, report.verdict.failure);
    }
    return true;
  } catch (const Error& error) {
    switch (error.code()) {
      case ErrorCode::invalid_argument:  // an infinitely good value
        if (report.verdict.ok) return store({report.number, {false, 0, error.what()}, report.seconds, report.parameters});
        [[fallthrough]];
      case ErrorCode::already_finished:
      case ErrorCode::not_found:
      case ErrorCode::conflict:
      case ErrorCode::lease_lost:
        notice("the result of trial " + std::to_string(report.number) + " was not stored: " + error.what());
        return true;
      default:
        stop_asking(error.what(), kStoreError);
        return false;
    }
  }
}

void Runner::deliver(Report report) {
  if (!store(report)) {
    retried_ = Clock::now();
    undelivered_.push_back(std::move(report));
    return;
  }
  ++view_.finished_here;
  finished_ = false;  // the budget may have room again, or a run that died may have left trials
  announce(report);
  refresh(true);
}

void Runner::retry_reports() {
  if (undelivered_.empty() || retries_left_ == 0 || seconds_between(retried_, Clock::now()) < 1) return;
  --retries_left_;
  retried_ = Clock::now();
  std::vector<Report> still;
  for (Report& report : undelivered_)
    if (!store(report)) still.push_back(std::move(report));
  undelivered_ = std::move(still);
}

void Runner::announce(const Report& report) {
  const bool best = report.verdict.ok && better(report.verdict.value);
  if (report.verdict.ok)
    view_.trace.push_back(best || view_.trace.empty() ? report.verdict.value : view_.trace.back());
  else
    view_.last_failure = "trial " + std::to_string(report.number) + ": " + escape(report.verdict.failure, 300);
  if (screen_.live()) return;
  const std::int64_t every = std::max<std::int64_t>(1, config_.budget.trials.value_or(1000) / 100);
  if (view_.finished_here > kVerboseLines && !best && view_.finished_here % every != 0) return;
  std::string line = "trial " + std::to_string(report.number) + "  ";
  line += report.verdict.ok
              ? escape(config_.objective, 40) + "=" + brief_number(report.verdict.value, 6) + (best ? "  best" : "")
              : "failed: " + escape(report.verdict.failure, 300);
  screen_.line(line + "  " + brief_number(report.seconds, 3) + " s  " + describe(report.parameters));
}

void Runner::check_limits() {
  if (!stopping_.empty()) return;
  const BudgetConfig& budget = config_.budget;
  const bool minimize = view_.direction == Direction::minimize;
  if (budget.target && !view_.trace.empty() &&
      (minimize ? view_.trace.back() <= *budget.target : view_.trace.back() >= *budget.target))
    stop_asking("the target " + format_number(*budget.target) + " is reached", kDone);
  else if (budget.max_failed && view_.failed >= *budget.max_failed)
    stop_asking(std::to_string(view_.failed) + " trials failed (max_failed = " + std::to_string(*budget.max_failed) + ")" +
                    (view_.last_failure.empty() ? "" : "; last: " + view_.last_failure),
                kNoSuccess);
  else if (budget.time > 0 && elapsed() >= budget.time)
    stop_asking("the time of " + format_clock(budget.time) + " is over", kDone);
}

void Runner::stop_asking(std::string reason, int code) {
  if (code_ == kDone || code == kStoreError) code_ = code;
  if (!stopping_.empty()) return;
  stopping_ = std::move(reason);
  if (running() > 0) view_.state = "stopping: " + escape(stopping_, 200) + "; waiting for the running trials";
}

void Runner::refresh(bool force) {
  const auto now = Clock::now();
  if (!force && seconds_between(refreshed_, now) < 1) return;
  refreshed_ = now;
  try {
    view_.complete = study_.count(TrialState::complete);
    view_.failed = study_.count(TrialState::failed);
    view_.pruned = study_.count(TrialState::pruned);
    view_.running = study_.count(TrialState::running);
    view_.waiting = study_.count(TrialState::waiting);
    view_.best = study_.try_best();
    if (view_.best && view_.best->value && better(*view_.best->value)) view_.trace.push_back(*view_.best->value);
  } catch (const Error& error) {
    stop_asking(error.what(), kStoreError);
  }
}

void Runner::draw() {
  for (const std::string& text : notices_.take()) notice(text);
  if (!screen_.live()) return;
  view_.elapsed = elapsed();
  view_.asking = asker_.busy() ? seconds_between(asked_at_, Clock::now()) : 0;
  view_.here.clear();
  for (const Slot& slot : slots_)
    if (slot.trial)
      view_.here.push_back(
          {slot.trial->number, slot.attempt, seconds_between(slot.since, Clock::now()), describe(slot.trial->parameters)});
  screen_.draw(view_);
}

void Runner::notice(const std::string& text) { screen_.line("warpbo: " + escape(text, 600)); }

}  // namespace warpbo::cli
