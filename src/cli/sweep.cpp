#include "cli/sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "cli/param_spec.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

double duration_flag(const std::string& text, const char* flag) {
  const auto seconds = parse_duration(text);
  if (!seconds)
    throw Error(ErrorCode::invalid_argument,
                std::string(flag) + " " + quote(text) + " is not a duration such as 90, 10m or 1h30m");
  return *seconds;
}

void lay_over(const Flags& flags, Config& config) {
  if (!flags.study.empty()) config.name = flags.study;
  if (!flags.store.empty()) {
    config.store = flags.store;
    // A store given as a flag is relative to where the user is, not to the sweep file.
    const bool url = flags.store.find(':') != std::string::npos && !flags.store.starts_with("sqlite:");
    const std::string path = flags.store.starts_with("sqlite:") ? flags.store.substr(7) : flags.store;
    if (!url && config.directory != "." && !path.starts_with('/'))
      config.store = "sqlite:" + std::filesystem::absolute(path).string();
  }
  if (!flags.minimize.empty() && !flags.maximize.empty())
    throw Error(ErrorCode::invalid_argument, "give either --minimize or --maximize, not both");
  if (!flags.minimize.empty() || !flags.maximize.empty()) {
    config.direction = flags.maximize.empty() ? Direction::minimize : Direction::maximize;
    config.objective = flags.maximize.empty() ? flags.minimize : flags.maximize;
  }
  if (!flags.params.empty()) {
    config.params.clear();
    config.constraints.clear();
    for (const std::string& param : flags.params) config.params.push_back({parse_param(param), std::nullopt});
  }
  if (!flags.constraints.empty()) config.constraints = flags.constraints;
  if (!flags.command.empty()) config.command.run = flags.command;
  if (!flags.metric_regex.empty()) {
    check_regex(flags.metric_regex);
    config.command.metric = {MetricRule::Source::regex, {}, {}, flags.metric_regex};
  }
  if (!flags.metric_file.empty()) config.command.metric = {MetricRule::Source::file, {}, flags.metric_file, {}};
  if (flags.accept_nonzero) config.command.accept_nonzero = true;
  if (!flags.timeout.empty()) config.command.timeout = duration_flag(flags.timeout, "--timeout");
  if (flags.retries) config.command.retries = *flags.retries;
  if (flags.trials) config.budget.trials = flags.trials;
  if (flags.jobs) config.budget.jobs = *flags.jobs;
  if (!flags.time.empty()) config.budget.time = duration_flag(flags.time, "--time");
  if (flags.target) config.budget.target = flags.target;
  if (flags.max_failed) config.budget.max_failed = flags.max_failed;
  if (!flags.sampler.empty()) config.sampler.kind = parse_sampler_kind(flags.sampler);
  if (!flags.device.empty()) config.sampler.device = Device::parse(flags.device);
  if (!flags.noise.empty()) config.sampler.noise = parse_noise(flags.noise);
  if (flags.seed) config.sampler.seed = static_cast<std::uint64_t>(*flags.seed);
  if (flags.max_seconds_per_ask) config.sampler.max_seconds_per_ask = *flags.max_seconds_per_ask;
}

/// runs/*/study.db below the current directory.
std::vector<std::string> stores_here() {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("runs", code)) {
    const fs::path file = entry.path() / "study.db";
    if (fs::exists(file, code)) out.push_back(file.string());
  }
  return out;
}

}  // namespace

Config make_config(const Flags& flags) {
  Config config;
  std::error_code code;
  const bool complete = !flags.params.empty() && !flags.command.empty() && (!flags.minimize.empty() || !flags.maximize.empty());
  if (!flags.file.empty()) {
    config = load_config(flags.file);
  } else if (!complete && std::filesystem::exists("warpbo.toml", code)) {
    config = load_config("warpbo.toml");
  }
  lay_over(flags, config);
  if (config.name.empty()) config.name = "study";
  return config;
}

Found find_study(const Flags& flags) {
  Found found;
  std::error_code code;
  const bool has_file = !flags.file.empty() || std::filesystem::exists("warpbo.toml", code);
  if (has_file) found.config = load_config(flags.file.empty() ? "warpbo.toml" : flags.file);
  lay_over(flags, found.config);
  if (has_file || !flags.store.empty()) {
    if (found.config.name.empty() && flags.store.empty()) found.config.name = "study";
    found.store = found.config.store_url();
  } else {
    const std::vector<std::string> stores = stores_here();
    if (stores.empty())
      throw Error(ErrorCode::not_found, "there is neither a warpbo.toml nor a runs/*/study.db here; give --store sqlite:FILE");
    std::string chosen = "runs/" + safe_component(flags.study) + "/study.db";
    if (flags.study.empty() || !std::filesystem::exists(chosen, code)) {
      if (stores.size() > 1) {
        std::string list;
        for (const std::string& store : stores) list += (list.empty() ? "" : ", ") + store;
        throw Error(ErrorCode::not_found, "there are several studies here; give --store with one of: " + list);
      }
      chosen = stores[0];
    }
    found.store = "sqlite:" + chosen;
  }
  found.name = found.config.name;
  if (flags.study.empty()) {
    // With one study in the store its name need not be given.
    const auto storage = open_store(found.store, OpenMode::read_only);
    const std::vector<StudyRecord> studies = storage->studies();
    const bool known =
        std::any_of(studies.begin(), studies.end(), [&](const StudyRecord& study) { return study.name == found.name; });
    if (!known && studies.size() == 1) found.name = studies[0].name;
  }
  return found;
}

std::shared_ptr<Storage> open_store(const std::string& url, OpenMode mode) {
  try {
    return open_storage(url, mode);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    throw Error(ErrorCode::unavailable, error.what());
  }
}

void print(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace warpbo::cli
