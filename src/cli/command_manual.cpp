// warpbo ask, tell, enqueue: trials that people, or programs of their own, carry out.
#include <algorithm>

#include "cli/command.hpp"
#include "cli/export.hpp"
#include "cli/param_spec.hpp"
#include "cli/runner.hpp"
#include "cli/sweep.hpp"
#include "cli/text.hpp"
#include "cli/trial_log.hpp"

namespace warpbo::cli {

namespace {

/// The study, made from the sweep file if it does not exist yet.
Study open_to_change(const Flags& flags, bool may_create) {
  StudyOptions options;
  options.on_notice = [](std::string_view text) { std::fputs(("warpbo: " + escape(text, 600) + "\n").c_str(), stderr); };
  if (may_create) {
    const Config config = make_config(flags);
    options.sampler = config.sampler;
    options.direction = config.direction;
    if (!config.params.empty()) {
      if (config.store.empty())
        if (const std::string problem = make_directories(config.run_directory()); !problem.empty())
          throw Error(ErrorCode::unavailable, problem);
      return Study::open_or_create(config.name, config.space(), options, open_store(config.store_url(), OpenMode::read_write));
    }
  }
  const Found found = find_study(flags);
  return Study::open(found.name, options, open_store(found.store, OpenMode::read_write));
}

}  // namespace

int ask_command(const Flags& flags) {
  Study study = open_to_change(flags, true);
  AskOptions options;
  options.count = flags.count;
  for (const std::string& text : flags.fixed) {
    auto [name, value] = parse_assignment(study.space(), text);
    options.fixed.set(name, std::move(value));
  }
  const std::vector<Trial> trials = study.ask(options);
  std::string out;
  if (flags.json) {
    out = to_json_array(trials) + "\n";
  } else {
    for (const Trial& trial : trials) {
      out += std::to_string(trial.number);
      for (const auto& [name, value] : trial.parameters)
        out += "  " + escape(name) + "=" + escape(warpbo::to_string(value), 100000);
      out += "\n";
    }
  }
  print(out);
  return kDone;
}

int tell_command(const Flags& flags) {
  const int ways = (flags.value.empty() ? 0 : 1) + (flags.failure.empty() ? 0 : 1) + (flags.requeue ? 1 : 0);
  if (ways != 1) throw Error(ErrorCode::invalid_argument, "give a value, --fail REASON or --requeue: warpbo tell 17 0.31");
  const std::int64_t number = flags.number.value_or(-1);
  const auto value = parse_number(flags.value);
  if (!flags.value.empty() && !value)
    throw Error(ErrorCode::invalid_argument, quote(flags.value) + " is not a number; write it as 0.31 or 3.1e-1");
  Study study = open_to_change(flags, false);
  if (flags.requeue) {
    if (!study.requeue(number)) throw Error(ErrorCode::invalid_argument, "trial " + std::to_string(number) + " is not running");
  } else if (value) {
    study.tell(number, *value);
  } else {
    study.fail(number, flags.failure);
  }
  return kDone;
}

int enqueue_command(const Flags& flags) {
  Study study = open_to_change(flags, true);
  Parameters parameters;
  for (const std::string& text : flags.words) {
    auto [name, value] = parse_assignment(study.space(), text);
    parameters.set(name, std::move(value));
  }
  print("trial " + std::to_string(study.enqueue(parameters)) + " waits; the next ask or run takes it\n");
  return kDone;
}

}  // namespace warpbo::cli
