// warpbo status, best, export: looking at a study, also while it runs and on a read-only file.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/display.hpp"
#include "cli/export.hpp"
#include "cli/processes.hpp"
#include "cli/runner.hpp"
#include "cli/sweep.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

struct Opened {
  Found found;
  Study study;
  std::string metric;  ///< the objective's name
};

Opened open_to_read(const Flags& flags) {
  Found found = find_study(flags);
  Study study = Study::open(found.name, {}, open_store(found.store, OpenMode::read_only));
  std::string metric = found.config.objective;
  if (const auto record = study.storage().find_study(study.name())) {
    const auto stored = record->attributes.find("warpbo:metric");
    if (stored != record->attributes.end()) {
      const auto json = nlohmann::json::parse(stored->second, nullptr, false);
      if (json.is_string()) metric = json.get<std::string>();
    }
  }
  return {std::move(found), std::move(study), metric.empty() ? "value" : metric};
}

std::string full(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters)
    out += (out.empty() ? "" : " ") + escape(name) + "=" + escape(warpbo::to_string(value));
  return out;
}

/// The command that repeats a trial, if the sweep file says how.
std::string command_line(const Opened& opened, const Trial& trial) {
  const Config& config = opened.found.config;
  if (config.command.run.empty()) return {};
  const std::string folder = config.run_directory() + "/trials/best";
  const std::string line =
      shell_join(CommandTemplate(config.command.run, opened.study.space())
                     .expand(trial.parameters, {trial.number, folder, folder + "/result", folder + "/params.json"}));
  return escape(line, line.size()) == line ? line : std::string();
}

std::vector<double> best_so_far(const std::vector<Trial>& trials, Direction direction) {
  std::vector<double> out;
  for (const Trial& trial : trials) {
    if (trial.state != TrialState::complete || !trial.value || !std::isfinite(*trial.value)) continue;
    const double best = out.empty() ? *trial.value : out.back();
    out.push_back(direction == Direction::minimize ? std::min(best, *trial.value) : std::max(best, *trial.value));
  }
  return out;
}

std::string status_text(const Opened& opened, const std::vector<Trial>& trials) {
  const Study& study = opened.study;
  std::map<TrialState, int> counts;
  std::map<std::string, int> failures;
  std::string running;
  int shown = 0;
  for (const Trial& trial : trials) {
    ++counts[trial.state];
    if (trial.state == TrialState::failed) ++failures[trial.failure.substr(0, trial.failure.find(';'))];
    if (trial.state != TrialState::running || ++shown > 20) continue;
    running += "running  #" + std::to_string(trial.number);
    if (trial.started)
      running += "  " + format_clock(std::chrono::duration<double>(std::chrono::system_clock::now() - *trial.started).count());
    const auto owner = trial.attributes.find("warpbo:owner");
    if (owner != trial.attributes.end() && owner_state(owner->second) == OwnerState::dead)
      running += "  (its run died; the next `warpbo run` takes it back)";
    running += "  " + describe(trial.parameters) + "\n";
  }
  std::string out =
      escape(study.name()) + "   " + escape(opened.found.store) + "\n" + std::to_string(trials.size()) + " trials";
  for (const TrialState state :
       {TrialState::complete, TrialState::failed, TrialState::pruned, TrialState::running, TrialState::waiting})
    if (counts[state] > 0) out += "  " + std::to_string(counts[state]) + " " + std::string(warpbo::to_string(state));
  out += "\n";
  if (const auto best = study.try_best()) {
    const Style style = detect_style();
    out += "best     " + escape(opened.metric) + " = " + format_number(*best->value) + "  (trial " +
           std::to_string(best->number) + ", " + (study.direction() == Direction::minimize ? "minimize" : "maximize") + ")  " +
           sparkline(best_so_far(trials, study.direction()), 24, style.unicode) + "\n         " + full(best->parameters) + "\n";
  }
  out += running;
  if (shown > 20) out += "         ... and " + std::to_string(shown - 20) + " more\n";
  for (const auto& [reason, count] : failures) out += "failed   " + std::to_string(count) + " x " + escape(reason) + "\n";
  return out;
}

std::string status_json(const Opened& opened, const std::vector<Trial>& trials) {
  nlohmann::ordered_json out;
  out["study"] = opened.study.name();
  out["store"] = opened.found.store;
  out["direction"] = opened.study.direction() == Direction::minimize ? "minimize" : "maximize";
  out["metric"] = opened.metric;
  out["trials"] = trials.size();
  for (const TrialState state :
       {TrialState::complete, TrialState::failed, TrialState::pruned, TrialState::running, TrialState::waiting})
    out[std::string(warpbo::to_string(state))] =
        std::count_if(trials.begin(), trials.end(), [&](const Trial& trial) { return trial.state == state; });
  const auto best = opened.study.try_best();
  out["best"] = best ? nlohmann::ordered_json::parse(to_json_line(*best)) : nlohmann::ordered_json(nullptr);
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

/// Complete trials with a finite value, best first; of equal ones the earlier first.
std::vector<Trial> ranked(const Study& study) {
  std::vector<Trial> out;
  for (Trial& trial : study.history())
    if (trial.state == TrialState::complete && trial.value && std::isfinite(*trial.value)) out.push_back(std::move(trial));
  const double sign = study.direction() == Direction::minimize ? 1 : -1;
  std::stable_sort(out.begin(), out.end(), [&](const Trial& a, const Trial& b) { return sign * *a.value < sign * *b.value; });
  return out;
}

}  // namespace

int status_command(const Flags& flags) {
  const Opened opened = open_to_read(flags);
  const std::vector<Trial> trials = opened.study.history();
  print(flags.json ? status_json(opened, trials) : status_text(opened, trials));
  return kDone;
}

int best_command(const Flags& flags) {
  const Opened opened = open_to_read(flags);
  std::vector<Trial> trials = ranked(opened.study);
  if (trials.empty())
    throw Error(ErrorCode::need_more_data, "no trial of study " + quote(opened.study.name()) + " has succeeded yet");
  trials.resize(std::min(trials.size(), static_cast<std::size_t>(flags.count)));
  if (flags.json) {
    print((flags.count == 1 ? to_json_line(trials[0]) : to_json_array(trials)) + "\n");
    return kDone;
  }
  std::string out;
  for (const Trial& trial : trials)
    out += escape(opened.metric) + " = " + format_number(*trial.value) + "  (trial " + std::to_string(trial.number) + ")  " +
           full(trial.parameters) + "\n";
  if (const std::string line = command_line(opened, trials[0]); !line.empty()) out += "\n  " + line + "\n";
  print(out);
  return kDone;
}

int export_command(const Flags& flags) {
  const Opened opened = open_to_read(flags);
  const std::vector<Trial> trials = opened.study.history();
  std::string out;
  if (flags.format == "json") {
    out = to_json_array(trials) + "\n";
  } else if (flags.format == "jsonl") {
    for (const Trial& trial : trials) out += to_json_line(trial) + "\n";
  } else {
    out = to_csv(trials, opened.study.space(), flags.raw);
  }
  if (flags.output.empty()) {
    print(out);
    return kDone;
  }
  const int fd = open(flags.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::string_view rest = out;
  while (fd >= 0 && !rest.empty()) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fd < 0 || !rest.empty() || close(fd) != 0)
    throw Error(ErrorCode::unavailable, quote(flags.output) + " cannot be written: " + std::strerror(errno));
  return kDone;
}

}  // namespace warpbo::cli
