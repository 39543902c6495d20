// warpbo run
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cli/param_spec.hpp"
#include "cli/processes.hpp"
#include "cli/runner.hpp"
#include "cli/sweep.hpp"
#include "cli/text.hpp"
#include "cli/trial_log.hpp"

namespace warpbo::cli {

namespace {

/// What can be found wrong before the first trial is taken.
void check_config(const Config& config, const Space& space) {
  if (config.objective.empty())
    throw Error(ErrorCode::invalid_argument,
                "there is no objective; give --minimize NAME or --maximize NAME, or an [objective] in warpbo.toml");
  const CommandTemplate command(config.command.run, space);
  if (const std::string program = command.fixed_program(); !command.fixed_program().empty()) {
    std::string path = std::getenv("PATH") == nullptr ? "/usr/local/bin:/usr/bin:/bin" : std::getenv("PATH");
    for (const auto& [name, value] : config.command.env)
      if (name == "PATH") path = value;
    const Program found = find_program(program, path, std::filesystem::absolute(config.directory).string());
    if (!found.problem.empty()) throw Error(ErrorCode::invalid_argument, found.problem);
  }
  const std::string& file = config.command.metric.path;
  if (!file.empty() && !CommandTemplate::varies(file))
    throw Error(ErrorCode::invalid_argument,
                "the result file " + quote(file) +
                    " would be the same for every trial; put {trial} or {trial_dir} into its name, or write "
                    "to the file that the variable WARPBO_RESULT_FILE names");
}

/// Takes back what a dead run left, and queues the values that the sweep file gives as default.
void prepare(const Config& config, Study& study, Screen& screen) {
  const RunLock lock(config.run_directory() + "/lock");
  const std::vector<std::int64_t> taken_back = requeue_dead(study);
  if (!taken_back.empty())
    screen.line("warpbo: " + std::to_string(taken_back.size()) + " trial(s) of a run that died go back to the queue");
  if (study.count() > 0) return;
  Parameters all, unconditional;
  for (const ParamDeclaration& param : config.params) {
    if (!param.first) continue;
    all.set(param.spec.name, *param.first);
    if (param.spec.condition.empty()) unconditional.set(param.spec.name, *param.first);
  }
  if (all.empty()) return;
  try {
    study.enqueue(all);
  } catch (const Error&) {
    // A conditional default whose condition the other defaults do not meet; an error in the rest is the user's to see.
    if (!unconditional.empty()) study.enqueue(unconditional);
  }
}

void remember_metric(Study& study, const Config& config) {
  Storage& storage = study.storage();
  const auto record = storage.find_study(study.name());
  if (!record || record->attributes.contains("warpbo:metric")) return;
  storage.set_study_attribute(record->id, "warpbo:metric", toml_string(config.objective));  // the same escapes as JSON
}

std::string summary(const Config& config, const Study& study, double seconds) {
  const std::int64_t complete = study.count(TrialState::complete), failed = study.count(TrialState::failed);
  std::string out = std::to_string(complete + failed + study.count(TrialState::pruned)) +
                    " trials finished: " + std::to_string(complete) + " complete, " + std::to_string(failed) +
                    " failed; this run took " + format_clock(seconds) + "\n";
  const auto best = study.try_best();
  if (!best) return out + "no trial has succeeded yet\n";
  out += "best " + escape(config.objective) + " = " + format_number(*best->value) + " (trial " + std::to_string(best->number) +
         "): ";
  std::string parameters;
  for (const auto& [name, value] : best->parameters)
    parameters += (parameters.empty() ? "" : " ") + escape(name) + "=" + escape(warpbo::to_string(value));
  out += parameters + "\n";
  const std::string folder = config.run_directory() + "/trials/best";
  const CommandTemplate command(config.command.run, study.space());
  const std::string line =
      shell_join(command.expand(best->parameters, {best->number, folder, folder + "/result", folder + "/params.json"}));
  // A command that would not survive the terminal as text is not offered for pasting.
  if (escape(line, line.size()) == line) out += "\n  " + line + "\n";
  return out;
}

}  // namespace

int run_command(const Flags& flags) {
  Config config = make_config(flags);
  const Space space = config.space();
  check_config(config, space);
  if (!config.budget.trials && config.budget.time <= 0 && !config.budget.target) config.budget.trials = 100;
  if (const std::string problem = make_directories(config.run_directory()); !problem.empty())
    throw Error(ErrorCode::unavailable, problem);

  // Workers first: they are forked, and the library starts threads.
  const std::int64_t most = config.budget.trials.value_or(config.budget.jobs);
  WorkerPool workers(static_cast<int>(std::min<std::int64_t>(config.budget.jobs, most)));
  SignalPipe signals;
  const Style style = detect_style();
  Screen screen(STDOUT_FILENO, !flags.plain && !flags.quiet && can_redraw(STDOUT_FILENO), style);
  NoticeBox notices;

  StudyOptions options;
  options.direction = config.direction;
  options.sampler = config.sampler;
  options.on_notice = [&](std::string_view text) { notices.put(text); };
  Study study = Study::open_or_create(config.name, space, options, open_store(config.store_url(), OpenMode::read_write));
  if (study.count() > 0)
    screen.line("warpbo: continuing study " + quote(study.name()) + " with " + std::to_string(study.count()) + " trials (" +
                config.store_url() + ")");
  prepare(config, study, screen);
  remember_metric(study, config);

  Runner runner(config, study, workers, signals, screen, notices);
  int code = runner.run();
  print(summary(config, study, runner.elapsed()));
  if (code == kDone && !study.try_best()) code = kNoSuccess;
  if (code == kInterrupted) print("interrupted; everything is saved. Go on with the same command.\n");
  return code;
}

}  // namespace warpbo::cli
