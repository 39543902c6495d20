#include "cli/config.hpp"

#include <warpbo/error.hpp>

#include "cli/param_spec.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

Space Config::space() const {
  if (params.empty())
    throw Error(ErrorCode::invalid_argument,
                "there are no parameters to search; give --param lr=log:1e-5..1e-1 or a [params] table in warpbo.toml");
  Space out;
  for (const ParamDeclaration& param : params) out.add(param.spec);
  for (const std::string& constraint : constraints) out.constrain(constraint);
  out.validate();
  return out;
}

std::string Config::run_directory() const {
  const std::string folder = "runs/" + safe_component(name);
  return directory == "." ? folder : directory + "/" + folder;
}

std::string Config::store_url() const {
  if (store.empty()) return "sqlite:" + run_directory() + "/study.db";
  std::string_view path = store;
  if (path.starts_with("memory:")) return store;
  if (path.starts_with("sqlite:")) path.remove_prefix(7);
  if (path.starts_with("///")) path.remove_prefix(3);  // Optuna's way of writing a relative path
  if (path.starts_with('/') || directory == ".") return "sqlite:" + std::string(path);
  return "sqlite:" + directory + "/" + std::string(path);
}

Noise parse_noise(std::string_view text) {
  if (text == "infer") return Noise::infer;
  if (text == "deterministic") return Noise::deterministic;
  if (text == "noisy") return Noise::noisy;
  throw Error(ErrorCode::invalid_argument, "noise " + quote(text) + " is none of \"infer\", \"deterministic\" and \"noisy\"");
}

std::string write_config(const Config& config) {
  (void)config.space();  // refuse here rather than at the first run
  std::string out =
      "# A sweep of warpbo. Run it with: warpbo run\n"
      "[study]\n"
      "name = " +
      toml_string(config.name) + "\n";
  out += config.store.empty()
             ? "# store = \"sqlite:runs/" + safe_component(config.name) + "/study.db\"   # where the trials are kept\n"
             : "store = " + toml_string(config.store) + "\n";
  out += "\n[objective]\n";
  out += (config.direction == Direction::minimize ? "minimize = " : "maximize = ") + toml_string(config.objective) +
         "   # printed by the command as name=value, or as a JSON line\n";
  out +=
      "\n[command]   # an argument list, not a shell line; {name} is a parameter's value, ${args} is --name=value for the "
      "others\nrun = [";
  for (std::size_t i = 0; i < config.command.run.size(); ++i) out += (i > 0 ? ", " : "") + toml_string(config.command.run[i]);
  out += "]\n";
  out += config.command.timeout > 0 ? "timeout = " + format_number(config.command.timeout) + "\n" : "# timeout = \"10m\"\n";
  out += config.command.retries > 0 ? "retries = " + std::to_string(config.command.retries) + "\n" : "# retries = 1\n";
  out += "\n[budget]\ntrials = " + std::to_string(config.budget.trials.value_or(100)) +
         "\njobs = " + std::to_string(config.budget.jobs) + "\n";
  out += config.budget.time > 0 ? "time = " + format_number(config.budget.time) + "\n" : "# time = \"2h\"\n";
  if (config.budget.target) out += "target = " + format_number(*config.budget.target) + "\n";
  out += config.budget.max_failed ? "max_failed = " + std::to_string(*config.budget.max_failed) + "\n" : "# max_failed = 20\n";
  out += "\n[params]\n";
  for (const ParamDeclaration& param : config.params) out += toml_string(param.spec.name) + " = " + to_toml(param.spec) + "\n";
  if (!config.constraints.empty()) {
    out += "\n[space]\nconstraints = [";
    for (std::size_t i = 0; i < config.constraints.size(); ++i) out += (i > 0 ? ", " : "") + toml_string(config.constraints[i]);
    out += "]\n";
  }
  out += "\n[optimizer]\nkind = " + toml_string(warpbo::to_string(config.sampler.kind)) +
         "   # auto, gp, trust, random, grid, sobol, de\nseed = " + std::to_string(config.sampler.seed) + "\n";
  out +=
      "# noise = \"noisy\"           # the same parameters give different values; or deterministic; learned if left out\n"
      "# initial_trials = 20        # quasi-random ones before the model; chosen from the parameters if left out\n"
      "# max_seconds_per_ask = 10   # limit of the time that one proposal takes\n"
      "# device = \"cuda\"           # or cpu; whatever there is if left out\n"
      "# acquisition = \"ucb\"       # of gp: logei, ucb, thompson, ucb-pe\n"
      "# ucb_coefficient = 1.8      # of ucb and ucb-pe\n"
      "# trust_regions = 4          # of trust: how many are searched at once\n"
      "# grid_points = 10           # of grid: values of a parameter without step\n";
  return out;
}

}  // namespace warpbo::cli
