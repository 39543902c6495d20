// The command `warpbo`: subcommands, flags, exit codes.
#include <warpbo/version.hpp>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>

#include "cli/runner.hpp"
#include "cli/sweep.hpp"
#include "cli/text.hpp"

namespace {

using warpbo::ErrorCode;
using warpbo::cli::Exit;
using warpbo::cli::Flags;

constexpr const char* kFooter =
    "Exit codes: 0 done; 1 wrong usage or input; 2 no trial succeeded, or stopped because trials kept failing;\n"
    "            3 the store failed; 4 interrupted (everything is saved, the same command goes on).";

constexpr const char* kParamHelp =
    "name=spec: lr=log:1e-5..1e-1, x=0..1:0.25, width=int:16..256:16, n=logint:1..1000, opt=sgd,adam, size=ordinal:s,m,l, "
    "flag=bool, "
    "seed=value:7; add ' when opt == ...' for a condition";

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::need_more_data:
    case ErrorCode::exhausted:
      return Exit::kNoSuccess;
    case ErrorCode::resource_exhausted:
    case ErrorCode::data_corrupt:
    case ErrorCode::version_too_new:
    case ErrorCode::read_only:
    case ErrorCode::unavailable:
      return Exit::kStoreError;
    default:
      return Exit::kUsage;
  }
}

void add_place(CLI::App* app, Flags& flags) {
  app->add_option("-f,--file", flags.file, "The sweep file (default: warpbo.toml if it is there)");
  app->add_option("--store", flags.store, "Where the trials are kept: sqlite:FILE (default: runs/<study>/study.db)")
      ->envname("WARPBO_STORE");
  app->add_option("--study", flags.study, "The study's name");
}

void add_objective(CLI::App* app, Flags& flags) {
  app->add_option("--minimize", flags.minimize, "Name of the metric to minimize")->type_name("METRIC");
  app->add_option("--maximize", flags.maximize, "Name of the metric to maximize")->type_name("METRIC");
  app->add_option("-p,--param", flags.params, kParamHelp)->type_name("NAME=SPEC")->take_all()->allow_extra_args(false);
  app->add_option("--constraint", flags.constraints, "Linear constraint, such as 'x + y <= 1'")
      ->take_all()
      ->allow_extra_args(false);
}

void add_sampler(CLI::App* app, Flags& flags) {
  app->add_option("--sampler", flags.sampler, "auto, gp, trust, random, grid, sobol or de");
  app->add_option("--seed", flags.seed, "The same seed repeats the same proposals")->check(CLI::NonNegativeNumber);
  app->add_option("--max-seconds-per-ask", flags.max_seconds_per_ask, "Limit of the time that one proposal takes; 0: none")
      ->check(CLI::NonNegativeNumber);
  app->add_option("--device", flags.device, "auto, cpu, cuda or cuda:1")->envname("WARPBO_DEVICE");
  app->add_option("--noise", flags.noise, "infer, deterministic or noisy");
}

void add_run(CLI::App& app, Flags& flags) {
  CLI::App* run =
      app.add_subcommand("run", "Run the sweep: warpbo run, or warpbo run --minimize loss -p lr=log:1e-5..1 -- CMD --lr={lr}");
  add_place(run, flags);
  add_objective(run, flags);
  add_sampler(run, flags);
  run->add_option("-j,--jobs", flags.jobs, "Trials at a time")->check(CLI::Range(1, 1024))->envname("WARPBO_JOBS");
  run->add_option("-n,--trials", flags.trials, "Trials of the study in all, failed ones included (default 100)")
      ->check(CLI::PositiveNumber);
  run->add_option("--time", flags.time, "Start no trial after this time (90, 10m, 2h)");
  run->add_option("--target", flags.target, "Stop once the best value is as good");
  run->add_option("--max-failed", flags.max_failed, "Stop after that many failed trials")->check(CLI::PositiveNumber);
  run->add_option("--timeout", flags.timeout, "End a trial after this time");
  run->add_option("--retries", flags.retries, "Further attempts of a failed trial")->check(CLI::Range(0, 1000));
  run->add_option("--metric-regex", flags.metric_regex, "Read the metric with this regular expression (one group)");
  run->add_option("--metric-file", flags.metric_file,
                  "Read the metric from this file; {trial} and {trial_dir} stand for the trial's");
  run->add_flag("--accept-nonzero", flags.accept_nonzero, "Take the metric although the exit status is not 0");
  run->add_flag("--plain", flags.plain, "Plain lines also on a terminal");
  run->footer(
      "The metric is read from the command's output as name=value, name: value or a JSON line (the last one counts), or from "
      "the file\n"
      "named by WARPBO_RESULT_FILE. Parameters: {name} in the arguments, ${args}, or the variables WARPBO_PARAM_NAME, "
      "WARPBO_PARAMS_JSON.\n"
      "Logs: runs/<study>/trials/000017/. Ctrl-C once lets the running trials finish, twice ends them and puts them back.\n" +
      std::string(kFooter));
}

void add_others(CLI::App& app, Flags& flags) {
  CLI::App* init = app.add_subcommand(
      "init", "Write a sweep file: warpbo init 'python3 train.py --lr={lr}' lr=log:1e-5..1e-1 --minimize loss");
  add_objective(init, flags);
  init->add_option("words", flags.words, "The command in quotes, and name=spec");
  init->add_option("--store", flags.store, "Where the trials shall be kept");
  init->add_option("--study", flags.study, "The study's name (default: this directory's)");
  init->add_option("-n,--trials", flags.trials, "Trials in all")->check(CLI::PositiveNumber);
  init->add_option("-j,--jobs", flags.jobs, "Trials at a time")->check(CLI::Range(1, 1024));
  init->add_option("--sampler", flags.sampler, "auto, gp, trust, random, grid, sobol or de");
  init->add_option("--seed", flags.seed, "The seed")->check(CLI::NonNegativeNumber);
  init->add_option("-o,--output", flags.output, "File to write (default warpbo.toml)");
  init->add_flag("--force", flags.force, "Replace the file if it exists");

  CLI::App* status = app.add_subcommand("status", "Show where a study stands");
  add_place(status, flags);
  status->add_flag("--json", flags.json, "As JSON");

  CLI::App* best = app.add_subcommand("best", "Show the best trials");
  add_place(best, flags);
  best->add_option("--top", flags.count, "How many")->check(CLI::Range(1, 1000000));
  best->add_flag("--json", flags.json, "As JSON");

  CLI::App* ask = app.add_subcommand("ask", "Propose trials to carry out by hand; report them with tell");
  add_place(ask, flags);
  add_objective(ask, flags);
  add_sampler(ask, flags);
  ask->add_option("-n,--count", flags.count, "How many")->check(CLI::Range(1, 1000000));
  ask->add_option("--fixed", flags.fixed, "name=value that the proposals must take")->take_all()->allow_extra_args(false);
  ask->add_flag("--json", flags.json, "As JSON");

  CLI::App* tell = app.add_subcommand("tell", "Report a result: warpbo tell 17 0.31");
  add_place(tell, flags);
  tell->add_option("number", flags.number, "The trial's number")->required();
  tell->add_option("value", flags.value, "The metric's value");
  tell->add_option("--fail", flags.failure, "It gave no value, for this reason")->type_name("REASON");
  tell->add_flag("--requeue", flags.requeue, "Put the running trial back into the queue");

  CLI::App* enqueue = app.add_subcommand("enqueue", "Queue a known-good point: warpbo enqueue lr=1e-3 width=64");
  add_place(enqueue, flags);
  enqueue->add_option("words", flags.words, "name=value; what is missing is proposed")->required();

  CLI::App* exporter = app.add_subcommand("export", "Write all trials as a table or JSON");
  add_place(exporter, flags);
  exporter->add_option("--format", flags.format, "csv (Optuna's columns), json or jsonl")
      ->check(CLI::IsMember({"csv", "json", "jsonl"}));
  exporter->add_option("-o,--output", flags.output, "File to write (default: standard output)");
  exporter->add_flag("--raw", flags.raw, "Do not guard text against being run as a formula by spreadsheets");

  CLI::App* doctor = app.add_subcommand("doctor", "Check devices, store and file system");
  add_place(doctor, flags);
}

int dispatch(const CLI::App& app, const Flags& flags) {
  static constexpr std::pair<const char*, int (*)(const Flags&)> kCommands[] = {
      {"run", warpbo::cli::run_command},         {"init", warpbo::cli::init_command},
      {"status", warpbo::cli::status_command},   {"best", warpbo::cli::best_command},
      {"ask", warpbo::cli::ask_command},         {"tell", warpbo::cli::tell_command},
      {"enqueue", warpbo::cli::enqueue_command}, {"export", warpbo::cli::export_command},
      {"doctor", warpbo::cli::doctor_command}};
  for (const auto& [name, command] : kCommands)
    if (app.got_subcommand(name)) return command(flags);
  return Exit::kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  // What follows -- is the user's command; its options are not ours.
  std::vector<std::string> ours;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--") {
      flags.command.assign(argv + i + 1, argv + argc);
      break;
    }
    ours.emplace_back(argv[i]);
  }
  std::reverse(ours.begin(), ours.end());  // the order that CLI11 wants

  CLI::App app("warpbo proposes trials: batch Bayesian optimization of any command or program.", "warpbo");
  app.set_version_flag("--version", std::string("warpbo ") + WARPBO_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  add_run(app, flags);
  add_others(app, flags);
  try {
    app.parse(ours);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? Exit::kDone : Exit::kUsage;
  }
  try {
    return dispatch(app, flags);
  } catch (const warpbo::Error& error) {
    std::fprintf(stderr, "warpbo: %s\n", warpbo::cli::escape(error.what(), 4000).c_str());
    return exit_code(error.code());
  } catch (const std::bad_alloc&) {
    std::fputs("warpbo: out of memory\n", stderr);
    return Exit::kStoreError;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "warpbo: a defect of warpbo: %s\n", error.what());
    return Exit::kUsage;
  }
}
