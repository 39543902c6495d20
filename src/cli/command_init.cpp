// warpbo init
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/command.hpp"
#include "cli/param_spec.hpp"
#include "cli/sweep.hpp"
#include "cli/text.hpp"

namespace warpbo::cli {

namespace {

/// "lr=log:1e-5..1" is a parameter; a command has no '=', or blanks or braces before it.
bool is_param(const std::string& word) {
  const std::size_t equals = word.find('=');
  return equals != std::string::npos && equals > 0 && word.find_first_of(" {-/") >= equals;
}

}  // namespace

int init_command(const Flags& flags) {
  Config config;
  config.name = flags.study.empty() ? std::filesystem::current_path().filename().string() : flags.study;
  if (config.name.empty()) config.name = "study";
  config.store = flags.store;
  if (!flags.minimize.empty() && !flags.maximize.empty())
    throw Error(ErrorCode::invalid_argument, "give either --minimize or --maximize, not both");
  config.objective = flags.maximize.empty() ? (flags.minimize.empty() ? "loss" : flags.minimize) : flags.maximize;
  config.direction = flags.maximize.empty() ? Direction::minimize : Direction::maximize;
  config.command.run = flags.command;
  config.constraints = flags.constraints;
  for (const std::string& param : flags.params) config.params.push_back({parse_param(param), std::nullopt});
  for (const std::string& word : flags.words) {
    if (is_param(word)) {
      config.params.push_back({parse_param(word), std::nullopt});
    } else if (config.command.run.empty()) {
      config.command.run = split_words(word);
    } else {
      throw Error(ErrorCode::invalid_argument,
                  quote(word) + " is neither name=spec nor the only command; put the command in quotes or behind --");
    }
  }
  const bool example = config.params.empty() && config.command.run.empty();
  if (example) {
    config.params = {{parse_param("lr=log:1e-5..1e-1"), std::nullopt},
                     {parse_param("width=int:16..256:16"), std::nullopt},
                     {parse_param("opt=sgd,adam"), std::nullopt},
                     {parse_param("momentum=0..0.99 when opt == 'sgd'"), std::nullopt}};
  }
  if (config.command.run.empty()) config.command.run = {"python3", "train.py", "${args}"};
  const Space space = config.space();
  (void)CommandTemplate(config.command.run, space);
  config.budget.trials = flags.trials.value_or(100);
  config.budget.jobs = flags.jobs.value_or(1);
  if (!flags.sampler.empty()) config.sampler.kind = parse_sampler_kind(flags.sampler);
  if (flags.seed) config.sampler.seed = static_cast<std::uint64_t>(*flags.seed);
  const std::string text = write_config(config);
  (void)parse_config(text, "warpbo.toml");  // what is written must read back

  const std::string path = flags.output.empty() ? "warpbo.toml" : flags.output;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (flags.force ? O_TRUNC : O_EXCL), 0644);
  if (fd < 0 && errno == EEXIST) throw Error(ErrorCode::invalid_argument, quote(path) + " exists already; --force replaces it");
  if (fd < 0 || ::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw Error(ErrorCode::unavailable, quote(path) + " cannot be written: " + std::strerror(errno));
  close(fd);
  print("wrote " + path + (example ? " with an example; edit it, then: warpbo run\n" : "; start it with: warpbo run\n"));
  return 0;
}

}  // namespace warpbo::cli
